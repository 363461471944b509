"""Runs with functions and controls in Python.

Each function appends its name and what it got to the file `log`, as does each hook with its level, the name of what it
is about, and the type of its state.
"""

import json

from .blocks import case, experiment, in_background, after_background, runtime, shell

HERE = {"PYTHONPATH": "."}

PARTS = '''
import datetime, decimal, sys, time, uuid
calls = 0

def log(*words):
    with open("log", "a") as file:
        print(*words, file=file)

def act(name="act", **more):
    log(name, *(f"{key}={more[key]!r}" for key in sorted(more)))
    return 1

def with_names(configuration, secrets):
    log("names", sorted(configuration.items()), sorted(secrets.items()))
    return True

def with_configuration(configuration):
    log("configuration", sorted(configuration.items()))

def needs(one, two=2):
    log("needs", one, two)

def counts():
    global calls
    calls += 1
    log("calls", calls)
    return calls

def raises(text="boom"):
    log("raises")
    raise ValueError(text)

def leaves(code=3):
    log("leaves")
    sys.exit(code)

def others():
    return [datetime.date(2020, 1, 2), decimal.Decimal("1.50"), uuid.UUID(int=1), (1, 2)]

def is_one(value):
    log("is_one", value)
    return value == 1

def slow(name, seconds=0.5):
    log(name)
    open(name, "w").close()
    time.sleep(seconds)
    log(name + "-ended")
'''

HOOKS = '''
import os
try:
    from chaoslib.exceptions import InterruptExecution
except ImportError:
    class InterruptExecution(Exception):
        pass

BREAKS = os.environ.get("BREAKS", "").split("/")
STOPS = os.environ.get("STOPS", "").split("/")
WHO = __name__

def told(*words):
    with open("log", "a") as file:
        print(WHO, *words, file=file)
    for moment in (words[:3], words[:2], words[:1]):
        text = " ".join(moment)
        if text in BREAKS:
            raise RuntimeError(text)
        if text in STOPS:
            raise InterruptExecution(text)

def name_of(context):
    return context.get("name") or context.get("title") if isinstance(context, dict) else str(context)

def configure_control(experiment, configuration, secrets, settings, event_registry=None, word=None):
    told("configure", "control", str(word), "settings" if settings else "none")
    if os.environ.get("ADDS"):
        configuration["added"] = "of the configuration"
        secrets["hook"] = {"hidden": "of the secrets"}

def cleanup_control():
    told("cleanup", "control")

def validate_control(control):
    told("validate", "control", control.get("name"))
'''
for level in ["loading_experiment", "experiment", "hypothesis", "method", "rollback", "activity"]:
    HOOKS += f'''
def before_{level}_control(context, word="-", **more):
    told("before", "{level}", name_of(context), word)

def after_{level}_control(context, state, word="-", **more):
    told("after", "{level}", name_of(context), type(state).__name__)
'''

MODULES = {"parts.py": PARTS, **{f"{name}.py": HOOKS for name in ["hooks", "more", "everywhere"]}}


def function(name, func="act", type="action", tolerance=None, secrets=None, **arguments):
    provider = {"type": "python", "module": "parts", "func": func, "arguments": arguments}
    if func in ("act", "slow"):
        provider["arguments"] = {"name": name, **arguments}
    if secrets is not None:
        provider["secrets"] = secrets
    made = {"type": type, "name": name, "provider": provider}
    if tolerance is not None:
        made["tolerance"] = tolerance
    return made


def control(name="control", module="hooks", arguments=None, **more):
    provider = {"type": "python", "module": module}
    if arguments:
        provider["arguments"] = arguments
    return {"name": name, "provider": provider, **more}


def python(name, document, *arguments, environment=None, files=None, **more):
    files = files or {}
    text = json.dumps([document, files])
    modules = {module: code for module, code in MODULES.items() if json.dumps(module[:-3]) in text.replace("\\", "")}
    return case(f"python/{name}", document, *arguments, environment={**HERE, **(environment or {})},
                files={**modules, **files}, **more)


