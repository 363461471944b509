# What runs in the interpreter: takes orders, one JSON object to a line, and answers each in the same way.
#
# The pipes of the orders and of the answers are taken away from standard input and output at once, so neither a
# function that prints nor a process that it starts can meddle with them. It needs nothing but Python's own library.
import os
import sys

PRIVATE_ORDERS = os.dup(0)
PRIVATE_ANSWERS = os.dup(1)
_null = os.open(os.devnull, os.O_RDONLY)
os.dup2(_null, 0)
os.close(_null)
os.dup2(2, 1)
# A module of the working directory must not stand in for one of Python's own. It can be imported all the same.
if sys.path and sys.path[0] in ("", os.getcwd()):
    del sys.path[0]
    sys.path.append(os.getcwd())

import atexit
import copy
import datetime
import decimal
import difflib
import importlib
import inspect
import json
import pkgutil
import queue
import string
import threading
import time
import traceback
import uuid

PROCESS = os.getpid()
# The longest answer, in characters, and the longest text of an error.
LONGEST = 1024 * 1024
LONGEST_TEXT = 16 * 1024
DEEPEST = 100
orders = os.fdopen(PRIVATE_ORDERS, "rb", closefd=False)
writing = threading.Lock()
foreground = queue.Queue()
is_busy = threading.Event()


class NoForm(Exception):
    """A value that cannot be an answer, and why."""


def encoded(value):
    """What JSON does not have, as Chaos Toolkit's journal writes it."""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    raise TypeError("Object of type %r is not JSON serializable" % type(value).__name__)


def as_json(value, longest=LONGEST):
    """As JSON, unless it is too long or too deep."""
    if depth(value, 0) > DEEPEST:
        raise NoForm("it is nested deeper than %d levels" % DEEPEST)
    parts, length = [], 0
    try:
        for part in json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=encoded).iterencode(value):
            length += len(part) if part.isascii() else len(part.encode("utf-8", "replace"))
            if length > longest:
                raise NoForm("it has more than 1 MiB")
            parts.append(part)
    except (TypeError, ValueError, RecursionError) as error:
        raise NoForm("it has no JSON form: %s" % error)
    return "".join(parts)


def depth(value, above):
    if above > DEEPEST:
        return above
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    else:
        return above
    return max((depth(item, above + 1) for item in inner), default=above + 1)


def answer(number, text):
    """Writes a whole line."""
    # A process that was forked and came back must neither answer nor take orders.
    if os.getpid() != PROCESS:
        os._exit(0)
    line = ('{"id":%d,%s}\n' % (number, text)).encode("utf-8", "replace")
    with writing:
        while line:
            line = line[os.write(PRIVATE_ANSWERS, line):]


def error_of(kind, text):
    told = {"kind": kind, "text": text[:LONGEST_TEXT], "cut": len(text) > LONGEST_TEXT}
    return '"error":%s' % json.dumps(told, ensure_ascii=False)


def said(error):
    """The last line of a traceback."""
    try:
        return traceback.format_exception_only(type(error), error)[-1].strip()
    except Exception:
        return type(error).__name__


def show(error):
    """Tells the log where an exception comes from."""
    try:
        traceback.print_exception(type(error), error, error.__traceback__)
    except Exception:
        pass


def carry_out(order, is_over=lambda: None):
    try:
        value = WORK[order["do"]](order)
        told = '"value":%s' % as_json(value, order.get("longest", LONGEST))
    except NoForm as error:
        told = error_of("form", str(error))
    except BaseException as error:
        show(error)
        told = error_of("raised", said(error))
    # Before the answer, after which the next order may come at once.
    is_over()
    answer(order["id"], told)


# Functions


def call(order):
    function = getattr(importlib.import_module(order["module"]), order["func"])
    parameters = inspect.signature(function).parameters
    arguments = order["arguments"]
    configuration, secrets = names_of(order)
    if order["groups"] is not None and "secrets" in parameters:
        given = arguments["secrets"] = {}
        for group in order["groups"]:
            given.update(secrets.get(group, {}))
    if "configuration" in parameters:
        arguments["configuration"] = dict(configuration)
    return function(**arguments)


