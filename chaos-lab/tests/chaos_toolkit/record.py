#!/usr/bin/env python3
"""Records what Chaos Toolkit answers, for the test beside this file.

Needs chaostoolkit 1.19.0, chaostoolkit-lib 1.44.0 and jsonpath2 0.4.5 from PyPI. Without an argument it prints the
record; with one it compares that record with what is answered now.
"""

import itertools
import json
import sys

from chaoslib import substitute
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


def main() -> int:
    record = {
        "configuration": CONFIGURATION,
        "secrets": SECRETS,
        "tolerances": [{"tolerance": t, "value": v, "met": judged(t, v)} for t, v in TOLERANCES],
        "substitutions": [{"data": d, "result": substitute(d, CONFIGURATION, SECRETS)} for d in SUBSTITUTIONS],
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
