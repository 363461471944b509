

# The orders about functions of activities. Follows bridge.py, with which it is one program.


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
        return {"module": said(error), "near": modules_near(name)}
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


def modules_near(name):
    """The modules that may have been meant: others in the place of the first part of the name that is not there."""
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
            return [parent + found + "".join("." + rest for rest in before) for found in near(first, names, 0.75)]
        parent += first + "."
        module = sys.modules.get(parent[:-1])
        path = getattr(module, "__path__", None)
        if path is None:
            return []
    return []


def near(name, known, cutoff=0.5):
    return difflib.get_close_matches(name, known, n=20, cutoff=cutoff)
