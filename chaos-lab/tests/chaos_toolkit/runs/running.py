"""Runs one case and tells what came of it."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

# How long after the marker the signal is sent: the program must be waiting for the action by then.
SETTLED = 0.2
LIMIT = 60
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


def observe(command, case):
    """What `command`, which is given the arguments, answers to the case; and the end of what it printed."""
    folder = Path(tempfile.mkdtemp(prefix="run-"))
    try:
        for name, text in case["files"].items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "experiment.json").write_text(json.dumps(case["experiment"]), encoding="utf-8")
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "NO_PROXY": "*",
                       **case.get("environment", {})}
        words = [*command, "--journal-path", "journal.json", *case["arguments"], "experiment.json"]
        with open(folder / "printed", "wb") as printed:
            process = subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=printed,
                                       stderr=printed, start_new_session=True)
        try:
            code = end_of(process, folder, case.get("signal"))
            result = result_of(folder, case, code)
        finally:
            # What a killed shell left behind.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        return result, (folder / "printed").read_text(encoding="utf-8", errors="replace")[-2000:]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def end_of(process, folder, name):
    until = time.monotonic() + LIMIT
    if name:
        while not (folder / "marker").exists():
            if process.poll() is not None or time.monotonic() > until:
                return "no marker"
            time.sleep(0.01)
        time.sleep(SETTLED)
        process.send_signal(signal.Signals[name])
    try:
        return process.wait(max(until - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        return "no end"


def result_of(folder, case, code):
    log = folder / "log"
    result = {"exit": code, "journal": (folder / "journal.json").exists()}
    if result["journal"]:
        try:
            journal = json.loads((folder / "journal.json").read_text(encoding="utf-8"))
            result.update(told(journal, case))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            result["unreadable"] = repr(error)
    result["log"] = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return {key: value for key, value in result.items() if key not in case.get("left_out", [])}


def told(journal, case):
    states = journal["steady_states"]
    sections = [("before", (states["before"] or {}).get("probes", [])), ("run", journal["run"] or []),
                ("after", (states["after"] or {}).get("probes", [])), ("rollbacks", journal["rollbacks"] or [])]
    result = {
        "status": journal["status"],
        "deviated": journal["deviated"],
        "before": states["before"] and states["before"]["steady_state_met"],
        # How often it was looked is not certain, but what was seen one after the other is.
        "during": without_repeats(state["steady_state_met"] for state in states["during"]),
        "after": states["after"] and states["after"]["steady_state_met"],
        "activities": [[section, run["activity"].get("name"), run.get("status")]
                       for section, runs in sections for run in runs],
    }
    if case.get("shape"):
        result["shape"] = shape(journal, case["experiment"])
    return result


def without_repeats(values):
    kept = []
    for value in values:
        if not kept or kept[-1] != value:
            kept.append(value)
    return kept


def shape(value, document, key=None):
    """The keys and types of a value of the journal. Of a list only those that differ; and what was copied from the
    experiment's file is only said to have been."""
    if isinstance(value, dict):
        if key == "experiment":
            copied = sorted(name for name in value if name in document and is_copy(value[name], document[name]))
            other = {name: shape(inner, document) for name, inner in value.items() if name not in copied}
            return {"copied": copied, "other": other}
        if key == "activity" and value in activities(document):
            return "copied"
        return {name: shape(inner, document, name) for name, inner in value.items()}
    if isinstance(value, list):
        shapes = [shape(inner, document) for inner in value]
        return [inner for index, inner in enumerate(shapes) if inner not in shapes[:index]]
    if isinstance(value, str) and TIME.fullmatch(value):
        return "time"
    # A duration may be whole.
    if key == "duration" and type(value) in (int, float):
        return "number"
    types = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "text"}
    return types[type(value)]


def is_copy(value, original):
    """Whether it is the original, or that with secrets masked."""
    if isinstance(value, dict) and isinstance(original, dict):
        return value.keys() == original.keys() and all(is_copy(value[key], original[key]) for key in value)
    return value in (original, "********")


def activities(document):
    hypothesis = document.get("steady-state-hypothesis", {}).get("probes", [])
    return [*hypothesis, *document["method"], *document.get("rollbacks", [])]


def differences(recorded, observed):
    keys = sorted({*recorded, *observed})
    return [f"{key}: recorded {json.dumps(recorded.get(key))}, now {json.dumps(observed.get(key))}"
            for key in keys if recorded.get(key) != observed.get(key)]
