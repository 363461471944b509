#!/usr/bin/env python3
"""Finds files of a crate that import each other in a circle, and rooms of a provider that import from later ones.

    scripts/circles.py [CRATE...]    folders of crates; without any, every crate of the workspace

Reads the `use` statements and the paths that begin with `crate`, `super` or `self`, leaves out comments, texts and
modules for tests, and follows re-exports to the file that defines a name. A `pub use` of `mod.rs` is a door and no use.
Prints each circle and each import from a later room, and exits with 1 unless all of them are allowed below.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Circles that may stay: the crate, its files, and the reason.
ALLOWED = [
    ("chaos-core", {"fault/prepared.rs", "fault/armed.rs"}, "each step of a fault consumes the one before"),
    ("chaos-core", {"monkey/builder.rs", "monkey/monkey.rs"}, "a builder makes a monkey, and a monkey a builder"),
]

# The rooms of a provider's crate. Each imports only from those before it.
ROOMS = ["model", "client", "capability", "discovery"]

RAW_TEXT = re.compile(r'r(#*)".*?"\1', re.S)
TEXT = re.compile(r'"(?:\\.|[^"\\])*"', re.S)
LETTER = re.compile(r"'(?:\\[^']+|[^'\\])'")
USE = re.compile(r"(?<![\w#])(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);")
CHILD = re.compile(r'(?:#\[path\s*=\s*"([^"]+)"\]\s*)?(?<![\w#])(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;')
PATH = re.compile(r"(?<![\w:$])((?:crate|super|self)(?:::\w+)+)")


def without_comments(text):
    """The code without comments and strings, which become blanks, so that no word in them is taken for code."""
    kept, at = [], 0
    while at < len(text):
        if text.startswith("//", at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif text.startswith("/*", at):
            depth, at = 1, at + 2
            while at < len(text) and depth:
                step = {"/*": 1, "*/": -1}.get(text[at : at + 2], 0)
                depth, at = depth + step, at + (2 if step else 1)
        else:
            begins_word = at == 0 or not (text[at - 1].isalnum() or text[at - 1] == "_")
            match = RAW_TEXT.match(text, at) if begins_word else None
            match = match or TEXT.match(text, at) or LETTER.match(text, at)
            kept.append('""' if match else text[at])
            at = match.end() if match else at + 1
    return "".join(kept)


def end_of_block(text, begin):
    """The place after the brace that closes the one at `begin`."""
    depth = 0
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return len(text)


def without_tests(text):
    """Leaves out all code that is compiled only for tests."""
    while match := re.search(r"#\[cfg\(test\)\]", text):
        ends = re.compile(r"[;{]").search(text, match.end())
        if ends is None:
            return text[: match.start()]
        end = ends.end() if ends.group() == ";" else end_of_block(text, ends.start())
        text = text[: match.start()] + text[end:]
    return text


def flattened(tree, prefix=()):
    """Each path of one `use`, with the name that it has afterwards."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace < 0:
        path, _, alias = (part.strip() for part in tree.partition(" as "))
        parts = [*prefix, *(part.strip() for part in path.split("::") if part.strip())]
        if parts and parts[-1] == "self" and len(parts) > 1:
            parts.pop()
        if parts:
            yield tuple(parts), alias or parts[-1]
        return
    head = [part.strip() for part in tree[:brace].split("::") if part.strip()]
    depth, begin, inside = 0, brace + 1, tree[: tree.rindex("}")]
    for at in range(brace + 1, len(inside) + 1):
        letter = inside[at] if at < len(inside) else ","
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            if inside[begin:at].strip():
                yield from flattened(inside[begin:at], (*prefix, *head))
            begin = at + 1


