"""One script on one instance, from its delivery to its result, as reported by Systems Manager."""

import selectors
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import IO

from machine import Machine
from processes import write_program

STDOUT_CHARACTERS = 24_000
STDERR_CHARACTERS = 8_000
# The exit status that the agent takes for "ended by the agent", even if it is the script's own.
STOPPED = 137
POLL = 0.02


@dataclass
class Order:
    """The request of `SendCommand`."""

    document: str
    comment: str
    commands: list[str]
    working_directory: str
    execution_timeout: float
    delivery_timeout: float
    region: str
    instances: list[str]
    timeout_seconds: int
    parameters: dict[str, list[str]]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    requested: datetime = field(default_factory=lambda: datetime.now(UTC))


class ScriptRun:
    """Runs on a thread of its own."""

    def __init__(self, order: Order, machine: Machine, settings: "Reach") -> None:
        self.order, self.machine = order, machine
        self.status = self.details = "Pending"
        self.code = -1
        self.stdout = self.stderr = ""
        self.begun: datetime | None = None
        self.ended: datetime | None = None
        self._settings = settings
        self._cancelled = threading.Event()
        threading.Thread(target=self._live, daemon=True).start()

    @property
    def over(self) -> bool:
        return self.ended is not None

    def cancel(self) -> None:
        self._cancelled.set()

    def _live(self) -> None:
        order = self.order
        undelivered = time.monotonic() + order.delivery_timeout
        while not self._settings.reachable(self.machine):
            if self._cancelled.is_set():
                return self._end("Cancelled", "Cancelled")
            if time.monotonic() >= undelivered:
                return self._end("TimedOut", "DeliveryTimedOut")
            time.sleep(POLL)
        self.begun = datetime.now(UTC)
        self.status = self.details = "InProgress"
        # Without news of the agent, Systems Manager gives up after both times.
        lost = time.monotonic() + order.execution_timeout + order.delivery_timeout
        try:
            boots, status, details, code, stdout, stderr = self._run()
        except OSError as error:
            boots, status, details, code, stdout, stderr = (
                self.machine.boots,
                "Failed",
                "Failed",
                1,
                "",
                str(error),
            )
        # The result is known when the agent can report it: perhaps after a restart, perhaps never.
        while not self._settings.reachable(self.machine):
            if time.monotonic() >= lost:
                return self._end("TimedOut", "DeliveryTimedOut")
            time.sleep(POLL)
        if self.machine.boots != boots:
            status, details, code = "Failed", "Failed", -1
        self.code, self.stdout, self.stderr = code, stdout[:STDOUT_CHARACTERS], stderr[:STDERR_CHARACTERS]
        self._end(status, details)

    def _end(self, status: str, details: str) -> None:
        self.status, self.details, self.ended = status, details, datetime.now(UTC)

    def _run(self) -> tuple[int, str, str, int, str, str]:
        order, machine = self.order, self.machine
        machine.up()
        boots = machine.boots
        place = machine.directory / "command" / order.id / "awsrunShellScript"
        place.mkdir(parents=True, exist_ok=True)
        path: Path = place / "_script.sh"
        write_program(path, "\n".join(order.commands) + "\n")
        script = machine.run(path, order.working_directory)
        stopped, output = self._follow(script)
        stdout, stderr = (bytes(piece).decode("utf-8", "replace") for piece in output)
        # A script that a signal ended has no exit status.
        code = STOPPED if stopped else max(script.wait(), -1)
        if code != 0:
            stderr += f"failed to run commands: exit status {code}"
        if stopped == "cancelled":
            return boots, "Cancelled", "Cancelled", code, stdout, stderr
        if code == STOPPED:
            return boots, "TimedOut", "ExecutionTimedOut", code, stdout, stderr
        status = "Success" if code == 0 else "Failed"
        return boots, status, status, code, stdout, stderr

    def _follow(self, script: Popen[bytes]) -> tuple[str | None, list[bytearray]]:
        """Reads what a script prints until nobody can print any more: a process that it leaves behind and
        that keeps its output open keeps the command going, as with the agent."""
        limit = time.monotonic() + self.order.execution_timeout
        pipes: list[IO[bytes]] = [pipe for pipe in (script.stdout, script.stderr) if pipe]
        output = [bytearray(), bytearray()]
        with selectors.DefaultSelector() as selector:
            for index, pipe in enumerate(pipes):
                selector.register(pipe, selectors.EVENT_READ, index)
            stopped = None
            while selector.get_map() or script.poll() is None:
                if self._cancelled.is_set() or time.monotonic() >= limit:
                    stopped = "cancelled" if self._cancelled.is_set() else "timed out"
                    self.machine.kill(script)
                    break
                for key, _ in selector.select(POLL):
                    piece = key.fileobj.read1(65536)  # type: ignore[union-attr]
                    if not piece:
                        selector.unregister(key.fileobj)
                    # A character is 4 bytes at most; further output is read and dropped.
                    elif len(output[key.data]) < 4 * STDOUT_CHARACTERS:
                        output[key.data] += piece
                if not selector.get_map():
                    time.sleep(0.001)
        script.wait()
        for pipe in pipes:
            pipe.close()
        return stopped, output


class Reach:
    """The instances that Systems Manager can talk to."""

    def reachable(self, machine: Machine) -> bool:
        raise NotImplementedError
