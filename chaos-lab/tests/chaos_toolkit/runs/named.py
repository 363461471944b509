"""Runs for what is known to be particular."""

import json

from .blocks import (LIMIT, after_background, asking, becomes, case, exits, experiment, hypothesis, in_background,
                     probe, refused, runtime, shell, takes, too_slow, waits)

SIGNALS = ["SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2"]
DRY = ["probes", "actions", "activities", "pause"]
# A method must be longer than some looks of its hypothesis.
OFTEN = ["--hypothesis-frequency", "0.1"]


def named():
    yield from whole()
    yield from during()
    yield from dry()
    yield from signals()
    yield from refs_and_background()
    yield from unforeseen()
    yield from invalid()


def whole():
    """The table of what follows from what, one run a line; and all of a journal."""
    undo = [shell("undo")]
    act = [shell("act")]
    for strategy in ["default", "always", "never", "deviated"]:
        line = ["--rollback-strategy", strategy]
        for situation, probes, state, method in [
            ("all is met", asking(), "ok", act),
            ("gate not met", asking(), "broken", act),
            ("gate fails by time", asking(limit=LIMIT), "slow", act),
            ("gate refused", [refused("refused", type="probe", tolerance=200)], "ok", act),
            ("after not met", asking(), "ok", [becomes("broken")]),
            ("after fails by time", asking(limit=LIMIT), "ok", [becomes("slow")]),
            ("no hypothesis", (), "ok", act),
            ("actions fail", asking(), "ok", [exits("three", 3), too_slow("late"), refused("refused"), *act]),
        ]:
            yield case(f"table/{situation}; rollbacks {strategy}", experiment(method, probes, undo), *line, state=state)
    for name, rollbacks in [
        ("one exits with 1", [exits("undo-badly", 1), *undo]),
        ("one is too late", [too_slow("undo-late"), *undo]),
        ("one is refused", [refused("undo-refused"), *undo]),
        ("all fail", [too_slow("undo-late"), refused("undo-refused")]),
        ("pauses", [{**shell("undo"), "pauses": {"before": 0.1, "after": 0.1}}, shell("undo-again")]),
        ("in the background", [in_background("undo-aside"), after_background(shell("undo"), "undo-aside")]),
        ("empty list", []),
    ]:
        yield case(f"rollbacks/{name}", experiment(act, asking(), rollbacks))
    yield case("strategy/runtime without hypothesis", experiment(act, asking(), undo, **runtime(rollbacks="never")))
    yield case("strategy/empty runtime", experiment(act, asking(), undo, runtime={}))
    for (in_file, rollbacks_in_file), line in [
        (("skip", "never"), ["--hypothesis-strategy", "default", "--rollback-strategy", "always"]),
        (("continuously", "always"), ["--hypothesis-strategy", "before-method-only", "--rollback-strategy", "never"]),
        (("before-method-only", "deviated"), ["--hypothesis-strategy", "after-method-only"]),
    ]:
        yield case(f"strategy/of the line over {in_file} and {rollbacks_in_file}", experiment(
            [becomes("broken")], asking(), undo, **runtime(in_file, rollbacks_in_file)), *line)
    yield case("strategy/continously as it was spelt", experiment(act, asking(quiet=True), undo),
               "--hypothesis-strategy", "continously", left_out=["during"])
    yield case("strategy/continuous in the file", experiment(act, asking(quiet=True), undo, **runtime("continuous")),
               left_out=["during"])
    yield case("strategy/continously in the file", experiment(act, asking(quiet=True), undo, **runtime("continously")),
               left_out=["during"])
    yield case("hypothesis/without probes",
               {**experiment(act, rollbacks=undo), "steady-state-hypothesis": hypothesis()})
    yield case("hypothesis/first not met, second not asked",
               experiment(act, [probe("one", "echo one >>log; exit 2", tolerance=0),
                                probe("two", "echo two >>log", tolerance=0)], undo))
    yield case("hypothesis/pauses", experiment(act, [probe("one", "echo one >>log", tolerance=0,
                                                           pauses={"before": 0.1, "after": 0.1})], undo))
    method = [in_background(), after_background(becomes("broken")), {"ref": "steady"}, refused("refused"),
              too_slow("late"), exits("three", 3), {**shell("paused"), "pauses": {"before": 0.1, "after": 0.1}}]
    rest = {"configuration": {"port": 1}, "secrets": {"web": {"token": "t"}}, "tags": ["a"],
            "contributions": {"reliability": "high"}, "x-own": {"kept": True}}
    yield case("shape/deviated", {**experiment(method, asking(), [shell("undo"), refused("undo-refused")], **rest),
                                  "title": "port ${port}"}, shape=True)
    yield case("shape/continuously", experiment([takes("takes", 0.5)], asking(quiet=True), undo),
               "--hypothesis-strategy", "continuously", *OFTEN, shape=True)
    yield case("shape/gate fails", experiment(act, asking(limit=LIMIT), undo), state="slow", shape=True)
    yield case("shape/interrupted", experiment([shell("act"), waits()], asking(), undo), signal="SIGTERM", shape=True)
    yield case("shape/dry", experiment(act, asking(), undo), "--dry", "activities", shape=True)


