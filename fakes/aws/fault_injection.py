"""The Fault Injection Service: experiments that last, and whose actions on instances are carried out.

moto keeps templates and experiments and has each of them completed at once. Here a thread carries it through its
states. Actions other than those on instances last as long as they say and do nothing.
"""

import random
import re
import sys
import threading
import time
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends
from moto.fis.models import Experiment, fis_backends
from moto.moto_api import state_manager

import cloud
from call import Call

ISO_8601 = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
SELECTION = re.compile(r"(ALL|COUNT|PERCENT)(?:\((\d+)\))?")
# The service's own times, in seconds: until an experiment runs, and until it has undone its effects.
TO_BEGIN = 5
TO_UNDO = 5
DURATIONS = ("duration", "maxDuration", "startInstancesAfterDuration", "durationBeforeInterruption")


class Failed(Exception):
    """Ends an experiment, with the reason."""


class FaultInjection:
    """Follows the answers of moto. `scale` is the duration of a second."""

    def __init__(self) -> None:
        state_manager.set_transition("fis::experiment", {"progression": "manual", "times": sys.maxsize})
        self.clear()

    def clear(self) -> None:
        self.scale = 1.0
        self.failure: dict[str, str] | None = None
        self._known: set[str] = set()

    def set_failure(self, failure: dict[str, str] | None) -> None:
        """`{"reason", "when"}`: every experiment fails, `before` it runs or `while` it does."""
        if failure is not None and (set(failure) != {"reason", "when"} or failure["when"] not in ("before", "while")):
            raise ValueError(f"fail: expected a reason, and before or while, in {failure}")
        self.failure = failure

    def follow(self, call: Call) -> None:
        if call.service != "fis" or call.action != "StartExperiment":
            return
        account = cloud.account_of(call.access_key)
        for experiment in list(fis_backends[account][call.region].experiments.values()):
            if experiment.id not in self._known:
                self._known.add(experiment.id)
                run = Run(self, experiment)
                threading.Thread(target=run.carry_out, daemon=True).start()


class Run:
    """One experiment in progress."""

    def __init__(self, service: FaultInjection, experiment: Experiment) -> None:
        self._service = service
        self._experiment = experiment
        self._ec2 = ec2_backends[experiment.account_id][experiment.region_name]
        self._targets: dict[str, list[str]] = {}
        # The end of each action.
        self._ends: dict[str, float] = {}
        self._over: set[str] = set()

    def carry_out(self) -> None:
        experiment = self._experiment
        try:
            self._begin()
            while len(self._over) < len(experiment.actions):
                self._step()
            experiment.status = "completed"
        except Failed as failed:
            self._undo()
            reasons = {"failed": str(failed)}
            experiment.STATUS_REASONS = {**Experiment.STATUS_REASONS, **reasons}  # type: ignore[misc]
            experiment.status = "failed"
        except InterruptedError:
            self._undo()
            self._sleep(TO_UNDO)
            experiment.status = "stopped"

    def _begin(self) -> None:
        self._wait(TO_BEGIN / 2)
        self._experiment.status = "initiating"
        self._wait(TO_BEGIN / 2)
        self._fail_on_request("before")
        for name, target in self._experiment.targets.items():
            self._targets[name] = self._resolve(target)
            if not self._targets[name]:
                raise Failed(f"Target resolution returned empty set: {name}")
        self._experiment.status = "running"

    def _step(self) -> None:
        now = time.monotonic()
        for name, action in self._experiment.actions.items():
            waits_for = set(action.get("startAfter") or [])
            if name not in self._ends and waits_for <= self._over:
                self._ends[name] = now + self._duration(action) * self._service.scale
                self._do(action)
            elif name not in self._over and self._ends.get(name, now + 1) <= now:
                self._finish(name, action)
        self._wait(0.02 / self._service.scale)
        self._fail_on_request("while")

    def _do(self, action: dict[str, Any]) -> None:
        instances = self._instances(action)
        if action["actionId"] == "aws:ec2:stop-instances":
            self._ec2.stop_instances(instances)
        elif action["actionId"] == "aws:ec2:reboot-instances":
            self._ec2.reboot_instances(instances)
        elif action["actionId"] == "aws:ec2:terminate-instances":
            self._ec2.terminate_instances(instances)
            groups = autoscaling_backends[self._experiment.account_id][self._experiment.region_name]
            groups.notify_terminate_instances(instances)

    def _finish(self, name: str, action: dict[str, Any]) -> None:
        """Carries out an action, and plans its end."""
        self._over.add(name)
        if "startInstancesAfterDuration" in (action.get("parameters") or {}):
            known = cloud.instances(self._experiment.account_id, self._experiment.region_name)
            instances = [one for one in self._instances(action) if one in known]
            still_there = [one for one in instances if cloud.state_code(known[one]) not in cloud.TERMINATED]
            self._ec2.start_instances(still_there)

    def _undo(self) -> None:
        for name, action in self._experiment.actions.items():
            if name in self._ends and name not in self._over:
                self._finish(name, action)

    def _instances(self, action: dict[str, Any]) -> list[str]:
        return [one for target in (action.get("targets") or {}).values() for one in self._targets[target]]

    def _resolve(self, target: dict[str, Any]) -> list[str]:
        if target.get("resourceArns"):
            found = [arn.rpartition("/")[2] for arn in target["resourceArns"]]
        else:
            wanted = (target.get("resourceTags") or {}).items()
            known = cloud.instances(self._experiment.account_id, self._experiment.region_name)
            found = [
                one
                for one, instance in known.items()
                if cloud.state_code(instance) not in cloud.TERMINATED
                and wanted <= {tag["key"]: tag["value"] for tag in instance.get_tags()}.items()
            ]
        matched = SELECTION.fullmatch(target.get("selectionMode") or "ALL")
        if not matched:
            raise Failed(f"selectionMode: {target['selectionMode']}")
        kind, number = matched[1], int(matched[2] or 0)
        most = {"ALL": len(found), "COUNT": number, "PERCENT": len(found) * number // 100}[kind]
        return random.sample(found, min(most, len(found)))

    def _duration(self, action: dict[str, Any]) -> int:
        parameters = action.get("parameters") or {}
        told = [ISO_8601.fullmatch(parameters[name]) for name in DURATIONS if name in parameters]
        if None in told:
            raise Failed(f"parameters: {parameters}")
        parts = [[int(part or 0) for part in matched.groups()] for matched in told if matched]
        return max((hours * 3600 + minutes * 60 + seconds for hours, minutes, seconds in parts), default=0)

    def _fail_on_request(self, when: str) -> None:
        failure = self._service.failure
        if failure and failure["when"] == when:
            raise Failed(failure["reason"])

    def _wait(self, seconds: float) -> None:
        """Raises InterruptedError when the experiment is told to stop."""
        end = time.monotonic() + seconds * self._service.scale
        while True:
            if self._experiment.status == "stopping":
                raise InterruptedError
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.02))

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds * self._service.scale)
