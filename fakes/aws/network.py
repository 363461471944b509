"""A network of its own for the instances. Nothing in it reaches the network of this machine."""

import ctypes
import shutil
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import TypeVar

from processes import start

T = TypeVar("T")

# Used only inside the namespaces.
ENDPOINT = ("10.200.0.1", 443)
PEER = ("10.200.0.2", 80)
METADATA = ("169.254.169.254", 80)
ENDPOINT_SERVICES = ("ssm", "ssmmessages", "ec2messages")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*lines: str, namespace: str | None = None) -> None:
    """Runs commands of iproute2. If one fails, raises OSError with its output."""
    command = ["ip"] + (["-n", namespace] if namespace else []) + ["-batch", "-"]
    text = "\n".join(lines) + "\n"
    running = start(command, stdin=PIPE, stdout=DEVNULL, stderr=PIPE)
    _, trouble = running.communicate(text.encode())
    if running.returncode != 0:
        raise OSError(f"{text!r}: {trouble.decode().strip()}")


def within(namespace: str, work: Callable[[], T]) -> T:
    """Does some work in a network namespace. Its sockets stay there."""
    outcome: list[T | BaseException] = []

    # Only this thread is in the namespace, so it is never used for anything else.
    def enter() -> None:
        try:
            with open(f"/run/netns/{namespace}") as file:
                if _libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns {namespace}")
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=enter, daemon=True)
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


class Network:
    """A namespace that stands for AWS, and one for each instance, plugged into its bridge."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._cloud = f"{prefix}-cloud"
        self._lock = threading.Lock()
        self._made = False
        self._plugged = 0

    def plug(self, instance: str, region: str) -> tuple[str, str]:
        """Makes the namespace of an instance: its name and address."""
        with self._lock:
            if not self._made:
                self._make()
            index, self._plugged = self._plugged, self._plugged + 1
        name = f"{self._prefix}-{instance}"
        address = f"10.200.{1 + index // 250}.{1 + index % 250}"
        settings = Path("/etc/netns") / name
        settings.mkdir(parents=True)
        names = " ".join(f"{service}.{region}.amazonaws.com" for service in ENDPOINT_SERVICES)
        hosts = f"127.0.0.1 localhost\n::1 localhost\n{ENDPOINT[0]} {names}\n{PEER[0]} peer\n"
        (settings / "hosts").write_text(hosts)
        # A look-up of any other name must fail at once instead of waiting for servers out of reach.
        (settings / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        ip(
            f"netns add {name}",
            f"link add eth0 netns {name} type veth peer name v{index} netns {self._cloud}",
        )
        ip(f"link set v{index} master bridge0 up", namespace=self._cloud)
        ip(
            "link set lo up",
            f"address add {address}/16 dev eth0",
            "link set eth0 up",
            f"route add default via {ENDPOINT[0]}",
            namespace=name,
        )
        return name, address

    def unplug(self, name: str) -> None:
        """Removes the namespace of an instance on which nothing runs."""
        ip(f"netns delete {name}")
        shutil.rmtree(Path("/etc/netns") / name, ignore_errors=True)

    def reaches_endpoint(self, name: str) -> bool:
        """Whether the agent of an instance can talk to Systems Manager now."""

        def connect() -> bool:
            try:
                socket.create_connection(ENDPOINT, timeout=1).close()
            except OSError:
                return False
            return True

        try:
            return within(name, connect)
        except OSError:
            return False

    def _make(self) -> None:
        ip(f"netns add {self._cloud}")
        ip(
            "link set lo up",
            # Without a fixed address, it would change when instances are added, and instances that know it would lose
            # their connection.
            "link add bridge0 address 02:00:0a:c8:00:01 type bridge",
            f"address add {ENDPOINT[0]}/16 dev bridge0",
            f"address add {PEER[0]}/16 dev bridge0",
            f"address add {METADATA[0]}/32 dev bridge0",
            "link set bridge0 up",
            namespace=self._cloud,
        )
        for address in (ENDPOINT, PEER, METADATA):
            listener = within(self._cloud, partial(socket.create_server, address, backlog=64))
            threading.Thread(target=_greet, args=(listener,), daemon=True).start()
        self._made = True


def _greet(listener: socket.socket) -> None:
    """Sends its address to every client that connects, without waiting for a request."""
    while True:
        try:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(f"{connection.getsockname()[0]}\n".encode())
        except OSError:
            if listener.fileno() < 0:
                return