def during():
    undo = [shell("undo")]
    start, end = takes("start", 0.6), shell("end")
    held = "; sleep 0.8"
    methods = {
        "met": [start, end],
        "deviates": [start, becomes("broken", then=held), end],
        "deviates and recovers": [start, becomes("broken", then=held), becomes("ok", "mend", held), end],
        "fails by time": [start, becomes("slow", then="; sleep 1.6"), end],
    }
    for strategy in ["during-method-only", "continuously"]:
        for situation, method in methods.items():
            limit = LIMIT if "slow" in json.dumps(method) else None
            for fast in [False, True]:
                document = experiment(method, asking(quiet=True, limit=limit), undo)
                line = ["--hypothesis-strategy", strategy, *OFTEN, *(["--fail-fast"] if fast else [])]
                yield case(f"during/{strategy}; {situation}{'; fail-fast' if fast else ''}", document, *line)
        # When it ended early, what it may still mend decides.
        mended = [start, becomes("broken", then="; sleep 0.8; echo ok >state"), end]
        yield case(f"during/{strategy}; mended before it is cut; fail-fast", experiment(
            mended, asking(quiet=True), undo), "--hypothesis-strategy", strategy, *OFTEN, "--fail-fast")
    for rollbacks in ["always", "deviated", "never"]:
        for strategy in ["during-method-only", "continuously"]:
            yield case(f"during/{strategy}; deviates; fail-fast; rollbacks {rollbacks}",
                       experiment(methods["deviates"], asking(quiet=True), undo), "--hypothesis-strategy", strategy,
                       *OFTEN, "--fail-fast", "--rollback-strategy", rollbacks)
    only = ["--hypothesis-strategy", "during-method-only"]
    quiet = asking(quiet=True)
    yield case("during/broken from the start; fail-fast", experiment([start, end], quiet, undo), *only, "--fail-fast",
               state="broken")
    yield case("during/broken from the start", experiment([start, end], quiet, undo), *only, state="broken")
    yield case("during/looks less often than the method lasts", experiment(methods["deviates"], quiet, undo), *only,
               "--hypothesis-frequency", "20")
    yield case("during/fail-fast of a strategy that does not look",
               experiment([becomes("broken"), end], asking(), undo), "--fail-fast", *OFTEN)
    yield case("during/fail-fast waits for the background", experiment(
        [in_background(seconds=2), after_background(becomes("broken", then=held)), end], quiet, undo), *only, *OFTEN,
        "--fail-fast")
    wrong = probe("wrong", "exit 0", tolerance={"type": "regex", "pattern": "o"})
    yield case("during/unforeseen exception", experiment([start, end], [wrong], undo), *only, *OFTEN)


