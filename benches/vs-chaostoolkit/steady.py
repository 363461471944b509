"""A hypothesis that turns out wrong during a fault: how long the fault goes on. See steady.sh."""

import http.server
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DRILL = ROOT / "target/release/chaos"
CHAOS = ROOT / "target/bench-chaostoolkit-venv/bin/chaos"
# How long the fault is meant to last, in seconds.
FAULT = 8
# The page breaks at a random moment between these after the start of the fault, in seconds.
SOUND = (1, 2)
# How often the page is looked at, by both.
EVERY = 1
# From one look at the processes to the next, in seconds.
TICK = 0.002


class Page(http.server.ThreadingHTTPServer):
    """A home page that answers with 200, or with 503 if it is broken."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.is_broken = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Answer(http.server.BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        self.send_response(503 if self.server.is_broken else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Run:
    """Times in seconds."""

    # From the start of the fault to its end.
    lasted: float
    # From the break of the page to the end of the fault.
    went_on: float


def children(parent: int) -> Iterator[tuple[str, str]]:
    """The name and the state of each child of this process, by proc_pid_stat(5)."""
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = place.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name, rest = text.split("(", 1)[1].rsplit(") ", 1)
        state, of = rest.split()[:2]
        if int(of) == parent:
            yield name, state


def until(is_so: Callable[[], bool], program: subprocess.Popen[bytes]) -> float:
    while not is_so():
        assert program.poll() is None, f"{program.args} ended with {program.returncode} before"
        time.sleep(TICK)
    return time.perf_counter()


def watch(page: Page, program: subprocess.Popen[bytes], is_in_effect: Callable[[int], bool]) -> Run:
    began = until(lambda: is_in_effect(program.pid), program)
    time.sleep(random.uniform(*SOUND))
    assert is_in_effect(program.pid), "the fault is over before the page breaks"
    page.is_broken, broke = True, time.perf_counter()
    ended = until(lambda: not is_in_effect(program.pid), program)
    return Run(ended - began, ended - broke)


def drill(page: Page, place: str) -> Run:
    """The fault: one of five replicas, all children of the drill, is stopped."""
    words = ["drill", "--event", "stop", "--duration", f"{FAULT}s", "--steady-http", page.url, "--json"]
    with open(Path(place) / "drill", "wb+") as output:
        program = subprocess.Popen([DRILL, *words], stdout=output, stderr=subprocess.DEVNULL, cwd=place)
        run = watch(page, program, lambda pid: ("chaos", "T") in children(pid))
        page.is_broken = False
        status = program.wait()
        output.seek(0)
        report = json.load(output)
    assert (status, report["outcome"]) == (6, "deviated"), report
    return run


def chaostoolkit(page: Page, place: str) -> Run:
    """The fault: a process that takes so long."""
    journal = Path(place) / "journal.json"
    words = ["--no-version-check", "run", "--journal-path", journal, "--fail-fast"]
    words += ["--hypothesis-strategy", "continuously", "--hypothesis-frequency", str(EVERY), HERE / "steady.json"]
    program = subprocess.Popen(
        [CHAOS, *words],
        env=os.environ | {"PAGE": page.url, "HOME": place},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=place,
    )
    run = watch(page, program, lambda pid: any(name == "sleep" for name, _ in children(pid)))
    status = program.wait()
    page.is_broken = False
    report = json.loads(journal.read_text())
    looks = [look["steady_state_met"] for look in report["steady_states"]["during"]]
    assert (status, report["deviated"]) == (1, True) and False in looks, report
    return run


def main() -> None:
    runs = int(sys.argv[1])
    page = Page()
    print(
        f"A fault of {FAULT} s; the page breaks {SOUND[0]} to {SOUND[1]} s after its start; a look each {EVERY} s; "
        f"{runs} runs each in turn, median (least to most); chaostoolkit {version('chaostoolkit')}\n"
    )
    print("| | the fault lasted, s | it went on after the page broke, s |")
    print("|---|---|---|")
    measured: dict[str, list[Run]] = {"drill": [], "chaostoolkit": []}
    with tempfile.TemporaryDirectory() as place:
        for _ in range(runs):
            measured["drill"].append(drill(page, place))
            measured["chaostoolkit"].append(chaostoolkit(page, place))
    for name, of in measured.items():
        columns = [[run.lasted for run in of], [run.went_on for run in of]]
        figures = [f"{statistics.median(c):.1f} ({min(c):.1f} to {max(c):.1f})" for c in columns]
        print(f"| {name} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
