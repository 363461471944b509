"""The state of moto, read and changed in process."""

import random
import threading
import time
from dataclasses import dataclass
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.ec2.models import ec2_backends
from moto.iam.models import get_account_id_from
from moto.moto_api._internal import mock_random

from call import Call

ACCOUNT = "123456789012"
RUNNING = 16
TERMINATED = (32, 48)
# The calls that need an existing instance.
OF_THE_LIVING = ("StopInstances", "StartInstances", "RebootInstances")


def account_of(access_key: str) -> str:
    return str(get_account_id_from(access_key))


def has_region(name: str) -> bool:
    return name in ec2_backends[ACCOUNT]


def interface(call: Call, name: str) -> Any:
    """A network interface; None if it does not exist."""
    backend = _ec2(call)
    return backend.enis.get(name) if backend else None


def security_group(call: Call, name: str) -> Any:
    """A security group by its id; None if it does not exist."""
    backend = _ec2(call)
    return backend.get_security_group_from_id(name) if backend else None


def _ec2(call: Call) -> Any:
    backends = ec2_backends[account_of(call.access_key)]
    return backends[call.region] if call.region in backends else None


def instances(account: str, region: str) -> dict[str, Any]:
    """Every instance of a region."""
    backends = ec2_backends[account]
    if region not in backends:
        return {}
    reservations = list(backends[region].reservations.values())
    return {instance.id: instance for reservation in reservations for instance in list(reservation.instances)}


def instance_ids(call: Call) -> list[str]:
    """The instances that a call of EC2 names."""
    return [value for name, value in call.parameters.items() if name.startswith("InstanceId.")]


def state_code(instance: Any) -> int:
    return int(instance.state_code)


def seed(value: int) -> None:
    """After this, the same calls give the same ids."""
    mock_random.seed(value)
    random.seed(value)


def reset() -> None:
    BackendDict.reset()
    reset_model_data()


def set_member(instance: str, changes: dict[str, Any]) -> bool:
    """Changes the group's data about a member, such as `lifecycle_state`, which no API of moto can.

    A member with a weight makes its group count in weights. The desired capacity becomes the present one.
    """
    for backend in list(autoscaling_backends[ACCOUNT].values()):
        for group in list(backend.autoscaling_groups.values()):
            for state in group.instance_states:
                if state.instance.id == instance:
                    for name, value in changes.items():
                        if name != "weighted_capacity" and not hasattr(state, name):
                            raise ValueError(f"{name}: a member has no such property")
                        setattr(state, name, value)
                    if "weighted_capacity" in changes:
                        weights = (getattr(one, "weighted_capacity", "1") for one in group.instance_states)
                        group.desired_capacity = sum(map(int, weights))
                    return True
    return False


@dataclass
class SpotRequest:
    """The request of a spot instance, with the fields of `DescribeSpotInstanceRequests`."""

    spot_instance_request_id: str
    instance_id: str
    status: dict[str, str]

    @property
    def id(self) -> str:
        return self.spot_instance_request_id

    def get_filter_value(self, name: str, _method: str | None = None) -> str:
        """moto's own filters lack `status-code`."""
        if name != "status-code":
            raise ValueError(f"{name} is no filter here")
        return self.status["Code"]


def set_spot(instance: str, status: str) -> bool:
    """Makes an instance a spot instance, whose request has this status, such as `marked-for-termination`."""
    for region, backend in list(ec2_backends[ACCOUNT].items()):
        if found := instances(ACCOUNT, region).get(instance):
            found.lifecycle = "spot"
            name = f"sir-{instance.removeprefix('i-')[:8]}"
            requests: dict[str, Any] = backend.spot_instance_requests
            requests[name] = SpotRequest(name, instance, {"Code": status})
            return True
    return False


def set_root_device(instance: str, kind: str) -> bool:
    """Sets the root device of an instance: `ebs` or `instance-store`."""
    for region in list(ec2_backends[ACCOUNT]):
        if found := instances(ACCOUNT, region).get(instance):
            found.root_device_type = kind
            return True
    return False


class Healing:
    """The time until groups replace missing members, which moto does before it answers. None is never."""

    def __init__(self) -> None:
        self.delay: float | None = 0.0
        # `reset` and the end drop the replacements that are still due.
        self.generation = 0
        launch = FakeAutoScalingGroup.replace_autoscaling_group_instances

        def launch_later(group: Any, count: int, tags: dict[str, str]) -> None:
            if self.delay == 0.0:
                launch(group, count, tags)
            elif self.delay is not None:
                generation = self.generation
                threading.Thread(target=later, args=(self.delay, generation, group), daemon=True).start()

        def later(delay: float, generation: int, group: Any) -> None:
            time.sleep(delay)
            missing = (group.desired_capacity or 0) - len(group.active_instances())
            if generation == self.generation and missing > 0:
                launch(group, missing, group.get_propagated_tags())

        self.launch = launch
        groups: Any = FakeAutoScalingGroup
        groups.replace_autoscaling_group_instances = launch_later

    def reset(self) -> None:
        self.delay = 0.0
        self.generation += 1


def unknown_group(call: Call) -> str | None:
    """The first security group among the parameters of a call that does not exist."""
    backend = ec2_backends[account_of(call.access_key)][call.region]
    named = (value for name, value in call.parameters.items() if name.startswith("SecurityGroupId."))
    return next((group for group in named if not backend.get_security_group_from_id(group)), None)