def dry():
    undo = [shell("undo"), probe("undo-look", "echo undo-look >>log")]
    method = [becomes("broken"), probe("look", "echo look >>log"), {**shell("end"), "pauses": {"after": 0.1}}]
    for kind in DRY:
        for state in ["ok", "broken"]:
            yield case(f"dry/{kind}; gate {state}", experiment(method, asking(), undo), "--dry", kind, state=state)
        yield case(f"dry/{kind}; actions and probes would fail", experiment(
            [too_slow("late"), refused("refused"), refused("refused-probe", type="probe"), exits("three", 3)],
            [refused("refused-steady", type="probe", tolerance=200)], undo), "--dry", kind)
        long = {"before": 30, "after": 30}
        yield case(f"dry/{kind}; long pause of {'a probe' if kind == 'probes' else 'an action'}", experiment(
            [{**(probe("look", "echo look >>log") if kind == "probes" else shell("act")), "pauses": long}], asking()),
            "--dry", kind)
        yield case(f"dry/{kind}; in the background", experiment([shell("aside", background=True)]), "--dry", kind)
    yield case("dry/continuously", experiment(method, asking(quiet=True), undo), "--dry", "activities",
               "--hypothesis-strategy", "continuously", left_out=["during"])
    yield case("dry/activity of its own", experiment([shell("act", dry="actions"), shell("end")]))


def signals():
    undo = [shell("undo")]
    method = [shell("act"), waits(), shell("end")]
    for name in SIGNALS:
        for strategy in ["default", "always", "never", "deviated"]:
            yield case(f"signal/{name}; rollbacks {strategy}", experiment(method, asking(), undo),
                       "--rollback-strategy", strategy, signal=name)
        yield case(f"signal/{name}; with the background", experiment(
            [in_background(seconds=2), after_background(waits()), shell("end")], asking(), undo), signal=name)
        yield case(f"signal/{name}; in a pause; rollbacks always", experiment(
            [{**shell("act", "echo act >>log; : >marker"), "pauses": {"after": 5}}, shell("end")], asking(), undo),
            "--rollback-strategy", "always", signal=name)
        yield case(f"signal/{name}; in the gate; rollbacks always", experiment(
            [shell("act")], [probe("steady", "echo steady >>log; : >marker; sleep 5", tolerance=0)], undo),
            "--rollback-strategy", "always", signal=name)
        yield case(f"signal/{name}; in a rollback", experiment(
            [shell("act")], asking(), [waits("undo-first"), *undo]), signal=name)
    for name in ["SIGINT", "SIGTERM"]:
        yield case(f"signal/{name}; continuously", experiment(method, asking(quiet=True), undo), *OFTEN,
                   "--hypothesis-strategy", "continuously", signal=name)
    yield case("signal/SIGTERM; after the state deviated; rollbacks deviated", experiment(
        [becomes("broken"), waits()], asking(), undo), "--rollback-strategy", "deviated", signal="SIGTERM")
    # What was started may go on.
    yield case("signal/SIGKILL", experiment(method, asking(), undo), signal="SIGKILL")


