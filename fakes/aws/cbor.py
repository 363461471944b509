"""The documents of a service whose calls are in CBOR, with times as seconds since 1970."""

from datetime import datetime
from typing import Any

# Of RFC 8949, for a time in seconds since 1970.
TIME = 1


def read(body: bytes) -> dict[str, Any]:
    """The parameters of a call; none if they are not a document."""
    # Loaded with the first call that needs it, as moto loads its services.
    import cbor2

    try:
        value = cbor2.loads(body) if body else {}
    except cbor2.CBORDecodeError:
        return {}
    plain = _plain(value)
    return plain if isinstance(plain, dict) else {}


def written(value: Any) -> bytes:
    import cbor2

    return bytes(cbor2.dumps(value))


def time(seconds: float) -> Any:
    import cbor2

    return cbor2.CBORTag(TIME, float(seconds))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
