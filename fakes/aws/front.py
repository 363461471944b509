"""The server: it records each call, makes trouble on request, and answers itself or lets moto answer."""

import contextlib
import io
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

import answers
import cloud
import cloudwatch
from answers import Answer, ApiError
from call import Call, parse
from control import Control
from fault_injection import FaultInjection
from faults import Fault, Faults
from machine import Machines
from policy import Policy
from run_command import RunCommand

NEXT_TOKEN = re.compile(rb'<[nN]extToken>([^<]+)</|"[nN]extToken": ?"([^"]+)"')


class Cut(ConnectionAbortedError):
    """The connection was closed on request."""


class Front:
    """A WSGI application."""

    def __init__(self, machines: Machines) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.machines = machines
        self.run_command = RunCommand(machines)
        self.fault_injection = FaultInjection()
        self.faults = Faults()
        self.policy = Policy()
        self.healing = cloud.Healing()
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._received = 0
        # The page that each token requests.
        self._pages: dict[tuple[str, str, str], int] = {}
        self._control = Control(self)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = _body(environ)
        if environ["PATH_INFO"].startswith("/_stand_in/"):
            answer = self._control.answer(environ, body)
        elif call := parse(environ, body):
            answer = self._answer(call, environ, body)
        else:
            answer = self._forward(environ, body)
        headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        start_response(answer.line, [*headers, ("Content-Length", str(len(answer.body)))])
        return [answer.body]

    def calls(self) -> list[Call]:
        with self._lock:
            return sorted(self._calls, key=lambda call: call.number)

    def forget_calls(self) -> None:
        with self._lock:
            self._calls.clear()

    def _answer(self, call: Call, environ: dict[str, Any], body: bytes) -> Answer:
        with self._lock:
            self._received += 1
            call.number = self._received
            call.page = self._pages.get((call.action, call.region, call.token), 1) if call.token else 1
        faults = self.faults.of(call)
        call.fault = [fault.do for fault in faults]
        try:
            answer = self._with_faults(call, faults, environ, body)
            if answer:
                call.status = answer.status
        finally:
            # Before the client gets the answer, so that a test that looks then finds the record.
            with self._lock:
                self._calls.append(call)
        return answer or _cut(environ)

    def _with_faults(
        self, call: Call, faults: list[Fault], environ: dict[str, Any], body: bytes
    ) -> Answer | None:
        """None if the connection is to be cut."""
        if not cloud.has_region(call.region):
            # A region that AWS does not have does not answer.
            return None
        denied = self._denied(call)
        for fault in faults:
            time.sleep(fault.milliseconds / 1000)
        for fault in faults:
            if fault.do == "cut_before":
                return None
            if made := fault.answer(call):
                return made
        if call.token and any(fault.do == "endless" for fault in faults):
            return answers.empty_page_of_groups()
        answer = denied or self._impossible(call) or self._own(call) or self._timed(call, environ, body)
        for one, other in NEXT_TOKEN.findall(answer.body):
            with self._lock:
                self._pages[(call.action, call.region, (one or other).decode())] = call.page + 1
        self._follow(call)
        call.pieces = len(answers.pieces(answer))
        for fault in faults:
            if fault.do == "twice":
                answer = answers.listed_twice(answer)
            if fault.do == "endless":
                answer = answers.with_another_page(answer)
            if fault.twentieths is not None:
                answer.body = answer.body[: len(answer.body) * fault.twentieths // 20]
        if call.cut_before_piece is not None:
            answer = answers.cut_short(answer, call.cut_before_piece)
        return None if any(fault.do == "cut_after" for fault in faults) else answer

    def _denied(self, call: Call) -> Answer | None:
        refused = self.policy.refused(call)
        return answers.access_denied(call, refused) if refused else None

    def _impossible(self, call: Call) -> Answer | None:
        """Refuses calls that moto accepts, for terminated instances and for security groups that do not exist."""
        if call.action == "ModifyNetworkInterfaceAttribute":
            if unknown := cloud.unknown_group(call):
                message = f"The security group '{unknown}' does not exist"
                return answers.error(call, 400, "InvalidGroup.NotFound", message)
        if call.service != "ec2" or call.action not in cloud.OF_THE_LIVING or call.is_dry:
            return None
        known = cloud.instances(cloud.account_of(call.access_key), call.region)
        for instance in cloud.instance_ids(call):
            if instance in known and cloud.state_code(known[instance]) in cloud.TERMINATED:
                message = f"The instance '{instance}' is not in a state in which this can be done."
                return answers.error(call, 400, "IncorrectInstanceState", message)
        return None

    def _own(self, call: Call) -> Answer | None:
        action = self.run_command.actions.get(call.action) if call.service == "ssm" else None
        if not action:
            return None
        try:
            return answers.result(action(call))
        except ApiError as error:
            return answers.error(call, error.status, error.code, error.message)

    def _timed(self, call: Call, environ: dict[str, Any], body: bytes) -> Answer:
        begun = time.monotonic()
        if call.protocol == "cbor":
            answer = cloudwatch.answer(call, environ, self._forward)
        else:
            answer = self._forward(environ, body)
        call.moto_seconds = round(time.monotonic() - begun, 6)
        return answer

    def _forward(self, environ: dict[str, Any], body: bytes) -> Answer:
        environ = environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        head: list[Any] = []
        pieces = self._moto(environ, lambda status, headers, exc_info=None: head.extend((status, headers)))
        whole = b"".join(pieces)
        return Answer(int(head[0].split()[0]), list(head[1]), whole)

    def _follow(self, call: Call) -> None:
        """The new states of instances end their processes, and experiments proceed."""
        self.fault_injection.follow(call)
        if call.action.startswith(("Describe", "Get", "List")):
            return
        rebooted = call.parameters.values() if call.action == "RebootInstances" else ()
        for machine in self.machines.all():
            gone = machine.state_code in cloud.TERMINATED
            if gone or machine.state_code != cloud.RUNNING or machine.instance in rebooted:
                machine.down(gone)


def _body(environ: dict[str, Any]) -> bytes:
    if environ.get("wsgi.input_terminated"):
        return bytes(environ["wsgi.input"].read())
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _cut(environ: dict[str, Any]) -> NoReturn:
    connection: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    raise Cut
