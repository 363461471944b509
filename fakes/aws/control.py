"""The pages below `/_stand_in/`, by which a test reads and controls the stand-in."""

import json
from typing import TYPE_CHECKING, Any

import answers
import cloud
import notifications
import world
from answers import Answer
from network import ENDPOINT, METADATA, PEER

if TYPE_CHECKING:
    from front import Front


class Control:
    """Answers 200 with JSON, or 400 with `{"error": ...}` for a request that it does not understand."""

    def __init__(self, front: "Front") -> None:
        self._front = front

    def answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        method, page = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix("/_stand_in/")
        handler = getattr(self, f"{method.lower()}_{page.replace('-', '_')}", None)
        if not handler:
            return answers.plain({"error": f"no such page: {method} {page}"}, 404)
        try:
            given = json.loads(body or b"{}")
            return answers.plain(handler(given, environ.get("QUERY_STRING", "")))
        except (ValueError, TypeError, KeyError, OSError) as error:
            return answers.plain({"error": f"{type(error).__name__}: {error}"}, 400)

    def get_calls(self, _given: Any, query: str) -> Any:
        return [call.record("parameters" in query) for call in self._front.calls()]

    def delete_calls(self, _given: Any, _query: str) -> Any:
        self._front.forget_calls()
        return {}

    def get_faults(self, _given: Any, _query: str) -> Any:
        return self._front.faults.told()

    def post_faults(self, given: Any, _query: str) -> Any:
        self._front.faults.add(given)
        return {}

    def delete_faults(self, _given: Any, _query: str) -> Any:
        self._front.faults.clear()
        return {}

    def post_world(self, given: Any, _query: str) -> Any:
        return world.make(given, self._front.healing)

    def delete_world(self, _given: Any, _query: str) -> Any:
        """Restores the state of a new stand-in."""
        front = self._front
        front.healing.reset()
        front.run_command.clear()
        front.fault_injection.clear()
        front.machines.clear()
        cloud.reset()
        front.faults.clear()
        front.policy.set(None, [])
        front.forget_calls()
        return {}

    def post_policy(self, given: Any, _query: str) -> Any:
        self._front.policy.set(given["policy"], given.get("except", []))
        return {}

    def post_member(self, given: Any, _query: str) -> Any:
        of_instance = ("instance", "spot", "root_device")
        changes = {name: value for name, value in given.items() if name not in of_instance}
        if "root_device" in given and not cloud.set_root_device(given["instance"], given["root_device"]):
            raise ValueError(f"instance: there is no {given['instance']}")
        if "spot" in given and not cloud.set_spot(given["instance"], given["spot"]):
            raise ValueError(f"instance: there is no {given['instance']}")
        if changes and not cloud.set_member(given["instance"], changes):
            raise ValueError(f"instance: {given['instance']} is in no group")
        return {}

    def post_healing(self, given: Any, _query: str) -> Any:
        milliseconds = given["milliseconds"]
        self._front.healing.delay = None if milliseconds is None else float(milliseconds) / 1000
        return {}

    def post_ssm(self, given: Any, _query: str) -> Any:
        unknown = set(given) - {"instance", "ping", "delivery_scale"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        if "delivery_scale" in given:
            self._front.run_command.delivery_scale = float(given["delivery_scale"])
        if "instance" in given:
            self._front.run_command.set_ping(given["instance"], given["ping"])
        return {}

    def post_fis(self, given: Any, _query: str) -> Any:
        unknown = set(given) - {"scale", "fail"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        if "scale" in given:
            self._front.fault_injection.scale = float(given["scale"])
        if "fail" in given:
            self._front.fault_injection.set_failure(given["fail"])
        return {}

    def get_machines(self, _given: Any, _query: str) -> Any:
        return [machine.describe() for machine in self._front.machines.all()]

    def post_machines(self, given: Any, _query: str) -> Any:
        """Starts an instance before its first script, so that its directory and namespace are known."""
        region = given.get("region", "us-east-1")
        found = cloud.instances(cloud.ACCOUNT, region).get(given["instance"])
        if found is None or cloud.state_code(found) != cloud.RUNNING:
            raise ValueError(f"instance: {given['instance']} does not run in {region}")
        machine = self._front.machines.of(found, region)
        machine.up()
        return machine.describe()

    def get_network(self, _given: Any, _query: str) -> Any:
        """The addresses that instances can reach, if they have a network of their own."""
        if not self._front.machines.namespaces:
            return None
        named = {"endpoint": ENDPOINT, "peer": PEER, "metadata": METADATA}
        return {name: f"{address}:{port}" for name, (address, port) in named.items()}

    def get_notifications(self, _given: Any, _query: str) -> Any:
        return {"published": notifications.published(), "mailed": notifications.mailed()}

    def post_notifications(self, given: Any, _query: str) -> Any:
        """Makes a topic or verifies a sender, or both."""
        unknown = set(given) - {"region", "topic", "sender"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        if "sender" in given:
            notifications.verify_sender(given["region"], given["sender"])
        return {"topic": notifications.make_topic(given["region"], given["topic"]) if "topic" in given else None}
