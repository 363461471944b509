"""Measures `chaos run` and chaostoolkit side by side: see lab.sh."""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from launcher import Launcher
from steady import FAULT, Page, children, until

HERE = Path(__file__).parent
BUILT = HERE.parent.parent / "target/release"
VENV = HERE.parent.parent / "target/bench-chaostoolkit-venv/bin"
MANY = 1000
EVERY = 1
TOOLS = {"chaos run": [BUILT / "chaos", "run"], "chaostoolkit": [VENV / "chaos", "--no-version-check", "run"]}
TRUE = shutil.which("true")


def experiment(place: str, title: str, **parts: Any) -> Path:
    path = Path(place) / f"{title.replace(' ', '-')}.json"
    path.write_text(json.dumps({"title": title, "description": "See lab.py", "method": [], **parts}))
    return path


def probe(name: str, provider: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "probe", "name": name, "provider": provider, **more}


def environment(place: str) -> dict[str, str]:
    # Not the journals of whoever runs this.
    return os.environ | {"HOME": place, "XDG_STATE_HOME": place}


def check(place: str, activities: int) -> None:
    """Everything was carried out."""
    journal = json.loads((Path(place) / "journal.json").read_text())
    assert (journal["status"], len(journal["run"])) == ("completed", activities), journal["status"]
    assert all(run["status"] == "succeeded" for run in journal["run"])


def measure(launcher: Launcher, path: Path, activities: int, runs: int, floor: list[Any] | None = None) -> None:
    """In turn, and prints a row for each. The first round warms the caches up."""
    commands = {name: [*command, path] for name, command in TOOLS.items()}
    if floor:
        commands["a bare loop"] = floor
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            one, _ = launcher.run(command, environment(launcher.place))
            if name in TOOLS:
                check(launcher.place, activities)
            if number > 0:
                measured[name].append(one)
    figures = {}
    print("| | wall, ms | CPU, ms | peak memory, MiB |")
    print("|---|---|---|---|")
    for name, of in measured.items():
        columns = [[one["wall"] * 1e3 for one in of], [one["cpu"] * 1e3 for one in of], [one["peak"] for one in of]]
        figures[name] = [statistics.median(column) for column in columns]
        print(f"| {name} | {' | '.join(spread(column) for column in columns)} |")
    ours = figures["chaos run"]
    for name in [name for name in commands if name != "chaos run"]:
        ratios = [f"{theirs / our:.2f}" for our, theirs in zip(ours, figures[name])]
        print(f"| {name} / chaos run | {' | '.join(ratios)} |")
    print(flush=True)


def spread(of: list[float], digits: int = 1) -> str:
    return f"{statistics.median(of):.{digits}f} ({min(of):.{digits}f} to {max(of):.{digits}f})"


@contextmanager
def service() -> Iterator[str]:
    """A server that takes little time of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([BUILT / "service", "--port", str(port)])
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert process.poll() is None, "the service does not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}/health"
    finally:
        process.terminate()
        process.wait()


def undo(page: Page, place: str, command: list[Any]) -> tuple[float, float]:
    """Seconds from the break of the page, and from the first look that saw it, to the begin of the rollback."""
    mark, journal = Path(place) / "undone", Path(place) / "journal.json"
    mark.unlink(missing_ok=True)
    hypothesis = {
        "title": "The home page answers with 200",
        "probes": [probe("home-page", {"type": "http", "url": page.url, "timeout": 3}, tolerance=200)],
    }
    action = {"type": "action", "name": "fault", "provider": {"type": "process", "path": "sleep", "arguments": [FAULT]}}
    # The times that a file system keeps are too coarse.
    script = ["-c", 'date +%s.%N >"$1"', "undo", str(mark)]
    back = {"type": "action", "name": "undo", "provider": {"type": "process", "path": "sh", "arguments": script}}
    parts = {"steady-state-hypothesis": hypothesis, "method": [action], "rollbacks": [back]}
    path = experiment(place, "a fault that is cut short", **parts)
    words = ["--journal-path", journal, "--fail-fast", "--rollback-strategy", "always"]
    words += ["--hypothesis-strategy", "continuously", "--hypothesis-frequency", str(EVERY), path]
    program = subprocess.Popen(
        [*command, *words],
        env=environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=place,
    )
    until(lambda: any(name == "sleep" for name, _ in children(program.pid)), program)
    page.is_broken, broke = True, time.time()
    status = program.wait()
    page.is_broken = False
    assert status == (6 if command is TOOLS["chaos run"] else 1), status
    report = json.loads(journal.read_text())
    looks = [look["probes"][0] for look in report["steady_states"]["during"] if not look["steady_state_met"]]
    assert looks, f"no look has seen it: {report}"
    undone = float(mark.read_text())
    seen = datetime.fromisoformat(looks[0]["end"]).timestamp()
    return undone - broke, undone - seen


def main() -> None:
    runs = int(sys.argv[1])
    load = os.getloadavg()[0]
    print(
        f"chaostoolkit {version('chaostoolkit')}, {runs} runs each in turn, median (least to most); {os.cpu_count()} "
        f"cores, load {load:.1f} at the start\n"
    )
    with tempfile.TemporaryDirectory() as place:
        launcher = Launcher(place)
        true = {"type": "process", "path": "true"}
        print("One probe, a process:\n")
        measure(launcher, experiment(place, "one probe", method=[probe("true", true)]), 1, runs)
        print(f"{MANY} probes, a process each:\n")
        many = [probe(f"true {number}", true) for number in range(MANY)]
        floor = [sys.executable, "-ISB", HERE / "spawn.py", MANY, TRUE]
        measure(launcher, experiment(place, "many processes", method=many), MANY, runs, floor)
        with service() as url:
            print(f"{MANY} probes, a request each:\n")
            many = [probe(f"health {number}", {"type": "http", "url": url}) for number in range(MANY)]
            measure(launcher, experiment(place, "many requests", method=many), MANY, runs)
        launcher.stop()
        page = Page()
        print(f"An action of {FAULT} s; the hypothesis is looked at each {EVERY} s, and turns out wrong at once:\n")
        print("| | the rollback began after the page broke, s | after a look had seen it, s |")
        print("|---|---|---|")
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in TOOLS}
        for _ in range(runs):
            for name, command in TOOLS.items():
                times[name].append(undo(page, place, command))
        for name, of in times.items():
            print(f"| {name} | {' | '.join(spread(list(column), 3) for column in zip(*of))} |")


if __name__ == "__main__":
    main()
