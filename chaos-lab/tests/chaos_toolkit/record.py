#!/usr/bin/env python3
"""Records what Chaos Toolkit answers, for the test beside this file.

Needs chaostoolkit 1.19.0, chaostoolkit-lib 1.44.0 and jsonpath2 0.4.5 from PyPI. Without an argument it prints the
record; with one it compares that record with what is answered now.
"""

import itertools
import json
import logging
import sys

from chaoslib import substitute
from chaoslib.experiment import ensure_experiment_is_valid
from chaoslib.hypothesis import within_tolerance

CONFIGURATION = {"port": 8080, "host": "a.example", "half": 0.5, "yes": True, "nothing": None, "list": [1, "b", None],
                 "map": {"k": {"l": [True, 1.0, "it's"]}}, "pattern": "o+k", "path": "$.a", "template": "${port}",
                 "codes": [200, 204], "empty": "", "big": 1e16, "small": 1.5e-05, "quote": "a'b\"c\n"}
SECRETS = {"web": {"token": "s1", "host": "hidden"}, "db": {"token": "s2", "user": "u"}}

PROCESS = {"status": 0, "stdout": "ok\n", "stderr": ""}
ANSWER = {"status": 503, "headers": {"a": "b"}, "body": {"a": [1, 2, {"b": "c"}], "up": True, "n": 2}}

TOLERANCES = [
    # Scalars.
    *itertools.product(
        [True, False, 0, 1, 200, "ok", "", "${port}", "$port", "${yes}", "${codes}", "${half}", "${nothing}",
         "${host}"],
        [True, False, 0, 1, 1.0, 200, "ok", "", "200", None, PROCESS, ANSWER, [200]],
    ),
    # Lists.
    *itertools.product(
        [[200], [0, 10], [10, 0], [0, 503, 7], ["a", "c"], ["x"], [True, 5], [0.5, 1.5], [[1]], ["a", 1]],
        [0, 5, 10, 1.0, 200, "b", "x", True, None, PROCESS, ANSWER, [1], {"a": 1}],
    ),
    # Ranges. The bounds can be written as binary fractions, so that Chaos Toolkit compares them as we do.
    *itertools.product(
        [{"type": "range", "range": [0, 10]}, {"type": "range", "range": [-0.5, 0.25]},
         {"type": "range", "range": [1, 3], "target": "body"},
         {"type": "range", "range": [0, 600], "target": "status"}],
        [0, 10, 11, -0.5, "0.25", " 5 ", "5\n", "1e1", "x", "", True, PROCESS, {"body": "2"}, {"body": 4},
         {"other": 1}],
    ),
    # Patterns.
    *itertools.product(
        [{"type": "regex", "pattern": "^ok$"}, {"type": "regex", "pattern": "${pattern}"},
         {"type": "regex", "pattern": r"(?P<a>o)(?=k)"}, {"type": "regex", "pattern": r"ok\Z"},
         {"type": "regex", "pattern": "(?i)OK", "target": "stdout"}, {"type": "regex", "pattern": "[^a-z]"}],
        ["ok", "ok\n", "ook", "no", "", "OK 1", PROCESS, 7, None, {"stdout": "no"}, {"body": "ok"}],
    ),
    # Paths.
    *itertools.product(
        [{"type": "jsonpath", "path": "$.a"}, {"type": "jsonpath", "path": "${path}", "expect": 1},
         {"type": "jsonpath", "path": "$.a[*]", "count": 3}, {"type": "jsonpath", "path": "$.a[*]", "count": 0},
         {"type": "jsonpath", "path": "$.a[*]", "expect": [1, 2, 3]}, {"type": "jsonpath", "path": "$..b"},
         {"type": "jsonpath", "path": "$.a", "target": "body"},
         {"type": "jsonpath", "path": "$.n", "expect": "${port}"},
         {"type": "jsonpath", "path": "$.body[?(@.n > 1)].up", "expect": True},
         {"type": "jsonpath", "path": "$.body[?(@.n = 2 and not @.down)]", "count": 1},
         {"type": "jsonpath", "path": "$.*", "expect": [1, 2]}],
        [ANSWER, {"a": 1}, {"a": [1, 2, 3]}, '{"a": 1}', "no JSON", {"n": 8080}, [], None, 7, {"z": 1, "b": 2},
         {"body": '{"a": 1}'}],
    ),
]

