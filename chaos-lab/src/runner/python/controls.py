

# The orders about controls: which hooks are called, in which order, and what they may change. Follows functions.py.


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
        if not attempt(control, "configure_control", lambda: prepare(control, {"settings": run.settings})):
            run.everywhere.remove(control)
    for control in once(run.declared()):
        attempt(control, "configure_control", lambda: prepare(control, {}))
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
        attempt(control, "cleanup_control", clean)
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
        return {"module": said(error), "near": modules_near(name)}
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
            note(control, f"{scope}_{level}_control", error)
    if level == "experiment" and isinstance(state, dict) and isinstance(state.get("experiment"), dict):
        # The journal has a copy, and what is added to that is meant to stay.
        run.experiment.update((name, value) for name, value in state["experiment"].items() if name not in CARRIED_OUT)
    return outcome(interrupt, before, state)


def outcome(interrupt, before, state):
    told = dict(run.changes())
    if FAILED:
        told["failed"] = [text[:LONGEST_TEXT] for text in FAILED]
        FAILED.clear()
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


# Hooks that have failed since the last answer.
FAILED = []


def note(control, name, error):
    """Keeps what has failed, and tells the log where the exception comes from."""
    show(error)
    FAILED.append(f"{name} of the control {control.get('name')!r}: {said(error)}")


def attempt(control, name, work):
    """Whether it ended without an exception, which is told."""
    try:
        work()
        return True
    except BaseException as error:
        note(control, name, error)
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
