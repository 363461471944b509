"""CloudWatch, whose calls are in CBOR. moto answers the same calls in JSON."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import botocore.session
from moto.cloudwatch.models import cloudwatch_backends

import answers
import cbor
import cloud
from answers import Answer
from call import MODELS, Call

TARGET = "GraniteServiceVersion20100801"
# The lists of alarms in an answer, by the types that a call asks for.
LISTS = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms", "LogAlarm": "LogAlarms"}


def answer(call: Call, environ: dict[str, Any], forward: Callable[[dict[str, Any], bytes], Answer]) -> Answer:
    """`forward` passes a request on to moto."""
    before = _backend(call).alarms.get(call.parameters.get("AlarmName"))
    if call.action == "PutCompositeAlarm":
        _make_composite(call)
        value = {}
    else:
        told = forward(_in_json(call, environ), json.dumps(call.parameters).encode())
        value = json.loads(told.body or b"{}")
        if told.status >= 400:
            code = str(value.get("__type", "InternalFailure")).rpartition("#")[2]
            return answers.error(call, told.status, code, value.get("message") or value.get("Message") or "")
    if call.action in ("PutMetricAlarm", "PutCompositeAlarm"):
        # One that exists keeps its state, and a new one was never evaluated. In moto, both begin with `OK`.
        state = before.state_value if before else "INSUFFICIENT_DATA"
        _backend(call).set_alarm_state(call.parameters["AlarmName"], "Unchecked", None, state)
    if call.action == "DescribeAlarms":
        # moto tells alarms of all types.
        types = call.parameters.get("AlarmTypes") or ["MetricAlarm"]
        value |= {told: [] for kind, told in LISTS.items() if kind not in types}
    return answers.in_cbor(200, _typed(value, _shape(call.action)))


def _backend(call: Call) -> Any:
    return cloudwatch_backends[cloud.account_of(call.access_key)][call.region]


def _make_composite(call: Call) -> None:
    """moto knows composite alarms, but not the call that makes them."""
    left_out = ("namespace", "metric_name", "comparison_operator", "evaluation_periods", "period", "threshold")
    nothing: dict[str, Any] = dict.fromkeys((*left_out, "statistic", "description"))
    given = {"name": call.parameters["AlarmName"], "rule": call.parameters["AlarmRule"]}
    _backend(call).put_metric_alarm(**nothing, **given, dimensions=[], alarm_actions=[])


def _in_json(call: Call, environ: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in environ.items() if name != "HTTP_SMITHY_PROTOCOL"}
    target = {"HTTP_X_AMZ_TARGET": f"{TARGET}.{call.action}", "CONTENT_TYPE": "application/x-amz-json-1.0"}
    return kept | target | {"PATH_INFO": "/"}


@lru_cache
def _shape(action: str) -> Any:
    with MODELS:
        model = botocore.session.get_session().get_service_model("cloudwatch")
        return model.operation_model(action).output_shape


def _typed(value: Any, shape: Any) -> Any:
    """The value with the types that CBOR tells apart and JSON does not, without the fields that the API does not
    have."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        members = shape.members.items()
        return {name: _typed(value[name], member) for name, member in members if value.get(name) is not None}
    if shape.type_name == "list":
        return [_typed(inner, shape.member) for inner in value]
    if shape.type_name == "timestamp":
        return cbor.time(value)
    return float(value) if shape.type_name == "double" else value
