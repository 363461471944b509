"""Measures the drill and chaostoolkit-aws side by side: see run.sh."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DRILL = ROOT / "target/release/drill"
CHAOS = ROOT / "target/chaostoolkit-venv/bin/chaos"
STAND_IN = ROOT / "chaos-aws/tests/stand_in"


class StandIn:
    """The same moto for both, in a process of its own that ends with this one."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, STAND_IN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.endpoint = json.loads(self._process.stdout.readline())["endpoint"]

    def page(self, method: str, page: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/_stand_in/{page}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def world(self, **group: Any) -> None:
        self.page("DELETE", "world")
        self.page("POST", "world", {"seed": 1, "groups": [{"name": "web", "region": "eu-west-1", **group}]})

    def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


@dataclass
class Run:
    wall: float
    cpu: float
    peak: float
    calls: int
    moto: float
    output: str


def run(stand_in: StandIn, place: str, command: list[Any]) -> Run:
    """Runs a program to its end, which must be a good one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": stand_in.endpoint,
        "HOME": place,
    }
    stand_in.page("DELETE", "calls")
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, cwd=place, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text = output.read().decode()
        if process.returncode != 0:
            sys.exit(f"{command} ended with {process.returncode}:\n{text}\n{errors.read().decode()}")
    calls = stand_in.page("GET", "calls")
    moto = sum(call["moto_seconds"] or 0 for call in calls)
    # Linux tells kibibytes.
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, len(calls), moto, text)


def terminated(stand_in: StandIn) -> int:
    return sum(call["action"] == "TerminateInstances" for call in stand_in.page("GET", "calls"))


def compare(stand_in: StandIn, place: str, runs: int) -> None:
    commands = {
        "drill": [DRILL, "--provider", "aws", "--group", "web", "--yes", "--json"],
        "chaostoolkit": [CHAOS, "--no-version-check", "run", HERE / "experiment.json"],
    }
    measured: dict[str, list[Run]] = {name: [] for name in commands}
    stand_in.world(size=20)
    for number in range(runs + 1):
        for name, command in commands.items():
            one = run(stand_in, place, command)
            assert terminated(stand_in) == 1, f"{name} terminated {terminated(stand_in)} instances"
            # The first warms the caches up.
            if number > 0:
                measured[name].append(one)
    print(f"Terminate one of 20, {runs} runs each in turn, median (fastest to slowest)\n")
    print("| | wall, ms | wall without moto's own time, ms | CPU, ms | peak memory, MiB | API calls | moto, ms |")
    print("|---|---|---|---|---|---|---|")
    medians = {}
    for name, of in measured.items():
        columns = [
            [r.wall * 1e3 for r in of],
            [(r.wall - r.moto) * 1e3 for r in of],
            [r.cpu * 1e3 for r in of],
            [r.peak for r in of],
        ]
        medians[name] = [statistics.median(column) for column in columns]
        spread = [f"{statistics.median(c):.1f} ({min(c):.1f} to {max(c):.1f})" for c in columns]
        calls, moto = statistics.median(r.calls for r in of), statistics.median(r.moto for r in of) * 1e3
        print(f"| {name} | {' | '.join(spread)} | {calls:.0f} | {moto:.1f} |")
    ratios = [theirs / ours for ours, theirs in zip(medians["drill"], medians["chaostoolkit"])]
    print(f"| ratio | {' | '.join(f'{ratio:.1f}' for ratio in ratios)} | | |")


def discover(stand_in: StandIn, place: str) -> None:
    groups, size = 500, 20
    stand_in.world(count=groups, size=size)
    command = [DRILL, "--provider", "aws", "--dry-run", "--json"]
    one = run(stand_in, place, command)
    plan = json.loads(one.output)["plan"]
    found = sum(len(group["targets"]) for group in plan["groups"])
    assert (len(plan["groups"]), found) == (groups, groups * size), f"not everything was found: {plan['doubts']}"
    # A page of the listing holds 100 groups, and one look-up 1,000 instances.
    pages = groups // 100 + groups * size // 1000
    print(
        f"\nDiscovery of {found:,} instances in {groups} groups: {one.calls} API calls, pages need {pages}; "
        f"{one.wall:.1f} s, of which moto worked {one.moto:.1f} s ({min(1, one.moto / one.wall):.0%}); "
        f"the drill's CPU {one.cpu:.2f} s ({one.cpu / one.wall:.1%}), peak {one.peak:.0f} MiB"
    )


def main() -> None:
    stand_in = StandIn()
    try:
        with tempfile.TemporaryDirectory() as place:
            compare(stand_in, place, int(sys.argv[1]))
            discover(stand_in, place)
    finally:
        stand_in.stop()


if __name__ == "__main__":
    main()
