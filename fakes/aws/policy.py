"""The permissions of the callers: a policy document, evaluated as by IAM, as far as those of docs/aws-iam.json need it.

The source of the resources and the additional actions of each call is the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import cloud
from call import Call


@dataclass
class Ask:
    """One action on one resource, which a policy allows or not."""

    action: str
    resource: str
    context: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Statement:
    actions: list[str]
    resources: list[str]
    conditions: dict[str, dict[str, list[str]]]

    @classmethod
    def parse(cls, value: dict[str, Any]) -> "Statement":
        """Raises ValueError for parts that are not understood: a condition that is not evaluated would seem to hold."""
        unknown = set(value) - {"Sid", "Effect", "Action", "Resource", "Condition"}
        if unknown or value["Effect"] != "Allow":
            raise ValueError(f"a statement that is not understood: {value}")
        statement = cls(
            _listed(value["Action"]),
            _listed(value["Resource"]),
            {
                operator: {key: _listed(wanted) for key, wanted in keys.items()}
                for operator, keys in value.get("Condition", {}).items()
            },
        )
        for action in statement.actions:
            if not re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", action):
                raise ValueError(f"an action that is not understood: {action}")
            if statement.resources != ["*"] and action not in RESOURCES and action not in NEEDED.values():
                raise ValueError(f"the resources of {action} are not known: add them in policy.py")
        for operator in statement.conditions:
            if operator not in OPERATORS:
                raise ValueError(f"a condition that is not understood: {operator}")
        return statement

    def allows(self, ask: Ask) -> bool:
        return (
            ask.action in self.actions
            and any(fnmatchcase(ask.resource, pattern) for pattern in self.resources)
            and all(
                OPERATORS[operator](ask.context.get(key), wanted)
                for operator, keys in self.conditions.items()
                for key, wanted in keys.items()
            )
        )


class Policy:
    """Allows everything until a policy is set."""

    def __init__(self) -> None:
        self._statements: list[Statement] | None = None
        self._excepted: set[str] = set()

    def set(self, document: dict[str, Any] | None, excepted: list[str]) -> None:
        """`excepted` are access keys that may do everything, and whose calls need no permission."""
        statements = None
        if document is not None:
            statements = [Statement.parse(value) for value in document["Statement"]]
        self._statements, self._excepted = statements, set(excepted)

    def refused(self, call: Call) -> Ask | None:
        """The first permission that a call needs and the policy does not allow. The record gets all needed ones."""
        asked = [] if call.access_key in self._excepted else asks(call)
        call.permissions = sorted({ask.action for ask in asked})
        if self._statements is None:
            return None
        for ask in asked:
            if not any(statement.allows(ask) for statement in self._statements):
                return ask
        return None


def asks(call: Call) -> list[Ask]:
    """The permissions that a call needs: its own action on each of its resources, and additional actions."""
    action = f"{call.service}:{call.action}"
    if action in FREE:
        return []
    resources = RESOURCES[action](call) if action in RESOURCES else {"*": {}}
    asked = [Ask(action, resource, context) for resource, context in resources.items()]
    if action in NEEDED and _request_tags(call):
        # On the resource that it tags, which is the first.
        tagged, context = next(iter(resources.items()))
        created = {"ec2:CreateAction": [call.action]} if call.service == "ec2" else {}
        asked.append(Ask(NEEDED[action], tagged, context | created))
    return asked


# The calls that no policy can deny.
FREE = {"sts:GetCallerIdentity"}

# The additional action of a call with tags.
NEEDED = {"ec2:CreateSecurityGroup": "ec2:CreateTags", "fis:StartExperiment": "fis:TagResource"}


def _instances(call: Call) -> dict[str, dict[str, list[str]]]:
    ids = cloud.instance_ids(call)
    return {_arn(call, "instance", instance): _tags_of_instance(call, instance) for instance in ids}


def _interface(call: Call) -> dict[str, dict[str, list[str]]]:
    """Of these, only the interface is certainly needed. A caller that may use all of them is safe."""
    interface = call.parameters.get("NetworkInterfaceId", "")
    resources: dict[str, dict[str, list[str]]] = {_arn(call, "network-interface", interface): {}}
    found = cloud.interface(call, interface)
    if found and found.instance:
        resources |= {_arn(call, "instance", found.instance.id): _tags_of_instance(call, found.instance.id)}
    if found:
        resources[_arn(call, "subnet", found.subnet.id)] = {}
    for name, value in call.parameters.items():
        if name.startswith("SecurityGroupId."):
            resources[_arn(call, "security-group", value)] = _tags_of_group(call, value)
    return resources


def _new_group(call: Call) -> dict[str, dict[str, list[str]]]:
    tags = _request_tags(call)
    context = {f"aws:RequestTag/{key}": [value] for key, value in tags.items()} | {"aws:TagKeys": list(tags)}
    return {
        _arn(call, "security-group", "*"): context,
        _arn(call, "vpc", call.parameters.get("VpcId", "")): {},
    }


def _group(call: Call) -> dict[str, dict[str, list[str]]]:
    group = call.parameters.get("GroupId", "")
    return {_arn(call, "security-group", group): _tags_of_group(call, group)}


def _command(call: Call) -> dict[str, dict[str, list[str]]]:
    document = f"arn:aws:ssm:{call.region}::document/{call.parameters.get('DocumentName')}"
    resources: dict[str, dict[str, list[str]]] = {document: {}}
    for instance in call.parameters.get("InstanceIds", []):
        tags = _tags_of_instance(call, instance)
        of_ssm = {key.replace("aws:ResourceTag/", "ssm:resourceTag/"): value for key, value in tags.items()}
        resources[_arn(call, "instance", instance)] = tags | of_ssm
    return resources


# Calls whose policies can name resources. All others need `*`.
RESOURCES: dict[str, Callable[[Call], dict[str, dict[str, list[str]]]]] = {
    "ec2:TerminateInstances": _instances,
    "ec2:StopInstances": _instances,
    "ec2:StartInstances": _instances,
    "ec2:RebootInstances": _instances,
    "ec2:ModifyNetworkInterfaceAttribute": _interface,
    "ec2:CreateSecurityGroup": _new_group,
    "ec2:DeleteSecurityGroup": _group,
    "ec2:RevokeSecurityGroupEgress": _group,
    "ec2:RevokeSecurityGroupIngress": _group,
    "ssm:SendCommand": _command,
}


def _arn(call: Call, kind: str, name: str) -> str:
    return f"arn:aws:ec2:{call.region}:{cloud.account_of(call.access_key)}:{kind}/{name}"


def _tags_of_instance(call: Call, instance: str) -> dict[str, list[str]]:
    found = cloud.instances(cloud.account_of(call.access_key), call.region).get(instance)
    return _resource_tags(found)


def _tags_of_group(call: Call, group: str) -> dict[str, list[str]]:
    return _resource_tags(cloud.security_group(call, group))


def _resource_tags(resource: Any) -> dict[str, list[str]]:
    tags = resource.get_tags() if resource else []
    return {f"aws:ResourceTag/{tag['key']}": [tag["value"]] for tag in tags}


def _request_tags(call: Call) -> dict[str, str]:
    """The tags in the `TagSpecification` of EC2, and in the `tags` of others."""
    tags = dict(call.parameters.get("tags") or {})
    for name, key in call.parameters.items():
        if re.fullmatch(r"TagSpecification\.\d+\.Tag\.\d+\.Key", name):
            tags[key] = call.parameters.get(name.removesuffix("Key") + "Value", "")
    return tags


def _equals(found: list[str] | None, wanted: list[str]) -> bool:
    return found is not None and found[0] in wanted


def _differs_ignoring_case(found: list[str] | None, wanted: list[str]) -> bool:
    """Also true if there is nothing to compare with, as for all operators with `Not`."""
    return not found or found[0].lower() not in [value.lower() for value in wanted]


def _like(found: list[str] | None, wanted: list[str]) -> bool:
    return found is not None and any(fnmatchcase(found[0], pattern) for pattern in wanted)


def _all_equal(found: list[str] | None, wanted: list[str]) -> bool:
    return all(value in wanted for value in found or [])


OPERATORS: dict[str, Callable[[list[str] | None, list[str]], bool]] = {
    "StringEquals": _equals,
    "StringLike": _like,
    "StringNotEqualsIgnoreCase": _differs_ignoring_case,
    "ForAllValues:StringEquals": _all_equal,
}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