SUBSTITUTIONS = [
    "${port}", "$port", "${host}:$port", "http://${host}:${port}/?t=${token}", "$$", "$$port", "$$$port", "$", "$ ",
    "${",
    "${}", "${port", "${ port}", "${port }", "$1", "${1}", "${unknown}", "$unknown", "a ${unknown} ${port}",
    "${steps.a.output}", "$port-al", "$portal", "${port}${port}", "${port}\n", " ${port}", "${half}", "x${half}",
    "${yes}",
    "x${yes}", "${nothing}", "x${nothing}", "${list}", "x${list}", "${map}", "x${map}", "${template}", "x${template}",
    "${empty}", "x${empty}", "x${big} ${small}", "x${quote}", "${quote}", "${token}", "$user", "é$hosté", "$é",
    "${HOST}",
    "", "plain", 7, None, True, [], {}, ["${port}", "$host", ["${yes}"], 1],
    {"${port}": "${port}", "a": {"b": ["$host"]}},
]


def experiment(**changes):
    return {"title": "t", "description": "d", "method": [], **changes}


def hypothesis(*probes, **changes):
    return experiment(**{"steady-state-hypothesis": {"title": "h", "probes": list(probes), **changes}})


def action(**changes):
    return {"type": "action", "name": "a", "provider": {"type": "process", "path": "true"}, **changes}


def provided(**provider):
    return experiment(method=[action(provider=provider)])


def http(**provider):
    return provided(type="http", url="http://a.example", **provider)


PROBE = {"type": "probe", "name": "p", "tolerance": 0, "provider": {"type": "process", "path": "true"}}

EXPERIMENTS = [
    {}, experiment(), experiment(unknown=1), experiment(title=""), experiment(title=7), experiment(description=None),
    experiment(method=None), {"title": "t", "description": "d", "metod": []}, experiment(method=[7]),
    experiment(method=[{}]),
    # What describes it.
    experiment(tags=["a", ""]), experiment(tags=[1]), experiment(tags="ab"), experiment(tags=None),
    experiment(tags=["a"]), experiment(extensions=[{"name": " "}]), experiment(extensions=[{"name": "a", "b": 1}]),
    experiment(extensions=[{}]), experiment(contributions={"a": "enormous"}), experiment(contributions={"a": "low"}),
    # The hypothesis.
    hypothesis(), hypothesis(PROBE), hypothesis({**PROBE, "type": "action"}), hypothesis({**PROBE, "tolerance": 0.5}),
    hypothesis({**PROBE, "tolerance": None}), hypothesis({**PROBE, "tolerance": []}), hypothesis(title=""),
    hypothesis(action()), experiment(**{"steady-state-hypothesis": {"title": "h"}}),
    experiment(**{"steady-state-hypothesis": None}), hypothesis({**PROBE, "tolerance": PROBE}),
    hypothesis({**PROBE, "tolerance": {"type": "probe"}}),
    hypothesis({**PROBE, "tolerance": {"type": "regex", "pattern": "("}}),
    hypothesis({**PROBE, "tolerance": {"type": "range", "range": [2, 1]}}),
    hypothesis({**PROBE, "tolerance": {"type": "range", "range": [1]}}),
    hypothesis({**PROBE, "tolerance": {"type": "jsonpath", "path": "a"}}),
    hypothesis({**PROBE, "tolerance": {"type": "json"}}),
    hypothesis({"ref": "p"}), hypothesis(PROBE, {"ref": "p", "tolerance": 1}), hypothesis({"ref": "x", "tolerance": 1}),
    # Activities.
    *[experiment(method=[action(**{key: value})]) for key, value in [
        ("type", "acton"), ("type", None), ("type", "probe"), ("name", ""), ("name", 7), ("provider", None),
        ("provider", {}), ("background", "yes"), ("background", 1), ("background", None), ("background", True),
        ("pauses", None), ("pauses", {}), ("pauses", {"before": 1}), ("pauses", {"before": "1"}),
        ("pauses", {"before": "${a}"}), ("pauses", {"after": "$a"}), ("pauses", {"after": -1}),
        ("pauses", {"after": [1]}), ("pauses", {"after": None}), ("timeout", "1"), ("timeout", 1.5),
        ("tolerance", 0.5), ("tolerance", {"type": "nothing"}), ("ref", ""), ("ref", 7), ("ref", None), ("dry", "x"),
    ]],
    experiment(method=[action(), {"ref": "a"}]), experiment(method=[{"ref": "a"}, action()]),
    experiment(method=[{"ref": "aa"}, action()]),
    experiment(method=[action(), {"ref": "b"}, {"ref": "a", "name": "b"}]),
    experiment(rollbacks=[action()]), experiment(rollbacks=[{"ref": "x"}]), experiment(rollbacks=[action(name="")]),
    experiment(method=[{"ref": "r"}], rollbacks=[action(name="r")]), experiment(rollbacks=None),
    # Providers.
    provided(type="chaos"), provided(type="proces"), provided(type="process"), provided(type="process", path=""),
    provided(type="process", path="no-such-program"), provided(type="process", path="/bin/sh"),
    provided(type="process", path="/etc/passwd"), provided(type="process", path="/etc"),
    provided(type="process", path="${program}"), provided(type="process", path="~/no-such-program"),
    *[provided(type="process", path="true", **{key: value}) for key, value in [
        ("arguments", []), ("arguments", "a b"), ("arguments", {"-a": 1}), ("arguments", None), ("arguments", 5),
        ("arguments", [1, [2]]), ("timeout", 5), ("timeout", 0), ("timeout", "5"), ("timeout", None), ("other", 1),
    ]],
    provided(type="http"), provided(type="http", url=""), provided(type="http", url="a.example"),
    *[http(**{key: value}) for key, value in [
        ("method", "POST"), ("method", 7), ("headers", {}), ("headers", None), ("headers", []), ("headers", ["a"]),
        ("headers", {"a": "b"}), ("headers", {"a": ["b"]}), ("timeout", 5), ("timeout", [1, 2]), ("timeout", "${a}"),
        ("timeout", "5"), ("timeout", [1]), ("timeout", 0), ("verify_tls", False), ("verify_tls", "no"),
        ("max_retries", 3), ("max_retries", "3"), ("arguments", {"a": 1}), ("arguments", "a=1"), ("arguments", 5),
    ]],
    provided(type="python"), provided(type="python", module="platform"),
    provided(type="python", module="no_such_module", func="f"), provided(type="python", module="platform", func="node"),
    # Settings. No variable is called UNSET.
    *[experiment(configuration={"c": value}) for value in [
        1, None, {"a": 1}, {"type": "thing"}, {"type": "env", "key": "UNSET"}, {"type": "env"},
        {"type": "env", "key": "UNSET", "default": None}, {"type": "env", "key": "UNSET", "default": "a"},
        {"type": "env", "key": "UNSET", "default": "a", "env_var_type": "int"},
        {"type": "env", "key": "UNSET", "default": " 7 ", "env_var_type": "int"},
        {"type": "env", "key": "UNSET", "default": "a", "env_var_type": "text"},
        {"type": "env", "key": "UNSET", "default": 0, "env_var_type": "bool"},
        {"type": "evn", "key": "UNSET"}, {"type": "probe"},
        {"type": "probe", "provider": {"type": "process", "path": "true"}},
    ]],
    *[experiment(secrets={"s": value}) for value in [
        {}, {"a": "b"}, {"a": {"b": {"c": 1}}}, {"a": {"type": "env", "key": "UNSET"}}, {"a": {"type": "env"}}, "a", 1,
        {"a": {"type": "env", "key": "UNSET", "default": "a"}}, {"a": {"type": "thing"}},
    ]],
    # Controls, and strategies.
    experiment(controls=[]), experiment(controls=[{}]), experiment(controls=[{"name": "c"}]),
    experiment(method=[action(controls=[{"name": "c", "provider": {"type": "python", "module": "platform"}}])]),
    experiment(runtime={"hypothesis": {"strategy": "continuously"}}), experiment(runtime=None),
    experiment(runtime={"hypothesis": {"strategy": "sometimes"}}), experiment(runtime={"rollbacks": {"strategy": "x"}}),
]