class Module:
    """One file of a crate."""

    def __init__(self, file, parent, folder):
        self.file, self.parent, self.children = file, parent, {}
        text = file.read_text()
        self.code = without_tests(without_comments(text))
        paths = {name: path for path, name in CHILD.findall(text) if path}
        uses = [(bool(door), path, name) for door, tree in USE.findall(self.code) for path, name in flattened(tree)]
        self.names = {name: path for _, path, name in uses if path[-1] != "*"}
        self.globs = [path[:-1] for _, path, _ in uses if path[-1] == "*"]
        self.uses = uses
        for _, name in CHILD.findall(self.code):
            tries = [file.parent / paths[name]] if name in paths else []
            tries += [folder / f"{name}.rs", folder / name / "mod.rs"]
            found = next((path for path in tries if path.is_file()), None)
            if found:
                self.children[name] = Module(found, self, folder / name)

    @property
    def root(self):
        return self.parent.root if self.parent else self

    def everybody(self):
        yield self
        for child in self.children.values():
            yield from child.everybody()

    def look_up(self, path, seen=frozenset()):
        """The module that defines the item of `path`, and the rest of the path there; None if it is not here."""
        if (self, path) in seen or not path:
            return None
        seen = seen | {(self, path)}
        first, rest = path[0], path[1:]
        if first in ("crate", "self", "super"):
            start = {"crate": self.root, "self": self, "super": self.parent}[first]
            if start is None:
                return None
            return start.look_up(rest, seen) if rest else (start, ())
        # If a module and an item have the same name, the last part of a path is the item.
        door = self.names.get(first)
        child = self.children.get(first)
        if child and (rest or not door):
            return (child.look_up(rest, seen) or (child, rest)) if rest else (child, ())
        if door:
            return self.look_up((*door, *rest), seen)
        for glob in self.globs:
            found = self.look_up((*glob, *path), seen)
            if found and (self.defines(found) or not found[1]):
                return found
        return (self, path)

    @staticmethod
    def defines(found):
        module, rest = found
        kinds = "struct|enum|trait|fn|type|const|static|union|macro_rules!"
        return bool(rest) and re.search(rf"\b(?:{kinds})\s+{rest[0]}\b", module.code)

    def imports(self):
        """The files that this one names, each with the path that names it."""
        at_the_door = self.file.name in ("mod.rs", "lib.rs", "main.rs") or self.children
        for door, path, name in self.uses:
            if door and at_the_door:
                continue
            is_ours = path[0] in ("crate", "self", "super") or path[0] in self.children
            target = self.look_up(path[:-1] if path[-1] == "*" else path) if is_ours else None
            if target is None:
                continue
            module, rest = target
            if rest or path[-1] == "*":
                yield module, "::".join(path)
                continue
            # A module was imported. Only the items that are used from it count.
            for taken in sorted(set(re.findall(rf"(?<![\w:.]){name}::(\w+)", self.code))):
                found = module.look_up((taken,))
                if found:
                    yield found[0], f"{'::'.join(path)}::{taken}"
        for written in sorted(set(PATH.findall(USE.sub("", self.code)))):
            found = self.look_up(tuple(written.split("::")))
            if found and found[1]:
                yield found[0], written


def circles(graph):
    """The strongly connected components of more than one node, by Tarjan's algorithm."""
    number, low, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in graph[node]:
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            component = set()
            while node not in component:
                component.add(stack.pop())
            if len(component) > 1:
                found.append(component)

    for node in graph:
        if node not in number:
            visit(node)
    return found


def name_of(crate):
    """Its folder within the repository."""
    return str(crate.relative_to(ROOT)) if crate.is_relative_to(ROOT) else str(crate)


def allowed(crate, files):
    """The reason why these files may import each other in a circle; None if they may not."""
    return next((why for name, members, why in ALLOWED if name == name_of(crate) and files <= members), None)


def room_of(file, src):
    """The place of its room among those of a provider's crate; None for a file outside of them."""
    first = file.relative_to(src).parts[0]
    return ROOMS.index(first) if first in ROOMS else None


def wrong_ways(graph, src):
    """The imports of a file from a room after its own."""
    if not all((src / room).is_dir() for room in ROOMS):
        return
    for file, edges in sorted(graph.items()):
        own = room_of(file, src)
        for other, names in sorted(edges.items()):
            there = room_of(other, src)
            if own is not None and there is not None and there > own:
                yield f"{file.relative_to(src)} -> {other.relative_to(src)}: {', '.join(sorted(set(names)))}"


def check(crate):
    """Prints the errors of one crate; returns the number of forbidden circles, and of imports from later rooms."""
    src = crate / "src"
    graph = {}
    for root in [src / "lib.rs", src / "main.rs"]:
        if not root.is_file():
            continue
        for module in Module(root, None, src).everybody():
            edges = graph.setdefault(module.file, {})
            for other, path in module.imports():
                if other.file != module.file:
                    edges.setdefault(other.file, []).append(path)
    refused = 0
    for way in wrong_ways(graph, src):
        refused += 1
        print(f"{name_of(crate)}: a room imports from one after it\n  {way}")
    for component in sorted(circles(graph), key=sorted):
        files = {str(file.relative_to(src)) for file in component}
        reason = allowed(crate, files)
        refused += reason is None
        print(f"{name_of(crate)}: {len(files)} files in a circle" + (f", allowed: {reason}" if reason else ""))
        for file in sorted(component):
            for other in sorted(other for other in graph[file] if other in component):
                names = ", ".join(sorted(set(graph[file][other])))
                print(f"  {file.relative_to(src)} -> {other.relative_to(src)}: {names}")
    return refused


def main():
    sys.setrecursionlimit(10_000)
    crates = [Path(name).resolve() for name in sys.argv[1:]]
    members = re.search(r"^members = \[([^]]*)\]", (ROOT / "Cargo.toml").read_text(), re.M)
    crates = crates or [ROOT / name for name in re.findall(r'"([^"]+)"', members.group(1) if members else "")]
    for crate in crates:
        if not (crate / "src").is_dir() and sys.argv[1:]:
            sys.exit(f"{crate} is not a crate")
    return 1 if sum(check(crate) for crate in crates) else 0


if __name__ == "__main__":
    sys.exit(main())
