"""Calls Microsoft's SDK for each line of JSON on standard input, and answers with one line.

A call is {"endpoint", "subscription", "token", "client": "compute" | "network" | "monitor" | "chaos" | "graph",
"operation": "virtual_machines.begin_power_off", "arguments": {...}, "authority"?: {"tenant", "client_id", "secret"}}.
Bodies are in the form of the REST API; the models of the SDK decide which fields are sent.

An answer is {"result": ...} in the form of the REST API, with {"unknown": [...]}, the fields of the replies that no
model of the SDK knows; or {"error": {"status", "code", "message"}}.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.paging import ItemPaged
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.polling import LROPoller
from azure.mgmt.chaos import ChaosManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient

# The time-out of an operation.
SECONDS = 10
CLIENTS = {
    "compute": ComputeManagementClient,
    "monitor": MonitorManagementClient,
    "network": NetworkManagementClient,
    "chaos": ChaosManagementClient,
    # It belongs to a tenant.
    "graph": lambda token, _subscription, **options: ResourceGraphClient(token, **options),
}


class Token(SansIOHTTPPolicy):
    """Adds the token, which the SDK itself sends over TLS only."""

    def __init__(self, token: str) -> None:
        self._token = token

    def on_request(self, request: Any) -> None:
        request.http_request.headers["Authorization"] = f"Bearer {self._token}"

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, 2**31)


class Replies(SansIOHTTPPolicy):
    """Keeps the raw answers of the server."""

    def __init__(self) -> None:
        self._responses: list[Any] = []

    def on_response(self, _request: Any, response: Any) -> None:
        self._responses.append(response.http_response)

    def bodies(self) -> list[Any]:
        """Call this after the SDK has read them: it may want a stream of its own."""
        texts = [response.text() for response in self._responses]
        return [json.loads(text) for text in texts if text]


def call(asked: dict[str, Any]) -> dict[str, Any]:
    token, replies = Token(asked["token"]), Replies()
    with CLIENTS[asked["client"]](
        token,
        asked["subscription"],
        base_url=asked["endpoint"],
        authentication_policy=token,
        per_retry_policies=[replies],
        retry_total=0,
        polling_interval=0,
    ) as client:
        target: Any = client
        for name in asked["operation"].split("."):
            target = getattr(target, name)
        try:
            made = target(**asked["arguments"])
            if isinstance(made, LROPoller):
                poller = made
                made = poller.result(timeout=SECONDS)
                if not poller.done():
                    message = f"the operation is {poller.status()} after {SECONDS} seconds"
                    return {"error": {"status": None, "code": "StillRunning", "message": message}}
            if isinstance(made, ItemPaged):
                models = list(made)
                raw = [entry for page in replies.bodies() for entry in page["value"]]
                unknown = {path for model, entry in zip(models, raw) for path in lost(entry, plain(model))}
                return {"result": [plain(model) for model in models], "unknown": sorted(unknown)}
        except HttpResponseError as error:
            code = error.error.code if error.error else None
            return {"error": {"status": error.status_code, "code": code, "message": error.message}}
        except AzureError as error:
            return {"error": {"status": None, "code": type(error).__name__, "message": str(error)}}
    result = plain(made)
    unknown = sorted(lost(replies.bodies()[-1], result)) if result is not None else []
    return {"result": result, "unknown": unknown}


def plain(model: Any) -> Any:
    """The model in the form of the REST API."""
    return model.serialize(keep_readonly=True) if hasattr(model, "serialize") else None


def lost(raw: Any, known: Any, path: str = "") -> Iterator[str]:
    """The fields of `raw` that `known` lacks."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            if value is None:
                continue
            if not isinstance(known, dict) or key not in known:
                yield f"{path}/{key}"
            else:
                yield from lost(value, known[key], f"{path}/{key}")
    elif isinstance(raw, list) and isinstance(known, list):
        for one, other in zip(raw, known):
            yield from lost(one, other, f"{path}/*")


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(call(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