def judged(tolerance, value):
    try:
        # A tolerance that is a text is resolved before it is judged.
        if isinstance(tolerance, str):
            tolerance = substitute(tolerance, CONFIGURATION, SECRETS)
        # Copies, because some of them are changed.
        result = within_tolerance(json.loads(json.dumps(tolerance)), json.loads(json.dumps(value)),
                                  CONFIGURATION, SECRETS)
        return bool(result)
    except Exception as error:  # noqa: BLE001: which one it is does not matter
        return type(error).__name__


def validated(document):
    try:
        ensure_experiment_is_valid(json.loads(json.dumps(document)))
        return True
    except Exception as error:  # noqa: BLE001: which one it is does not matter
        return type(error).__name__


def main() -> int:
    logging.disable(logging.CRITICAL)
    record = {
        "configuration": CONFIGURATION,
        "secrets": SECRETS,
        "tolerances": [{"tolerance": t, "value": v, "met": judged(t, v)} for t, v in TOLERANCES],
        "substitutions": [{"data": d, "result": substitute(d, CONFIGURATION, SECRETS)} for d in SUBSTITUTIONS],
        "experiments": [{"experiment": e, "valid": validated(e)} for e in EXPERIMENTS],
    }
    if len(sys.argv) < 2:
        print("{")
        for index, (key, value) in enumerate(record.items()):
            lines = ",\n".join(json.dumps(item) for item in value) if isinstance(value, list) else json.dumps(value)
            print(f'{json.dumps(key)}: {f"[{chr(10)}{lines}{chr(10)}]" if isinstance(value, list) else lines}'
                  f'{"," if index + 1 < len(record) else ""}')
        print("}")
        return 0
    with open(sys.argv[1], encoding="utf-8") as file:
        recorded = json.load(file)
    if recorded != json.loads(json.dumps(record)):
        print("Chaos Toolkit answers otherwise than it is recorded")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
