"""What the experiments of the runs are made of.

Each activity is a shell that appends its name to the file `log`, so that the order of side effects is on disk. The
hypothesis asks the file `state`, which the method changes: `ok`, `broken` (the tolerance is not met) or `slow` (the
probe fails by its time limit).
"""

REFUSING = "http://127.0.0.1:1/"
# A probe's time limit must also let a shell start on a busy machine.
LIMIT = 0.6
ASKS = "case $(cat state) in broken) exit 1;; slow) exec sleep 5;; esac"


def shell(name, script=None, *arguments, type="action", timeout=None, **more):
    provider = {"type": "process", "path": "/bin/sh",
                "arguments": ["-c", f"echo {name} >>log" if script is None else script]}
    if arguments:
        provider["arguments"] += ["sh", *arguments]
    if timeout is not None:
        provider["timeout"] = timeout
    return {"type": type, "name": name, "provider": provider, **more}


def probe(name, script, *arguments, **more):
    return shell(name, script, *arguments, type="probe", **more)


def exits(name, status):
    return shell(name, f"echo {name} >>log; exit {status}")


def too_slow(name):
    return shell(name, f"echo {name} >>log; exec sleep 5", timeout=0.4)


def refused(name, type="action", **more):
    return {"type": type, "name": name, "provider": {"type": "http", "url": REFUSING, "timeout": 2}, **more}


def becomes(state, name="change", then=""):
    return shell(name, f"echo {name} >>log; echo {state} >state{then}")


def takes(name, seconds):
    return shell(name, f"echo {name} >>log; sleep {seconds}")


def waits(name="wait"):
    """In it the program is sent its signal."""
    return shell(name, f"echo {name} >>log; : >marker; sleep 5; echo {name}-ended >>log")


def in_background(name="background", seconds=0.5):
    """What follows must be `after_background`, for the order to be certain."""
    return shell(name, f"echo {name} >>log; : >{name}; sleep {seconds}; echo {name}-ended >>log", background=True)


def after_background(activity, name="background"):
    """Starts once what is in the background has begun."""
    arguments = activity["provider"]["arguments"]
    arguments[1] = f"until [ -e {name} ]; do sleep 0.02; done; {arguments[1]}"
    activity["pauses"] = {"before": 0.3}
    return activity


def hypothesis(*probes):
    return {"title": "it works", "probes": list(probes)}


def asking(quiet=False, limit=None):
    """Probes that are met, and one that asks the state. Those that run during the method do not log."""
    log = "" if quiet else "echo steady >>log; "
    return [probe("first", "exit 0", tolerance=0), probe("steady", log + ASKS, tolerance=0, timeout=limit)]


def experiment(method, probes=(), rollbacks=None, **more):
    document = {"title": "a run", "description": "of a record"}
    if probes:
        document["steady-state-hypothesis"] = hypothesis(*probes)
    document["method"] = method
    if rollbacks is not None:
        document["rollbacks"] = rollbacks
    return {**document, **more}


def runtime(hypothesis=None, rollbacks=None):
    both = {"hypothesis": hypothesis, "rollbacks": rollbacks}
    return {"runtime": {name: {"strategy": value} for name, value in both.items() if value}}


def case(name, document, *arguments, state="ok", files=None, environment=None, signal=None, left_out=(), shape=False):
    """What is to be run. `left_out` names the parts of the result that are not certain, and so not compared."""
    made = {"name": name, "arguments": list(arguments), "files": {"state": state, **(files or {})}}
    if environment:
        made["environment"] = environment
    if signal:
        made["signal"] = signal
    if left_out:
        made["left_out"] = sorted(left_out)
    if shape:
        made["shape"] = True
    return {**made, "experiment": document}