def settings(**content):
    """In JSON, which is YAML as well. The name is that which the other runs name and do not have."""
    return {"none.yaml": json.dumps(content)}


def pythons():
    yield from functions()
    yield from hooks()
    yield from declared()
    yield from of_settings()


def functions():
    steady = [function("steady", type="probe", tolerance=1)]
    act, undo = [function("one"), function("two")], [function("undo")]
    names = {"configuration": {"port": 8080, "host": "a"},
             "secrets": {"web": {"token": "s3cret"}, "db": {"password": "hidden"}}}
    yield python("functions everywhere", experiment(act, steady, undo))
    yield python("raises in the method", experiment([function("bad", "raises"), *act], steady, undo))
    yield python("raises in the hypothesis", experiment(
        act, [function("bad", "raises", type="probe", tolerance=1)], undo))
    yield python("raises in a rollback", experiment(act, steady, [function("bad", "raises"), *undo]))
    yield python("not met", experiment(act, [function("steady", type="probe", tolerance=2)], undo))
    yield python("configuration and secrets", experiment(
        [function("names", "with_names", secrets=["web"]), function("both", "with_names", secrets=["db", "web"]),
         function("unknown", "with_names", secrets=["other"]), function("none", "with_names", secrets=[]),
         function("configuration", "with_configuration")], **names))
    yield python("secrets that are needed and not given", experiment([function("names", "with_names"), *act], **names))
    yield python("names in arguments", experiment(
        [function("one", port="${port}", text="$host:${port}", nested={"a": ["${token}", "$$", "${unknown}"]})],
        **names))
    yield python("what a module knows stays", experiment(
        [function("c", "counts"), function("c", "counts")], [function("c", "counts", type="probe", tolerance=[1, 9])],
        [function("c", "counts")]))
    aside = {**function("aside", "slow"), "background": True}
    yield python("in the background", experiment([aside, after_background(shell("next"), "aside")], rollbacks=undo))
    yield python("in the background beside a shell", experiment(
        [in_background("aside"), {**function("next"), "pauses": {"before": 0.3}}], rollbacks=undo))
    yield python("other types", experiment([function("others", "others", type="probe")]))
    yield python("a probe of the configuration", experiment(
        [function("one", seen="${seen}")],
        configuration={"seen": {"type": "probe", "name": "seen", "provider": {
            "type": "python", "module": "parts", "func": "counts"}}}))
    judged = {"type": "probe", "name": "judge", "provider": {"type": "python", "module": "parts", "func": "is_one"}}
    for name, arguments in [("declared", {"value": None}), ("left out", {})]:
        judge = {**judged, "provider": {**judged["provider"], "arguments": arguments}}
        yield python(f"a tolerance whose argument is {name}", experiment(
            act, [function("steady", type="probe", tolerance=judge)], undo))
    for name, broken in [
        ("no module", {"module": "party"}), ("no function", {"func": "acts"}), ("no such argument", {
            "func": "needs", "arguments": {"one": 1, "three": 3}}), ("no argument", {"func": "needs"}),
        ("a value in place of a function", {"func": "calls"}),
    ]:
        provider = {"type": "python", "module": "parts", "func": "act", **broken}
        yield python(f"checked: {name}", experiment([*act, {"type": "action", "name": "a", "provider": provider}]))
    yield python("leaves", experiment([function("bad", "leaves"), *act], steady, undo))


def whole(**more):
    return experiment([function("one"), function("two")], [function("steady", type="probe", tolerance=1)],
                      [function("undo")], **more)


