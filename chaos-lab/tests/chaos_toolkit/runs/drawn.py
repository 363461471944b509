"""Runs drawn so that each pair of what can differ in them occurs."""

import itertools
import random

from .blocks import (LIMIT, after_background, asking, becomes, case, exits, experiment, in_background, probe, refused,
                     runtime, shell, too_slow)

SEED = 20240611
COUNT = 72

FACTORS = {
    "strategy": ["default", "before-method-only", "after-method-only", "during-method-only", "continuously", "skip"],
    # Whether the strategies are named in the file or on the line.
    "named": ["file", "line"],
    "rollback_strategy": ["default", "always", "never", "deviated"],
    "rollbacks_named": ["file", "line"],
    "gate": ["ok", "broken", "slow", "refused"],
    "method": ["succeeds", "nonzero", "timeout", "refused", "empty", "ref", "background", "pauses", "mixed"],
    "after": ["ok", "broken", "slow"],
    "rollbacks": ["none", "succeed", "nonzero", "timeout", "several"],
}


def rows():
    draw = random.Random(SEED)
    names = list(FACTORS)
    pairs = {((a, x), (b, y)) for a, b in itertools.combinations(names, 2) for x in FACTORS[a] for y in FACTORS[b]}
    taken = []
    while len(taken) < COUNT or pairs:
        candidates = [{name: draw.choice(FACTORS[name]) for name in names} for _ in range(60)]
        row = max(candidates, key=lambda row: len(pairs & of(row)))
        if row not in taken:
            taken.append(row)
            pairs -= of(row)
    return taken


def of(row):
    return set(itertools.combinations(row.items(), 2))


def method(kind, change):
    end = shell("end")
    return {
        "succeeds": lambda: [change, probe("look", "echo look >>log"), end],
        "nonzero": lambda: [change, exits("three", 3), end],
        "timeout": lambda: [change, too_slow("late"), end],
        "refused": lambda: [change, refused("refused-action"), end],
        "empty": lambda: [],
        "ref": lambda: [change, {"ref": "steady"}, {"ref": "change"}, end],
        "background": lambda: [in_background(), after_background(change), end],
        "pauses": lambda: [{**change, "pauses": {"before": 0.1, "after": 0.2}}, {**end, "pauses": {"after": 0.1}}],
        "mixed": lambda: [refused("refused-probe", type="probe"), exits("one", 1), change, too_slow("late"), end],
    }[kind]()


def rollbacks(kind):
    return {
        "none": lambda: None,
        "succeed": lambda: [shell("undo")],
        "nonzero": lambda: [exits("undo-badly", 4), shell("undo")],
        "timeout": lambda: [too_slow("undo-late"), shell("undo")],
        "several": lambda: [shell("undo-one"), refused("undo-refused"), probe("undo-look", "echo undo-look >>log"),
                            shell("undo-two")],
    }[kind]()


def drawn():
    for number, row in enumerate(rows()):
        strategy, rollback_strategy = row["strategy"], row["rollback_strategy"]
        # The line does not know how to skip.
        in_file = strategy if row["named"] == "file" or strategy == "skip" else None
        rollbacks_in_file = rollback_strategy if row["rollbacks_named"] == "file" else None
        during = strategy in ("during-method-only", "continuously")
        limit = LIMIT if "slow" in (row["gate"], row["after"]) else None
        probes = asking(quiet=during, limit=limit)
        if row["gate"] == "refused":
            probes.append(refused("refused", type="probe", tolerance=200))
        document = experiment(method(row["method"], becomes(row["after"])), probes, rollbacks(row["rollbacks"]))
        if in_file or rollbacks_in_file:
            document.update(runtime(in_file, rollbacks_in_file))
        arguments = []
        if not in_file:
            arguments += ["--hypothesis-strategy", strategy]
        if not rollbacks_in_file:
            arguments += ["--rollback-strategy", rollback_strategy]
        name = (f"drawn/{number:02}: {strategy}; gate {row['gate']}; method {row['method']}; after {row['after']}; "
                f"rollbacks {row['rollbacks']}, {rollback_strategy}")
        state = "ok" if row["gate"] == "refused" else row["gate"]
        yield case(name, document, *arguments, state=state, left_out=["during"] if during else [])
