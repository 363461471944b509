"""Makes groups of instances quickly. The same description makes the same groups."""

import time
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends

from cloud import ACCOUNT, Healing, seed

TEMPLATE = "stand-in"
IMAGE = "ami-0123456789abcdef0"


@dataclass
class Groups:
    """`count` equal groups, named `name`, or `name-0000` and so on if there are several."""

    name: str
    region: str = "us-east-1"
    count: int = 1
    size: int = 1
    min: int = 0
    max: int | None = None
    zones: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    protected: bool = False

    @classmethod
    def parse(cls, value: Any) -> "Groups":
        unknown = set(value) - {entry.name for entry in fields(cls)}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        return cls(**value)

    def names(self) -> list[str]:
        return [self.name] if self.count == 1 else [f"{self.name}-{index:04}" for index in range(self.count)]


def make(description: dict[str, Any], healing: Healing) -> dict[str, Any]:
    """Adds groups with their instances, spread evenly over the zones, and returns them."""
    begun = time.monotonic()
    all_groups = [Groups.parse(value) for value in description["groups"]]
    regions = list(dict.fromkeys(groups.region for groups in all_groups))
    for region in regions:
        if region not in ec2_backends[ACCOUNT]:
            raise ValueError(f"region: AWS has no {region!r}")
        # The resources that moto makes at the first call for a region must not use the seed.
        _ = ec2_backends[ACCOUNT][region], autoscaling_backends[ACCOUNT][region]
    seed(int(description.get("seed", 0)))
    made: list[dict[str, Any]] = []
    for region in regions:
        ec2 = ec2_backends[ACCOUNT][region]
        if TEMPLATE not in ec2.launch_template_name_to_ids:
            ec2.create_launch_template(TEMPLATE, "", {"ImageId": IMAGE, "InstanceType": "t3.micro"}, {})
        # For each new instance, moto goes through all instances to give it a disk, and through all disks to
        # tag that one: here it is among the newest, and gets no tag.
        ec2.get_instance = partial(_newest, ec2)  # type: ignore[method-assign]
        ec2.describe_volumes = _no_volumes  # type: ignore[assignment,method-assign]
        try:
            for groups in all_groups:
                if groups.region == region:
                    made += [_group(groups, name, healing) for name in groups.names()]
        finally:
            del ec2.get_instance, ec2.describe_volumes
    return {"groups": made, "seconds": round(time.monotonic() - begun, 3)}


def _group(groups: Groups, name: str, healing: Healing) -> dict[str, Any]:
    zones = groups.zones or [groups.region + letter for letter in "ab"]
    group = autoscaling_backends[ACCOUNT][groups.region].create_auto_scaling_group(
        name=name,
        availability_zones=zones,
        desired_capacity=0,
        min_size=groups.min,
        max_size=groups.size * 2 if groups.max is None else groups.max,
        launch_config_name="",
        launch_template={"launch_template_name": TEMPLATE, "LaunchTemplateName": TEMPLATE},
        vpc_zone_identifier="",
        default_cooldown=None,
        health_check_period=300,
        health_check_type="EC2",
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=[],
        tags=[_tag(name, key, value) for key, value in groups.tags.items()],
        new_instances_protected_from_scale_in=groups.protected,
    )
    for index, zone in enumerate(zones):
        share = groups.size // len(zones) + (index < groups.size % len(zones))
        # moto draws a zone for all that it launches at once.
        group.availability_zones = [zone]
        if share:
            healing.launch(group, share, group.get_propagated_tags())
    group.availability_zones = zones
    group.desired_capacity = groups.size
    members = [{"id": state.instance_id, "zone": state.availability_zone} for state in group.instance_states]
    return {"region": groups.region, "name": name, "instances": members}


def _tag(group: str, key: str, value: str) -> dict[str, Any]:
    named = {"ResourceId": group, "ResourceType": "auto-scaling-group"}
    return named | {"Key": key, "Value": value, "PropagateAtLaunch": True}


def _no_volumes(**_chosen: Any) -> list[Any]:
    return []


def _newest(ec2: Any, instance: str) -> Any:
    for reservation in reversed(ec2.reservations.values()):
        for one in reservation.instances:
            if one.id == instance:
                return one
    raise KeyError(instance)
