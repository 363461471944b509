"""Measures the drill, `chaos run` and chaostoolkit-aws side by side: see run.sh."""

import atexit
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from launcher import Launcher

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PROGRAM = ROOT / "target/release/chaos"
DRILL = [PROGRAM, "drill"]
CHAOS = ROOT / "target/bench-chaostoolkit-venv/bin/chaos"
REGION = "eu-west-1"
# Of each, one is terminated.
SIZES = [3, 60]
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class Moto:
    """The same moto for both, a process of its own that ends with this one."""

    def __init__(self, place: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        self._log = Path(place) / "moto.log"
        server = Path(sys.executable).with_name("moto_server")
        # Of the thousand images that moto would look through for each instance, none is needed.
        environment = os.environ | {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [server, "--port", str(port)], env=environment, stdout=log, stderr=log
            )
        atexit.register(self.stop)
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert self._process.poll() is None, f"moto does not start:\n{self._log.read_text()}"
            time.sleep(0.05)
        self.groups = boto3.client("autoscaling", REGION, endpoint_url=self.endpoint, **CREDENTIALS)
        ec2 = boto3.client("ec2", REGION, endpoint_url=self.endpoint, **CREDENTIALS)
        image = ec2.register_image(Name="image")["ImageId"]
        self.groups.create_launch_configuration(
            LaunchConfigurationName="small", ImageId=image, InstanceType="t3.micro"
        )

    def resize(self, name: str, size: int) -> None:
        self.groups.update_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=size, MaxSize=size, DesiredCapacity=size
        )

    def add(self, name: str, size: int) -> None:
        self.groups.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName="small",
            MinSize=size,
            MaxSize=size,
            DesiredCapacity=size,
            AvailabilityZones=[f"{REGION}a", f"{REGION}b"],
        )

    def members(self, name: str) -> set[str]:
        found = self.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return {member["InstanceId"] for member in found["AutoScalingGroups"][0]["Instances"]}

    def calls(self) -> int:
        """How many it has answered so far.

        One that goes wrong is retried, and what is compared then is something else.
        """
        statuses = re.findall(r'"POST / HTTP/1.1" (\d+)', self._log.read_text())
        assert set(statuses) <= {"200"}, f"moto has answered with {set(statuses)}"
        return len(statuses)

    def cpu(self) -> float:
        """Seconds that all its threads have computed, by the clock of its process (Linux, clock_getcpuclockid(3))."""
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


@dataclass
class Run:
    wall: float
    cpu: float
    peak: float
    calls: int
    moto: float
    output: str


def run(moto: Moto, launcher: Launcher, command: list[Any]) -> Run:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": moto.endpoint,
        "HOME": launcher.place,
        # Not the journal of whoever runs this.
        "XDG_STATE_HOME": launcher.place,
    }
    calls, computed = moto.calls(), moto.cpu()
    measured, output = launcher.run(command, environment)
    computed, calls = moto.cpu() - computed, moto.calls() - calls
    return Run(measured["wall"], measured["cpu"], measured["peak"], calls, computed, output)


def compare(moto: Moto, launcher: Launcher, size: int, runs: int) -> None:
    journals = ["--journal", Path(launcher.place) / "own", "--journal-path", Path(launcher.place) / "theirs"]
    commands = {
        "drill": [*DRILL, "--provider", "aws", "--group", "web", "--yes", "--json"],
        "chaos run": [PROGRAM, "run", HERE / "experiment.json", *journals],
        "chaostoolkit": [CHAOS, "--no-version-check", "run", HERE / "experiment.json"],
    }
    measured: dict[str, list[Run]] = {name: [] for name in commands}
    moto.resize("web", size)
    for number in range(runs + 1):
        for name, command in commands.items():
            before = moto.members("web")
            one = run(moto, launcher, command)
            after = moto.members("web")
            assert (len(after), len(before - after)) == (size, 1), f"{name} terminated {before - after}"
            # The first warms the caches up.
            if number > 0:
                measured[name].append(one)
    print(
        f"\nTerminate one of {size}, {runs} runs each in turn, median (fastest to slowest); moto {version('moto')}, "
        "which runs without its default images; API calls are for one victim\n"
    )
    print("| | wall, ms | wall without what moto computes, ms | CPU, ms | peak memory, MiB | API calls | moto, ms |")
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
        calls, computed = statistics.median(r.calls for r in of), statistics.median(r.moto for r in of) * 1e3
        print(f"| {name} | {' | '.join(spread)} | {calls:.0f} | {computed:.1f} |")
    for name in ("drill", "chaos run"):
        ratios = [theirs / ours for ours, theirs in zip(medians[name], medians["chaostoolkit"])]
        print(f"| ratio to {name} | {' | '.join(f'{ratio:.1f}' for ratio in ratios)} | | |")


def discover(moto: Moto, launcher: Launcher) -> None:
    groups, size = 500, 20
    # With the one that is there.
    for number in range(groups - 1):
        moto.add(f"group-{number}", size)
    command = [*DRILL, "--provider", "aws", "--dry-run", "--json"]
    one = run(moto, launcher, command)
    plan = json.loads(one.output)["plan"]
    found = sum(len(group["targets"]) for group in plan["groups"])
    whole = SIZES[-1] + (groups - 1) * size
    assert (len(plan["groups"]), found) == (groups, whole), f"{found} of {whole} were found: {plan['doubts']}"
    # A page of the listing holds 100 groups, and one look-up 1,000 instances.
    pages = -(-groups // 100) + -(-whole // 1000)
    print(
        f"\nDiscovery of {found:,} instances in {groups} groups: {one.calls} API calls, pages need {pages}; "
        f"{one.wall:.1f} s, of which moto computed {one.moto:.1f} s ({one.moto / one.wall:.0%}); "
        f"the drill's CPU {one.cpu:.2f} s ({one.cpu / one.wall:.1%}), peak {one.peak:.0f} MiB"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        launcher, moto = Launcher(place), Moto(place)
        moto.add("web", SIZES[0])
        for group in SIZES:
            compare(moto, launcher, group, int(sys.argv[1]))
        if sys.argv[2:] == ["discover"]:
            discover(moto, launcher)
        launcher.stop()


if __name__ == "__main__":
    main()
