"""Systems Manager's Run Command, as far as it runs scripts."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import cloud
from answers import ApiError
from call import Call
from machine import Machine, Machines
from script_run import Order, Reach, ScriptRun

DOCUMENT = "AWS-RunShellScript"
PLUGIN = "aws:runShellScript"
# The default size of a page, so small that a client that reads only one page is noticed early.
PAGE = 10
KNOWN = ["Online", "ConnectionLost", "Inactive"]


class RunCommand(Reach):
    """Answers calls that moto lacks. `delivery_scale` shortens `TimeoutSeconds`, whose minimum is 30."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._lock = threading.Lock()
        self._runs: dict[str, list[ScriptRun]] = {}
        self._ping: dict[str, str | None] = {}
        self.delivery_scale = 1.0
        self.actions = {
            "DescribeInstanceInformation": self.describe_instance_information,
            "SendCommand": self.send_command,
            "GetCommandInvocation": self.get_command_invocation,
            "ListCommandInvocations": self.list_command_invocations,
            "ListCommands": self.list_commands,
            "CancelCommand": self.cancel_command,
        }

    def set_ping(self, instance: str, status: str | None) -> None:
        """Sets the ping status of an instance while it runs. None means that it was never registered."""
        if status not in [*KNOWN, None]:
            raise ValueError(f"ping: expected one of {', '.join(KNOWN)} or null, got {status!r}")
        with self._lock:
            self._ping[instance] = status

    def clear(self) -> None:
        with self._lock:
            for runs in self._runs.values():
                for run in runs:
                    run.cancel()
            self._runs.clear()
            self._ping.clear()
            self.delivery_scale = 1.0

    def reachable(self, machine: Machine) -> bool:
        if machine.state_code != cloud.RUNNING:
            return False
        return self._ping.get(machine.instance, "Online") == "Online" and machine.reaches_endpoint()

    def describe_instance_information(self, call: Call) -> dict[str, Any]:
        wanted: set[str] | None = None
        pings: set[str] | None = None
        for entry in call.parameters.get("InstanceInformationFilterList", []):
            wanted, pings = _narrow(entry["key"], entry["valueSet"], wanted, pings)
        for entry in call.parameters.get("Filters", []):
            wanted, pings = _narrow(entry["Key"], entry["Values"], wanted, pings)
        all_ids = sorted(self._registered(call))
        asked = [instance for instance in all_ids if wanted is None or instance in wanted]
        # The check of an instance that is cut off takes a second.
        with ThreadPoolExecutor(16) as pool:
            told = [
                {
                    "InstanceId": instance,
                    "PingStatus": ping,
                    "LastPingDateTime": call.at,
                    "AgentVersion": "3.3.2299.0",
                    "IsLatestVersion": True,
                    "PlatformType": "Linux",
                    "PlatformName": "Amazon Linux",
                    "PlatformVersion": "2023",
                    "ResourceType": "EC2Instance",
                }
                for instance, ping in zip(asked, pool.map(self._told, asked), strict=True)
                if pings is None or ping in pings
            ]
        return _page(call, "InstanceInformationList", told, 5, 50)

    def send_command(self, call: Call) -> dict[str, Any]:
        given = call.parameters
        if given.get("DocumentName") != DOCUMENT:
            raise ApiError(
                "InvalidDocument", f"Document with name {given.get('DocumentName')} does not exist."
            )
        parameters: dict[str, list[str]] = given.get("Parameters", {})
        if not parameters.get("commands") or set(parameters) - {
            "commands",
            "workingDirectory",
            "executionTimeout",
        }:
            raise ApiError("InvalidParameters", "The parameters of AWS-RunShellScript are not these.")
        timeout = given.get("TimeoutSeconds", 3600)
        if not 30 <= timeout <= 2_592_000:
            raise ApiError("ValidationException", "TimeoutSeconds: must be between 30 and 2592000")
        execution = (parameters.get("executionTimeout") or ["3600"])[0]
        if not execution.isdigit() or not 1 <= int(execution) <= 172_800:
            raise ApiError("InvalidParameters", "executionTimeout: must be between 1 and 172800")
        registered = self._registered(call)
        instances = given.get("InstanceIds", []) + self._targets(call, registered)
        if not instances or len(given.get("InstanceIds", [])) > 50 or not set(instances) <= set(registered):
            message = f"Instances {instances} not in a valid state for account {cloud.ACCOUNT}"
            raise ApiError("InvalidInstanceId", message)
        order = Order(
            document=DOCUMENT,
            comment=given.get("Comment", ""),
            commands=parameters["commands"],
            working_directory=(parameters.get("workingDirectory") or [""])[0],
            execution_timeout=float(execution),
            delivery_timeout=timeout * self.delivery_scale,
            region=call.region,
            instances=instances,
            timeout_seconds=timeout,
            parameters=parameters,
        )
        with self._lock:
            machines = [self._machines.of(registered[instance], call.region) for instance in instances]
            self._runs[order.id] = [ScriptRun(order, machine, self) for machine in machines]
        return {"Command": self._command(order.id)}

    def get_command_invocation(self, call: Call) -> dict[str, Any]:
        given = call.parameters
        for run in self._runs.get(given.get("CommandId", ""), []):
            if run.machine.instance == given.get("InstanceId") and run.order.region == call.region:
                return {
                    "CommandId": run.order.id,
                    "InstanceId": run.machine.instance,
                    "Comment": run.order.comment,
                    "DocumentName": DOCUMENT,
                    "DocumentVersion": "$DEFAULT",
                    "PluginName": PLUGIN,
                    "Status": run.status,
                    "StatusDetails": run.details,
                    "ResponseCode": run.code,
                    "StandardOutputContent": run.stdout,
                    "StandardErrorContent": run.stderr,
                    "StandardOutputUrl": "",
                    "StandardErrorUrl": "",
                    "ExecutionStartDateTime": _time(run.begun),
                    "ExecutionEndDateTime": _time(run.ended),
                    "ExecutionElapsedTime": _elapsed(run),
                }
        raise ApiError("InvocationDoesNotExist", "")

    def list_command_invocations(self, call: Call) -> dict[str, Any]:
        listed = []
        for run in self._listed(call):
            entry: dict[str, Any] = {
                "CommandId": run.order.id,
                "InstanceId": run.machine.instance,
                "Comment": run.order.comment,
                "DocumentName": DOCUMENT,
                "RequestedDateTime": run.order.requested.timestamp(),
                "Status": run.status,
                "StatusDetails": run.details,
            }
            if call.parameters.get("Details"):
                plugin = {"Name": PLUGIN, "Status": run.status, "StatusDetails": run.details}
                entry["CommandPlugins"] = [plugin | {"ResponseCode": run.code, "Output": run.stdout[:2500]}]
            listed.append(entry)
        return _page(call, "CommandInvocations", listed, 1, 50)

    def list_commands(self, call: Call) -> dict[str, Any]:
        ids = dict.fromkeys(run.order.id for run in self._listed(call))
        return _page(call, "Commands", [self._command(command) for command in ids], 1, 50)

    def cancel_command(self, call: Call) -> dict[str, Any]:
        command, instances = call.parameters.get("CommandId", ""), call.parameters.get("InstanceIds")
        if command not in self._runs:
            raise ApiError("InvalidCommandId", "")
        for run in self._runs[command]:
            if not instances or run.machine.instance in instances:
                run.cancel()
        return {}

    def _registered(self, call: Call) -> dict[str, Any]:
        """The instances of a region that Systems Manager knows: by default, those that run."""
        known = cloud.instances(cloud.account_of(call.access_key), call.region)
        return {
            instance: value
            for instance, value in known.items()
            if cloud.state_code(value) not in cloud.TERMINATED
            and self._ping.get(instance, "Online") is not None
            and (
                cloud.state_code(value) == cloud.RUNNING
                or instance in self._ping
                or self._machines.get(instance)
            )
        }

    def _told(self, instance: str) -> str:
        said = self._ping.get(instance, "Online")
        machine = self._machines.get(instance)
        if said == "Online" and machine and not self.reachable(machine):
            return "ConnectionLost"
        return str(said)

    def _targets(self, call: Call, registered: dict[str, Any]) -> list[str]:
        chosen: list[str] = []
        for target in call.parameters.get("Targets", []):
            key, values = target["Key"], target["Values"]
            if key == "InstanceIds":
                chosen += values
            elif key.startswith("tag:"):
                for instance, value in registered.items():
                    tags = {tag["key"]: tag["value"] for tag in value.get_tags()}
                    if tags.get(key[4:]) in values:
                        chosen.append(instance)
            else:
                raise ApiError("InvalidTarget", f"{key} is no target here")
        return chosen

    def _listed(self, call: Call) -> list[ScriptRun]:
        """The commands, the newest first."""
        command, instance = call.parameters.get("CommandId"), call.parameters.get("InstanceId")
        with self._lock:
            runs = [run for runs in reversed(self._runs.values()) for run in runs]
        return [
            run
            for run in runs
            if run.order.region == call.region
            and command in (None, run.order.id)
            and instance in (None, run.machine.instance)
        ]

    def _command(self, command: str) -> dict[str, Any]:
        runs = self._runs[command]
        order = runs[0].order
        over = [run for run in runs if run.over]
        status = "Pending" if all(run.status == "Pending" for run in runs) else "InProgress"
        if len(over) == len(runs):
            status = next((run.status for run in runs if run.status != "Success"), "Success")
        return {
            "CommandId": order.id,
            "DocumentName": DOCUMENT,
            "Comment": order.comment,
            "Parameters": order.parameters,
            "InstanceIds": order.instances,
            "RequestedDateTime": order.requested.timestamp(),
            "Status": status,
            "StatusDetails": status,
            "TimeoutSeconds": order.timeout_seconds,
            "TargetCount": len(runs),
            "CompletedCount": len(over),
            "ErrorCount": sum(run.status == "Failed" for run in over),
        }


