"""Runs for what stands in place of names, and for what a probe's output must be."""

from .blocks import case, experiment, probe, shell

SAYS = "for a; do echo \"[$a]\"; done >>log"

CONFIGURATION = {"port": 8080, "half": 0.5, "yes": True, "nothing": None, "list": [1, "b"], "map": {"k": "v"},
                 "name": "a b", "pause": 0.1, "code": 3, "pattern": "^al+", "path": "$.a", "empty": ""}


def values():
    yield from substitutions()
    yield from tolerances()


def says(*arguments, **more):
    return shell("says", SAYS, *arguments, **more)


def substitutions():
    words = ["${port}", "$port", "x${half}", "${yes}", "${nothing}", "x${nothing}", "${list}", "x${map}", "$$port",
             "${unknown}", "$name", "${empty}", "${port}-$name"]
    yield case("names/of the configuration", experiment([says(*words)], configuration=CONFIGURATION))
    yield case("names/no configuration and no secrets", experiment([says("${port}", "$$", "$port")]))
    yield case("names/arguments that are no texts", experiment([says(1, 1.5, True, None, "", [1, "${port}"])],
                                                              configuration=CONFIGURATION))
    mapping = {"type": "action", "name": "says", "provider": {
        "type": "process", "path": "/bin/sh", "arguments": {"-c": SAYS, "sh": "${port}", "${port}": "$name"}}}
    yield case("names/arguments as a mapping", experiment([mapping], configuration=CONFIGURATION))
    line = {"type": "action", "name": "says", "provider": {
        "type": "process", "path": "echo", "arguments": "${port} '$name' >>log; echo \"$HOME\" | wc -l >>log"}}
    yield case("names/arguments as a text", experiment([line], configuration=CONFIGURATION))
    environment = {"A_PORT": "17", "A_TRUTH": "0", "A_LIST": "[1, 2]", "A_TOKEN": "s3cret"}
    yield case("names/of the environment", experiment(
        [says("${text}", "${int}", "${float}", "${truth}", "${json}", "${kept}", "x${json}")], configuration={
            "text": {"type": "env", "key": "A_PORT"},
            "int": {"type": "env", "key": "A_PORT", "env_var_type": "int"},
            "float": {"type": "env", "key": "A_PORT", "env_var_type": "float"},
            "truth": {"type": "env", "key": "A_TRUTH", "env_var_type": "bool"},
            "json": {"type": "env", "key": "A_LIST", "env_var_type": "json"},
            "kept": {"type": "env", "key": "NOBODY", "default": "by default"}}), environment=environment)
    secrets = {"web": {"token": {"type": "env", "key": "A_TOKEN"}, "port": "hidden"}, "db": {"user": "u", "token": "2"}}
    yield case("names/of secrets", experiment([says("${token}", "$user", "${port}", "Bearer ${token}")],
                                              secrets=secrets), environment=environment)
    yield case("names/configuration before secrets", experiment([says("${token}", "${port}")], secrets=secrets,
                                                               configuration=CONFIGURATION), environment=environment)
    yield case("names/of a probe of the configuration", experiment([says("[${asked}]", "${second}")], configuration={
        "port": 5, "asked": probe("asked", "echo \" got $1\"", "${port}"),
        "second": probe("second", "echo \"$1!\"", "${port}")}))
    yield case("names/configuration's probe exits with 1", experiment([says("${asked}")], configuration={
        "asked": probe("asked", "echo partly; exit 1")}))
    yield case("names/configuration's probe fails", experiment([says("${asked}")], configuration={
        "asked": probe("asked", "exec sleep 5", timeout=0.3)}))
    yield case("names/of pauses", experiment([says("a", pauses={"before": "${pause}", "after": "${pause}"})],
                                            configuration=CONFIGURATION))
    yield case("names/not in names, nor paths", experiment(
        [{**says("a"), "name": "says ${port}"}, {"type": "action", "name": "path", "provider": {
            "type": "process", "path": "${shell}", "arguments": ["-c", "echo no >>log"]}}],
        configuration={**CONFIGURATION, "shell": "/bin/sh"}), "--no-validation")
    line = ["--var", "port=1", "--var", "half:float=0.25", "--var", "code:int=7", "--var", "undeclared=x"]
    yield case("names/of the line", experiment([says("${port}", "${half}", "${code}", "${undeclared}")],
                                              configuration=CONFIGURATION), *line)
    files = {"vars.json": '{"configuration": {"port": 2, "half": 9}, "secrets": {"web": {"token": "of the file"}}}',
             "vars.env": "A_PORT=99\n"}
    yield case("names/of files", experiment([says("${port}", "${half}", "${token}")], secrets={"web": {"token": "t"}},
                                           configuration=CONFIGURATION),
               "--var-file", "vars.json", "--var", "half=3", files=files)
    yield case("names/of a file of the environment", experiment(
        [says("${text}")], configuration={"text": {"type": "env", "key": "A_PORT"}}), "--var-file", "vars.env",
        files=files)