def hooks():
    with_control = whole(controls=[control()])
    yield python("control: all hooks", with_control)
    yield python("control: all hooks, not met", experiment(
        [function("one")], [function("steady", type="probe", tolerance=2)], [function("undo")], controls=[control()]))
    yield python("control: each fails", with_control, environment={"BREAKS": "configure control/before/after/cleanup"},
                 left_out=[])
    for moment in ["before experiment", "after experiment", "before hypothesis", "after hypothesis",
                   "before activity steady", "after activity steady", "before method", "after method",
                   "before activity one", "after activity one", "before activity two", "before rollback",
                   "after rollback", "before activity undo", "after activity undo"]:
        yield python(f"control: interrupts {moment}", with_control, environment={"STOPS": moment})
    yield python("control: interrupts, rollbacks always", with_control, "--rollback-strategy", "always",
                 environment={"STOPS": "before activity one"})
    yield python("control: adds names", experiment(
        [function("one", added="${added}", hidden="${hidden}"),
         function("names", "with_names", secrets=["hook"])], controls=[control()]), environment={"ADDS": "1"})
    yield python("control: names in its arguments", experiment(
        [function("one")], configuration={"port": 8080}, controls=[control(arguments={"word": "${port}!"})]))
    aside = {**shell("aside", "until [ -e next ]; do sleep 0.02; done; echo aside >>log"), "background": True,
             "controls": []}
    yield python("control: no hypothesis and no rollbacks", experiment([function("one")], controls=[control()]))
    yield python("control: in the background", experiment(
        [{**aside, "controls": [control(scope="after")]},
         shell("next", "sleep 0.3; echo next >>log; : >next; sleep 0.5")]))
    yield python("control: a dry run", with_control, "--dry", "activities")
    yield python("control: a function that raises", experiment([function("bad", "raises")], controls=[control()]))


def declared():
    own = {**function("one"), "controls": [control("own", "more")]}
    top = [control("top")]
    yield python("declared: at an activity", experiment([own, function("two")]))
    yield python("declared: at an activity and the experiment", experiment([own, function("two")], controls=top))
    yield python("declared: of one name", experiment(
        [{**function("one"), "controls": [control("top", "more")]}, function("two")], controls=top))
    two = [control("own", "more"), control("other", "everywhere")]
    yield python("declared: two at an activity and one at the experiment", experiment(
        [{**function("one"), "controls": two}], controls=top))
    yield python("declared: two at the experiment", experiment(
        [own], controls=[control("top"), control("next", "everywhere")]))
    document = experiment([function("one")], [function("steady", type="probe", tolerance=1)])
    document["steady-state-hypothesis"]["controls"] = [control("own", "more")]
    yield python("declared: at the hypothesis", document)
    yield python("declared: at the hypothesis and the experiment", {**document, "controls": top})
    for scope in ["before", "after"]:
        yield python(f"declared: only {scope}", whole(controls=[control(scope=scope)]))
    yield python("declared: not inherited", whole(controls=[control(automatic=False)]))
    referred = {**function("one"), "controls": [{**control("top", "more"), "ref": "top"}]}
    yield python("declared: not inherited and referred to", experiment(
        [referred, function("two")], controls=[control("top", automatic=False)]))
    yield python("declared: at a rollback", experiment(
        [function("one")], rollbacks=[{**function("undo"), "controls": [control("own", "more")]}]))
    yield python("declared: a module that is missing", whole(controls=[control(module="nowhere")]))


def of_settings():
    everywhere = {"everywhere": {"provider": {"type": "python", "module": "everywhere"}}}
    own = {**function("one"), "controls": [control("own", "more")]}
    yield python("settings: a control", whole(), files=settings(controls=everywhere))
    yield python("settings: and the experiment's", whole(controls=[control()]), files=settings(controls=everywhere))
    yield python("settings: and all others", experiment([own, function("two")], controls=[control()]),
                 files=settings(controls=everywhere))
    yield python("settings: fails when it is prepared", whole(), files=settings(controls=everywhere),
                 environment={"BREAKS": "configure control"})
    yield python("settings: interrupts", whole(), files=settings(controls=everywhere),
                 environment={"STOPS": "before activity one"})
    for of_file in [{}, runtime(rollbacks="always")["runtime"]]:
        for line in [[], ["--rollback-strategy", "deviated"]]:
            document = whole(runtime=of_file) if of_file else whole()
            name = f"settings: strategies, file {bool(of_file)}, line {bool(line)}"
            yield python(name, document, *line,
                         files=settings(**runtime("after-method-only", "never")))