def refs_and_background():
    undo = [shell("undo")]
    yield case("ref/of a later activity", experiment([{"ref": "later"}, shell("later")], asking(), undo))
    yield case("ref/of a probe of the hypothesis", experiment([{"ref": "steady"}], asking(), undo))
    yield case("ref/the last of a name", experiment([shell("twice", "echo 1 >>log"), shell("twice", "echo 2 >>log"),
                                                    {"ref": "twice"}], asking(), undo))
    yield case("ref/name of the method and of the hypothesis", experiment(
        [shell("same", "echo action >>log"), {"ref": "same"}], [probe("same", "echo probe >>log", tolerance=0)], undo))
    yield case("ref/in the hypothesis", experiment([probe("look", "echo look >>log")], [{"ref": "look"}], undo))
    yield case("ref/in the hypothesis, with a tolerance", experiment([probe("look", "echo look >>log")], [
        {"ref": "look", "tolerance": 0}], undo))
    yield case("ref/in the hypothesis, not validated", experiment([probe("look", "echo look >>log")], [
        {"ref": "look", "tolerance": 1}], undo), "--no-validation")
    yield case("ref/missing in the rollbacks", experiment([shell("act")], asking(), [{"ref": "nobody"}, *undo]))
    yield case("ref/of what runs in the background", experiment(
        [{**shell("aside", "echo aside >>log"), "background": True},
         {**shell("end"), "pauses": {"before": 0.4}}, {"ref": "aside"}], asking(), undo))
    yield case("ref/in the background", experiment(
        [shell("act", "sleep 0.6; echo act >>log"), {"ref": "act", "background": True},
         {**shell("end"), "pauses": {"before": 0.3}}], (), undo))
    yield case("ref/missing in the method", experiment([shell("act"), {"ref": "nobody"}, shell("end")], asking(), undo))
    yield case("ref/missing in the method, not validated",
               experiment([shell("act"), {"ref": "nobody"}, shell("end")], asking(), undo), "--no-validation")
    yield case("ref/to a rollback, not validated", experiment([{"ref": "undo"}], asking(), undo), "--no-validation")
    yield case("ref/in the rollbacks", experiment([shell("act")], asking(), [{"ref": "act"}, *undo]))
    yield case("ref/missing in the rollbacks, not validated", experiment(
        [shell("act")], asking(), [{"ref": "nobody"}, *undo]), "--no-validation")
    yield case("ref/missing in the hypothesis, not validated", experiment(
        [shell("act")], [{"ref": "nobody"}], undo), "--no-validation")
    yield case("background/outlives the method", experiment([in_background(seconds=1), after_background(shell("end"))],
                                                            asking(), undo))
    yield case("background/breaks the state at its end", experiment(
        [{**shell("aside", ": >background; sleep 1; echo broken >state; echo aside >>log"), "background": True},
         after_background(shell("end"))], asking(), undo))
    yield case("background/fails", experiment(
        [{**too_slow("late"), "background": True}, {**shell("end"), "pauses": {"before": 0.7}}], asking(), undo))
    yield case("background/in the hypothesis", experiment([shell("act")], [probe(
        "aside", "echo aside >>log", tolerance=0, background=True)], undo))
    yield case("background/pauses of its own", experiment(
        [{**in_background(), "pauses": {"before": 0.1, "after": 0.6}}, after_background(shell("end"))], asking(), undo))
    yield case("process/killed by a signal", experiment([shell("dies", "echo dies >>log; kill -9 $$")], [
        probe("dies-too", "kill -15 $$", tolerance=-15)], undo))
    yield case("process/time-out leaves a grandchild", experiment(
        [shell("late", "sleep 0.8; echo late >>log", timeout=0.3), takes("end", 1)], (), undo))
    yield case("process/time-out leaves an orphan", experiment(
        [shell("late", "(sleep 0.8; echo orphan >>log) & exec sleep 3", timeout=0.3), takes("end", 1)], (), undo))
    yield case("method/tolerance of a probe is not checked", experiment(
        [probe("look", "echo look >>log; exit 1", tolerance=0), shell("end")], asking(), undo))