def _narrow(
    key: str, values: list[str], wanted: set[str] | None, pings: set[str] | None
) -> tuple[set[str] | None, set[str] | None]:
    if key == "InstanceIds":
        if len(values) > 100:
            raise ApiError("InvalidInstanceInformationFilterValue", "at most 100 values")
        return set(values) if wanted is None else wanted & set(values), pings
    if key == "PingStatus":
        return wanted, set(values) if pings is None else pings & set(values)
    raise ApiError("InvalidFilterKey", f"{key} is no filter here")


def _page(call: Call, name: str, listed: list[dict[str, Any]], least: int, most: int) -> dict[str, Any]:
    size = call.parameters.get("MaxResults", PAGE)
    if not least <= size <= most:
        raise ApiError("ValidationException", f"MaxResults: must be between {least} and {most}")
    token = call.parameters.get("NextToken") or "0"
    if not token.isdigit():
        raise ApiError("InvalidNextToken", "The specified token isn't valid.")
    begin = int(token)
    page: dict[str, Any] = {name: listed[begin : begin + size]}
    return page | ({"NextToken": str(begin + size)} if begin + size < len(listed) else {})


def _time(at: datetime | None) -> str:
    return at.isoformat().replace("+00:00", "Z") if at else ""


def _elapsed(run: ScriptRun) -> str:
    return f"PT{(run.ended - run.begun).total_seconds():.3f}S" if run.begun and run.ended else ""
