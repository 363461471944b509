"""The call of AWS in an HTTP request: the service, the API action, the region."""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.session
from botocore.exceptions import UnknownServiceError

import cbor

# Services of REST style whose name differs from the one in signatures.
REST_NAMES = {"ses": "sesv2"}
# Services whose name in policies differs from the one in signatures.
NAMES = {"monitoring": "cloudwatch"}
SCOPE = re.compile(r"Credential=([^/,]+)/\d{8}/([^/,]+)/([^/,]+)/aws4_request")
# botocore's loader is shared and not safe for threads.
MODELS = threading.Lock()


@dataclass
class Call:
    """One API call. `protocol` is "ec2", "query", "json", "rest-json" or "cbor": the five shapes of an error."""

    service: str
    action: str
    region: str
    protocol: str
    access_key: str
    parameters: dict[str, Any]
    page: int = 1
    # The parts of the record that are filled in on the way.
    number: int = 0
    at: float = field(default_factory=time.time)
    status: int | None = None
    fault: list[str] = field(default_factory=list)
    # The permissions that a policy must allow for it.
    permissions: list[str] = field(default_factory=list)
    moto_seconds: float = 0.0
    # The number of pieces of its answer, before any is cut off.
    pieces: int = 0
    cut_before_piece: int | None = None

    @property
    def is_dry(self) -> bool:
        """Whether it only checks permissions."""
        return str(self.parameters.get("DryRun", "")).lower() == "true"

    @property
    def token(self) -> str | None:
        """The token that requests a further page."""
        return self.parameters.get("NextToken") or self.parameters.get("nextToken")

    def record(self, with_parameters: bool) -> dict[str, Any]:
        left_out = {"protocol", "access_key"} | ({"parameters"} if not with_parameters else set())
        told = {name: value for name, value in vars(self).items() if name not in left_out}
        return told | {"dry_run": self.is_dry}


@lru_cache
def rest_actions(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and action of every call of a service of REST style."""
    try:
        model = botocore.session.get_session().get_service_model(REST_NAMES.get(service, service))
    except UnknownServiceError:
        return []
    actions = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = urlsplit(http["requestUri"]).path
        pieces = re.split(r"(\{[^}]+\})", path)
        pattern = "".join(
            ("(.+)" if piece.endswith("+}") else "([^/]+)") if piece.startswith("{") else re.escape(piece)
            for piece in pieces
        )
        actions.append((http["method"], re.compile(pattern + "/?"), name))
    # Fixed paths first: `/a/b` before `/a/{x}`.
    return sorted(actions, key=lambda action: action[1].groups)


def parse(environ: dict[str, Any], body: bytes) -> Call | None:
    """The call that a request makes; None if it is not a call of an AWS API, as for moto's own pages."""
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if not scope:
        return None
    access_key, region, service = scope.groups()
    service = NAMES.get(service.lower(), service.lower())

    def call(action: str, protocol: str, parameters: dict[str, Any]) -> Call:
        return Call(service, action, region, protocol, access_key, parameters)

    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        return call(environ.get("PATH_INFO", "").rpartition("/")[2], "cbor", cbor.read(body))
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return call(target.rpartition(".")[2], "json", _object(body))
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        query |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if "Action" in query:
        return call(query["Action"], "ec2" if service == "ec2" else "query", query)
    with MODELS:
        actions = rest_actions(service)
    for method, path, name in actions:
        matched = method == environ["REQUEST_METHOD"] and path.fullmatch(environ.get("PATH_INFO", ""))
        if matched:
            return call(name, "rest-json", {"path": list(matched.groups())} | query | _object(body))
    return call(f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}", "rest-json", query)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