def names_of(order):
    """Those that the controls may have changed, if there are controls."""
    if run is not None:
        return run.configuration, run.secrets
    return order["configuration"], order["secrets"]


def check(order):
    """What is wrong with a call: with its module, its function or its arguments."""
    name = order["module"]
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        if not isinstance(error, ImportError):
            show(error)
        return {"module": said(error), "near": near(name, modules_beside(name))}
    function = getattr(module, order["func"], None)
    if not (inspect.isfunction(function) or inspect.isbuiltin(function)):
        known = [name for name, _ in inspect.getmembers(module, is_function) if not name.startswith("_")]
        return {"function": "missing" if function is None else "of another kind",
                "near": near(order["func"], known)}
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    given = set(order["arguments"])
    # Those come from elsewhere.
    given.add("configuration")
    if order["groups"] or not order["strict"]:
        given.add("secrets")
    kinds = inspect.Parameter
    by_name = [one for one in parameters.values() if one.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)]
    positional = [one.name for one in parameters.values()
                  if one.kind is kinds.POSITIONAL_ONLY and one.default is kinds.empty]
    missing = [one.name for one in by_name if one.default is kinds.empty and one.name not in given]
    known = [one.name for one in by_name]
    takes_any = any(one.kind is kinds.VAR_KEYWORD for one in parameters.values())
    unknown = [] if takes_any else [name for name in order["arguments"] if name not in known]
    return {"missing": positional + missing, "unknown": unknown, "known": known}


def is_function(member):
    return inspect.isfunction(member) or inspect.isbuiltin(member)


def modules_beside(name):
    """The modules that the first part of the name that is not there may have been meant for, with what is before."""
    parent, path, before = "", None, name.split(".")
    while before:
        try:
            names = [found.name for found in pkgutil.iter_modules(path)]
            if path is None:
                names += sys.builtin_module_names
        except Exception:
            return []
        first, before = before[0], before[1:]
        if first not in names:
            return [parent + found + "".join("." + rest for rest in before) for found in names]
        parent += first + "."
        module = sys.modules.get(parent[:-1])
        path = getattr(module, "__path__", None)
        if path is None:
            return []
    return []


def near(name, known):
    return difflib.get_close_matches(name, known, n=20, cutoff=0.5)


# Controls


# What of an experiment is carried out, so that it stays as it was read.
CARRIED_OUT = {"title", "method", "steady-state-hypothesis", "rollbacks", "configuration", "secrets", "controls",
               "runtime", "dry", "stop-conditions", "scale-up", "deadline"}
LEVELS = {"loader": "loading_experiment"}
run = None


class Run:
    """What the hooks of one run share: the same objects for all of them, so that a change stays."""

    def __init__(self, order):
        self.experiment = order["experiment"]
        self.configuration = order["configuration"]
        self.secrets = order["secrets"]
        self.settings = order["settings"]
        self.everywhere = order["everywhere"]
        self.is_compatible = order["compatible"]
        self.activities = {}
        hypothesis = self.experiment.get("steady-state-hypothesis") or {}
        for activities in (hypothesis.get("probes"), self.experiment.get("method"), self.experiment.get("rollbacks")):
            for activity in activities or []:
                self.activities.setdefault(canonical(activity), activity)
        self.told = self.described = None
        self.changes()

    def of(self, data):
        return self.activities.get(canonical(data), data)

    def declared(self):
        """Each control of the experiment, once for each place."""
        yield from self.experiment.get("controls") or []
        hypothesis = self.experiment.get("steady-state-hypothesis") or {}
        yield from hypothesis.get("controls") or []
        for activities in (hypothesis.get("probes"), self.experiment.get("method"), self.experiment.get("rollbacks")):
            for activity in activities or []:
                yield from activity.get("controls") or []

    def changes(self):
        """What has changed in the names since it was last told."""
        now = {"configuration": with_form(self.configuration), "secrets": with_form(self.secrets)}
        before, self.told = self.told, canonical(now)
        changed = {} if before == self.told else now
        described = {name: value for name, value in self.experiment.items() if name not in CARRIED_OUT}
        before, self.described = self.described, canonical(described)
        if before != self.described:
            changed = {**changed, "described": with_form(described)}
        return changed