def tolerances():
    """Each of an output, whether it is met being told by the method."""
    named = {"type": "jsonpath", "path": "${path}", "target": "stdout"}
    yield case("tolerance/path of a name, not validated", experiment(
        [shell("act")], [probe("look", "echo '{\"a\": 1}'", tolerance=named)], configuration=CONFIGURATION),
        "--no-validation")
    document = '{"a": [1, 2], "b": {"c": "x"}}'
    true = {"type": "process", "path": "true", "arguments": []}
    for name, script, tolerance in [
        ("status", "exit 3", 3),
        ("another status", "exit 3", 0),
        ("status of a name", "exit 3", "${code}"),
        ("a name in a text", "exit 3", "x${code}"),
        ("list of statuses", "exit 3", [0, 3]),
        ("two statuses are no range", "exit 2", [0, 3]),
        ("true", "exit 1", True),
        ("text", "echo text", "text"),
        ("pattern", "echo all is well", {"type": "regex", "pattern": "is w", "target": "stdout"}),
        ("pattern of a name", "echo all is well", {"type": "regex", "pattern": "${pattern}", "target": "stdout"}),
        ("pattern not found", "echo all is well", {"type": "regex", "pattern": "^is", "target": "stdout"}),
        ("pattern of what went wrong", "echo oh >&2", {"type": "regex", "pattern": "^oh$", "target": "stderr"}),
        ("range", "echo 7", {"type": "range", "range": [5, 10], "target": "stdout"}),
        ("above the range", "echo 11", {"type": "range", "range": [5, 10], "target": "stdout"}),
        ("no number for the range", "echo seven", {"type": "range", "range": [5, 10], "target": "stdout"}),
        ("fraction for the range", "echo 1.5", {"type": "range", "range": [1, 2], "target": "stdout"}),
        ("fraction without the end of line", "printf 1.5", {"type": "range", "range": [1, 2], "target": "stdout"}),
        ("path", f"echo '{document}'", {"type": "jsonpath", "path": "$.b.c", "target": "stdout"}),
        ("path of a name", f"echo '{document}'", {"type": "jsonpath", "path": "${path}", "target": "stdout"}),
        ("path, count", f"echo '{document}'", {"type": "jsonpath", "path": "$.a[*]", "count": 2, "target": "stdout"}),
        ("path, expected", f"echo '{document}'", {"type": "jsonpath", "path": "$.a[*]", "expect": [1, 2],
                                                 "target": "stdout"}),
        ("path, otherwise", f"echo '{document}'", {"type": "jsonpath", "path": "$.b.c", "expect": "y",
                                                  "target": "stdout"}),
        ("path not found", f"echo '{document}'", {"type": "jsonpath", "path": "$.z", "target": "stdout"}),
        ("probe", "exit 1", {"type": "probe", "name": "judge", "provider": true | {"arguments": {}}}),
        ("probe whose process exits with 1", "exit 0", {"type": "probe", "name": "judge", "provider": {
            "type": "process", "path": "false", "arguments": {}}}),
        ("probe that fails", "exit 0", {"type": "probe", "name": "judge", "provider": {
            "type": "process", "path": "/bin/sh", "arguments": {"-c": "exec sleep 5"}, "timeout": 0.3}}),
        ("probe whose arguments are a list", "exit 0", {"type": "probe", "name": "judge", "provider": true}),
        ("not UTF-8", "printf '\\377\\376\\375x'", {"type": "regex", "pattern": "x", "target": "stdout"}),
    ]:
        yield case(f"tolerance/{name}", experiment([shell("act")], [probe("look", script, tolerance=tolerance)],
                                                  configuration=CONFIGURATION))