def unforeseen():
    undo = [shell("undo")]
    wrong = {"type": "http", "url": "no address"}
    missing = {"type": "process", "path": "no-such-program"}
    for strategy in ["default", "always", "never", "deviated"]:
        yield case(f"unforeseen/bad address in the method; rollbacks {strategy}", experiment(
            [shell("act"), {"type": "action", "name": "wrong", "provider": wrong}, shell("end")], asking(), undo),
            "--rollback-strategy", strategy)
    yield case("unforeseen/missing program in the method", experiment(
        [shell("act"), {"type": "action", "name": "missing", "provider": missing}, shell("end")], asking(), undo),
        "--no-validation")
    yield case("unforeseen/missing program in the background", experiment(
        [{"type": "action", "name": "missing", "provider": missing, "background": True},
         {**shell("end"), "pauses": {"before": 0.4}}], asking(), undo), "--no-validation")
    yield case("unforeseen/missing program in the rollbacks", experiment(
        [shell("act")], asking(), [{"type": "action", "name": "missing", "provider": missing}, *undo]),
        "--no-validation")
    yield case("unforeseen/bad address in the hypothesis", experiment(
        [shell("act")], [{"type": "probe", "name": "wrong", "tolerance": 200, "provider": wrong}], undo))
    yield case("unforeseen/bad address in the rollbacks", experiment(
        [shell("act")], asking(), [{"type": "action", "name": "wrong", "provider": wrong}, *undo]))
    pattern = probe("wrong", "exit 0", tolerance={"type": "regex", "pattern": "o"})
    yield case("unforeseen/tolerance before", experiment([shell("act")], [pattern], undo))
    yield case("unforeseen/tolerance after", experiment([shell("act")], [pattern], undo),
               "--hypothesis-strategy", "after-method-only")
    yield case("unforeseen/tolerance after; rollbacks always", experiment([shell("act")], [pattern], undo),
               "--hypothesis-strategy", "after-method-only", "--rollback-strategy", "always")


def invalid():
    act = [shell("act")]
    whole = experiment(act, asking())
    for name, document in {
        "no title": {**whole, "title": ""},
        "no description": {key: value for key, value in whole.items() if key != "description"},
        "no method": {key: value for key, value in whole.items() if key != "method"},
        "nameless": experiment([{**shell("act"), "name": ""}]),
        "unknown type of activity": experiment([shell("act", type="deed")]),
        "unknown provider": experiment([{"type": "action", "name": "act", "provider": {"type": "telepathy"}}]),
        "missing program": experiment([{"type": "action", "name": "act",
                                        "provider": {"type": "process", "path": "no-such-program"}}]),
        "probe without tolerance": experiment(act, [probe("look", "exit 0")]),
        "tolerance is a fraction": experiment(act, [probe("look", "exit 0", tolerance=0.5)]),
        "tolerance is null": experiment(act, [probe("look", "exit 0", tolerance=None)]),
        "action in the hypothesis": experiment(act, [shell("act", tolerance=0)]),
        "background is a text": experiment([shell("act", background="yes")]),
        "pause is a text": experiment([shell("act", pauses={"before": "long"})]),
        "empty tag": {**whole, "tags": [""]},
        "unknown contribution": {**whole, "contributions": {"reliability": "huge"}},
        "extension without name": {**whole, "extensions": [{"a": 1}]},
        "missing variable of the environment": {**whole, "configuration": {"a": {"type": "env", "key": "NOBODY"}}},
        "missing secret of the environment": {**whole, "secrets": {"a": {"b": {"type": "env", "key": "NOBODY"}}}},
    }.items():
        yield case(f"invalid/{name}", document)
    yield case("invalid/unknown strategy in the file", {**whole, **runtime("sometimes")})
    yield case("invalid/unknown rollback strategy in the file", {**whole, "rollbacks": act,
                                                                **runtime(rollbacks="sometimes")})
    yield case("invalid/not asked for", {**whole, "tags": [""]}, "--no-validation")
    for line in [["--hypothesis-strategy", "skip"], ["--hypothesis-strategy", "sometimes"],
                 ["--rollback-strategy", "sometimes"], ["--dry", "everything"], ["--unknown"],
                 ["--hypothesis-frequency", "often"], ["--var-file", "nowhere.json"]]:
        yield case(f"usage/{' '.join(line)}", whole, *line)