def canonical(value):
    return json.dumps(value, sort_keys=True, default=repr)


def with_form(value):
    """What of it has a JSON form, and the rest as a text."""
    return json.loads(json.dumps(value, default=as_text))


def as_text(value):
    try:
        return encoded(value)
    except TypeError:
        return str(value)


def begin(order):
    global run
    run = Run(order)
    return None


def configure(order):
    """Prepares each control once. A global one that fails is left out."""
    for control in list(run.everywhere):
        if not attempt(lambda: prepare(control, {"settings": run.settings})):
            run.everywhere.remove(control)
    for control in once(run.declared()):
        attempt(lambda: prepare(control, {}))
    return outcome(None, None, None)


def prepare(control, more):
    function = hook_of(control, "configure_control")
    if function:
        given = {"experiment": run.experiment, "configuration": run.configuration, "secrets": run.secrets,
                 "settings": None, "event_registry": None, **more}
        function(**arguments_of(control, function, given, False))


def cleanup(order):
    for control in [*once(run.declared()), *run.everywhere]:
        def clean():
            function = hook_of(control, "cleanup_control")
            if function:
                function()
        attempt(clean)
    return outcome(None, None, None)


def once(controls):
    seen = []
    for control in controls:
        name = control.get("name")
        if name and name not in seen:
            seen.append(name)
            yield control


def validate(order):
    """Why a control refuses its declaration, or cannot be imported."""
    control = order["control"]
    try:
        module = importlib.import_module(control["provider"]["module"])
    except BaseException as error:
        name = control["provider"]["module"]
        return {"module": said(error), "near": near(name, modules_beside(name))}
    function = getattr(module, "validate_control", None)
    if function and not order["imports_only"]:
        try:
            function(control)
        except BaseException as error:
            return {"control": said(error)[:LONGEST_TEXT]}
    return {}


def hook(order):
    """Calls the hooks of a moment, in order."""
    level, scope = order["level"], order["scope"]
    experiment = None if level == "loader" else run.experiment
    if level == "loader":
        context = order["context"]
    elif level == "activity":
        context = run.of(order["context"])
    elif level == "hypothesis":
        context = run.experiment.get("steady-state-hypothesis") or {}
    else:
        context = run.experiment
    state = order["state"]
    if level == "experiment" and isinstance(state, dict):
        state["experiment"] = dict(run.experiment)
    before = canonical(state)
    interrupt = None
    for control in controls_of(level, experiment, context):
        wanted = control.get("scope")
        if wanted and wanted != scope:
            continue
        try:
            apply(control, level, scope, context, state, experiment)
        except BaseException as error:
            is_interrupt = any(kind.__name__ == "InterruptExecution" for kind in type(error).__mro__)
            if is_interrupt or not isinstance(error, Exception):
                interrupt = said(error)
                break
            show(error)
    if level == "experiment" and isinstance(state, dict) and isinstance(state.get("experiment"), dict):
        # The journal has a copy, and what is added to that is meant to stay.
        run.experiment.update((name, value) for name, value in state["experiment"].items() if name not in CARRIED_OUT)
    return outcome(interrupt, before, state)


def outcome(interrupt, before, state):
    told = dict(run.changes())
    if interrupt is not None:
        told["interrupt"] = interrupt[:LONGEST_TEXT]
    if before is not None and canonical(state) != before:
        told["state"] = with_form(state)
    return told


