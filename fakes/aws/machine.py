"""Instances as scripts see them: a directory each and, as root, namespaces of their own."""

import contextlib
import os
import shutil
import signal
import threading
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import Any

from network import Network
from processes import children, kill_marked, marked, start

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The first process of the instance ends with the pipe that the stand-in holds, and the kernel ends all others with it.
# It ignores SIGCHLD, so the kernel also reaps the orphans that it inherits. First, it gives the instance a disk of its
# own, which is removed with it.
MOUNT = 'mount -t tmpfs -o size=256m,mode=755 chaos-stand-in "$1" && echo up; exec cat >/dev/null'
INIT = ["env", "--ignore-signal=CHLD", "sh", "-c", MOUNT, "sh"]
UNSHARE = ["unshare", "--pid", "--mount", "--propagation", "slave", "--mount-proc", "--fork", "--kill-child"]


class Machine:
    """One instance. It is up from the first script on until it is stopped, restarted or terminated."""

    def __init__(self, instance: Any, region: str, root: Path, mark: str, network: Network | None) -> None:
        """`instance` is moto's."""
        self.instance, self.region = str(instance.id), region
        self._of_moto = instance
        self.directory = root / self.instance
        # The path is the same on each: with namespaces a file system of its own, otherwise a shared directory.
        self.disk = root / "disk"
        self.boots = 0
        self.namespace: str | None = None
        self.address: str | None = None
        self._mark = f"{mark}/{self.instance}"
        self._network = network
        self._init: Popen[bytes] | None = None
        self._up = False
        self._gone = False
        self._lock = threading.RLock()

    @property
    def state_code(self) -> int:
        """16 is running."""
        return int(self._of_moto.state_code)

    def up(self) -> None:
        """Starts the instance if it is not up. Raises OSError if it was terminated."""
        with self._lock:
            if self._gone:
                raise OSError(f"{self.instance} was terminated")
            if self._up:
                return
            self.directory.mkdir(parents=True, exist_ok=True)
            self.disk.mkdir(exist_ok=True)
            if self._network:
                self.namespace, self.address = self._network.plug(self.instance, self.region)
                command = ["ip", "netns", "exec", self.namespace, *UNSHARE, *INIT, str(self.disk)]
                init = start(
                    command, stdin=PIPE, stdout=PIPE, env=self._environment(), start_new_session=True
                )
                self._init = init
                if not init.stdout or init.stdout.readline() != b"up\n":
                    raise OSError(f"{self.instance} does not start")
            self._up = True
            self.boots += 1

    def down(self, gone: bool = False) -> None:
        """Ends its processes, and its network with its rules. Files stay, unless it was terminated."""
        with self._lock:
            init, self._init, self._up = self._init, None, False
            self._gone |= gone
            if init and init.stdin:
                init.stdin.close()
                try:
                    init.wait(5)
                except TimeoutExpired:
                    init.kill()
                    init.wait()
            kill_marked(self._mark)
            if self._network and self.namespace:
                self._network.unplug(self.namespace)
                self.namespace = self.address = None
            if gone:
                shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, script: Path, working_directory: str) -> Popen[bytes]:
        """Starts a script as Systems Manager's agent does: `sh -c FILE`."""
        with self._lock:
            self.up()
            directory = working_directory or str(self.directory)
            command = ["/bin/sh", "-c", 'cd -- "$1" && exec /bin/sh -c "$2"', "sh", directory, str(script)]
            if self._init:
                # `ip netns exec` and `unshare` are one process: its only child is the instance's first.
                first = children(self._init.pid)
                if not first:
                    raise OSError(f"{self.instance} ended")
                enter = ["nsenter", f"--target={first[0]}", "--net", "--mount", "--pid", "--", "setsid"]
                command = enter + command
            return start(
                command,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                env=self._environment(),
                start_new_session=True,
            )

    def kill(self, script: Popen[bytes]) -> None:
        """Ends the process group of a script. The agent ends nothing else, so other processes continue."""
        for leader in (children(script.pid) if self._init else []) + [script.pid]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(leader, signal.SIGKILL)

    def reaches_endpoint(self) -> bool:
        """Whether its agent can talk to Systems Manager now."""
        namespace = self.namespace
        return not self._network or not namespace or self._network.reaches_endpoint(namespace)

    def describe(self) -> dict[str, Any]:
        init = self._init
        return {
            "instance": self.instance,
            "region": self.region,
            "directory": str(self.directory),
            "disk": str(self.disk),
            "namespace": self.namespace,
            "address": self.address,
            "up": self._up,
            "first_process": next(iter(children(init.pid)), None) if init else None,
            "processes": len(marked(self._mark)),
        }

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": SEARCH_PATH,
            "HOME": os.environ.get("HOME", "/"),
            "AWS_SSM_INSTANCE_ID": self.instance,
            "AWS_SSM_REGION_NAME": self.region,
            "CHAOS_STAND_IN": self._mark,
        }


class Machines:
    """The instances that scripts ran on."""

    def __init__(self, root: Path, mark: str, prefix: str) -> None:
        self.namespaces = os.geteuid() == 0
        self._root, self._mark = root, mark
        self._network = Network(prefix) if self.namespaces else None
        self._lock = threading.Lock()
        self._machines: dict[str, Machine] = {}

    def get(self, instance: str) -> Machine | None:
        return self._machines.get(instance)

    def of(self, instance: Any, region: str) -> Machine:
        """The machine of an instance of moto's."""
        with self._lock:
            if instance.id not in self._machines:
                machine = Machine(instance, region, self._root, self._mark, self._network)
                self._machines[instance.id] = machine
            return self._machines[instance.id]

    def all(self) -> list[Machine]:
        with self._lock:
            return list(self._machines.values())

    def clear(self) -> None:
        for machine in self.all():
            machine.down(gone=True)
        with self._lock:
            self._machines.clear()
