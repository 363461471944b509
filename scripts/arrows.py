#!/usr/bin/env python3
"""Checks every arrow between the crates of this repository: each names exactly the crates that it may.

An arrow that is missing here is missing from the design as well. An arrow that exists only here must be removed.
"""

import json
import subprocess
import sys

# The crates that a crate may name and, after the semicolon, those that only its tests may name.
ARROWS = {
    "chaos-core": "",
    "chaos-events": "chaos-core; chaos-testkit",
    "chaos-holidays": "chaos-core; chaos-testkit",
    "chaos-journal": "chaos-core; chaos-testkit",
    "chaos-testkit": "chaos-core",
    "chaos-local": "chaos-core; chaos-events chaos-testkit",
    "chaos-notify": "chaos-core",
    "chaos-probes": "chaos-core; chaos-testkit",
    "chaos-lab": "chaos-aws chaos-azure chaos-core chaos-events",
    # The one arrow between two crates of the same floor: SNS and SES are channels of chaos-notify.
    "chaos-aws": "chaos-core chaos-notify; chaos-events chaos-probes chaos-testkit",
    "chaos-azure": "chaos-core; chaos-events chaos-journal chaos-testkit fake-azure",
    "chaos-cli": "chaos-aws chaos-azure chaos-core chaos-events chaos-holidays chaos-journal chaos-lab chaos-local "
    "chaos-notify chaos-probes chaos-testkit; fake-azure",
    "examples": "chaos-aws chaos-azure chaos-core chaos-events chaos-journal chaos-local; chaos-lab chaos-probes "
    "fake-azure",
    "fake-azure": "chaos-core",
    "benches": "; chaos-core chaos-events chaos-journal chaos-local chaos-probes",
}


def found() -> dict[str, tuple[set[str], set[str]]]:
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    packages = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]
    ours = {package["name"] for package in packages}
    arrows = {}
    for package in packages:
        named: tuple[set[str], set[str]] = (set(), set())
        for dependency in package["dependencies"]:
            if dependency["name"] in ours:
                named[dependency["kind"] == "dev"].add(dependency["name"])
        arrows[package["name"]] = (named[0], named[1] - named[0])
    return arrows


def main() -> int:
    wrong = 0
    arrows = found()
    for crate in sorted(ARROWS.keys() | arrows.keys()):
        if crate not in ARROWS or crate not in arrows:
            print(f"{crate} is {'no longer a crate' if crate in ARROWS else 'not in ' + sys.argv[0]}")
            wrong += 1
            continue
        allowed = [set(part.split()) for part in (ARROWS[crate] + ";").split(";")[:2]]
        for what, may, does in zip(("", "tests of "), allowed, arrows[crate]):
            for other in sorted(may ^ does):
                verb = "must not name" if other in does else "no longer names"
                print(f"{what}{crate} {verb} {other}")
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