def controls_of(level, experiment, context):
    """The controls of a moment: the global ones, those of the experiment that are inherited, and its own."""
    everywhere = list(run.everywhere)
    if experiment is None:
        return everywhere
    top = experiment.get("controls") or []
    own = list(context.get("controls") or [])
    inherited = [copy.deepcopy(control) for control in top if control.get("automatic", True)]
    if run.is_compatible:
        return as_chaos_toolkit(level, everywhere, top, own, inherited)
    if level == "experiment":
        return everywhere + own
    if level in ("method", "rollback"):
        return everywhere + inherited
    named = [control.get("name") for control in own]
    referred = [control["ref"] for control in own if "ref" in control]
    upper = [control for control in top
             if control.get("name") in referred
             or (control.get("automatic", True) and control.get("name") not in named)]
    return everywhere + copy.deepcopy(upper) + [control for control in own if "ref" not in control]


def as_chaos_toolkit(level, everywhere, top, own, inherited):
    """There, an inherited control comes before the global ones, once for each other control of the moment."""
    found = everywhere + own
    if not top:
        return found
    if not found or level in ("method", "rollback"):
        return inherited
    first, last = [], []
    for control in found:
        if "ref" in control:
            last += [copy.deepcopy(one) for one in top if one.get("name") == control["ref"]][:1]
        elif level != "experiment":
            others = [one for one in inherited if one.get("name") != control.get("name")]
            first = copy.deepcopy(others) + first
    return first + found + last


def apply(control, level, scope, context, state, experiment):
    function = hook_of(control, "%s_%s_control" % (scope, LEVELS.get(level, level)))
    if function:
        given = {"secrets": run.secrets if experiment else None,
                 "configuration": run.configuration if experiment else None,
                 "state": state, "experiment": experiment, "settings": run.settings}
        if "extensions" in inspect.signature(function).parameters:
            given["extensions"] = experiment.get("extensions")
        function(context=context, **arguments_of(control, function, given, experiment is not None))


def arguments_of(control, function, given, substitutes):
    arguments = copy.deepcopy(control["provider"].get("arguments") or {})
    if substitutes and (run.configuration or run.secrets):
        arguments = substituted(arguments)
    parameters = inspect.signature(function).parameters
    arguments.update((name, value) for name, value in given.items() if name in parameters)
    return arguments


def hook_of(control, name):
    provider = control.get("provider") or {}
    if provider.get("type") != "python":
        return None
    try:
        module = importlib.import_module(provider["module"])
    except ImportError as error:
        show(error)
        return None
    return getattr(module, name, None)


def attempt(work):
    """Whether it ended without an exception, which is told to the log."""
    try:
        work()
        return True
    except BaseException as error:
        show(error)
        return False


def substituted(data):
    if isinstance(data, dict):
        return {key: substituted(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [substituted(value) for value in data]
    if not isinstance(data, str):
        return data
    mapping = {}
    groups = [group for group in run.secrets.values() if isinstance(group, dict)] if run.secrets else []
    for group in [*reversed(groups), run.configuration or {}]:
        mapping.update(group)
    whole = string.Template.pattern.fullmatch(data)
    name = whole and whole.group("braced")
    if name and name in mapping:
        return mapping[name]
    return string.Template(data).safe_substitute(mapping)


# Orders


WORK = {"call": call, "check": check, "begin": begin, "configure": configure, "cleanup": cleanup,
        "validate": validate, "hook": hook}


def read():
    """Takes orders. What belongs in the foreground is carried out in the main thread, as long as that is free."""
    for line in orders:
        order = json.loads(line)
        if order.get("aside") or is_busy.is_set():
            threading.Thread(target=carry_out, args=(order,), daemon=True).start()
        else:
            is_busy.set()
            foreground.put(order)
    foreground.put(None)


for stream in (sys.stdout, sys.stderr):
    try:
        stream.reconfigure(errors="backslashreplace", line_buffering=True)
    except AttributeError:
        pass
sys.argv = ["chaos"]
threading.Thread(target=read, daemon=True).start()
while True:
    order = foreground.get()
    if order is None:
        break
    carry_out(order, is_busy.clear)
attempt(atexit._run_exitfuncs)
answer(0, '"value":null')
while True:
    time.sleep(3600)
