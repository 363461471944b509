"""Trouble on request: the calls that it affects, and its effects on them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

import answers
from answers import Answer
from call import Call

ANSWERS: dict[str, Callable[[Call], Answer]] = {
    "throttle": answers.throttle,
    "http_500": answers.internal,
    "access_denied": answers.access_denied,
    "expired_token": answers.expired_token,
}
KINDS = [*ANSWERS, "error", "delay", "cut_before", "cut_after", "cut_short", "web_page", "empty", "twice", "endless"]


@dataclass
class Fault:
    """Affects the `nth` call that matches and the `count - 1` after it; 0 means all."""

    do: str
    action: str = "*"
    service: str = "*"
    region: str = "*"
    page: int | None = None
    # Whether a fault that names an action also affects dry runs of it. Patterns always affect them.
    dry_run: bool = False
    nth: int = 1
    count: int = 1
    milliseconds: int = 0
    code: str = "InternalFailure"
    message: str = "on request"
    # The default is 400 for `error`, and 200 for `web_page` and `empty`.
    status: int | None = None
    # The pieces of an answer before which `cut_short` cuts: the first answer before the first of them, and so on. All
    # other answers are not cut.
    places: list[int] = field(default_factory=lambda: [0])
    # Or the number of twentieths that are left of each answer.
    twentieths: int | None = None
    # The time in a refusal before the next attempt, in seconds.
    retry_after: int | None = None
    # The number of calls that matched, and of those that were affected.
    matched: int = 0
    met: int = 0

    @classmethod
    def parse(cls, value: Any) -> "Fault":
        """Raises ValueError if the value is not a fault: a typing error must not go unnoticed."""
        if not isinstance(value, dict) or value.get("do") not in KINDS:
            raise ValueError(f"do: expected one of {', '.join(KINDS)} in {value}")
        unknown = set(value) - {entry.name for entry in fields(cls)} | set(value) & {"matched", "met"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        for name in ("page", "nth", "count", "milliseconds", "status", "retry_after", "twentieths"):
            if not isinstance(value.get(name, 1), int):
                raise ValueError(f"{name}: expected a whole number, got {value[name]!r}")
        if not all(isinstance(place, int) for place in value.get("places", [])):
            raise ValueError(f"places: expected whole numbers, got {value['places']!r}")
        return cls(**value)

    def meets(self, call: Call) -> bool:
        if not (
            fnmatchcase(call.action, self.action)
            and fnmatchcase(call.service, self.service)
            and fnmatchcase(call.region, self.region)
            and self.page in (None, call.page)
            and (self.dry_run or not call.is_dry or self.action != call.action)
        ):
            return False
        self.matched += 1
        hit = self.nth <= self.matched and (self.count == 0 or self.matched < self.nth + self.count)
        self.met += hit
        if hit and self.do == "cut_short" and self.twentieths is None:
            call.cut_before_piece = next(iter(self.places[self.met - 1 :]), None)
        return hit

    def answer(self, call: Call) -> Answer | None:
        """The answer instead of AWS's; None if the call is left alone or the connection is cut."""
        if self.do == "error":
            made = answers.error(call, self.status or 400, self.code, self.message)
        elif self.do in ("web_page", "empty"):
            made = answers.of_a_proxy(self.status or 200, self.do == "web_page")
        elif self.do in ANSWERS:
            made = ANSWERS[self.do](call)
        else:
            return None
        if self.retry_after is not None:
            made.headers.append(("Retry-After", str(self.retry_after)))
        return made


class Faults:
    """The faults in force, the oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, value: Any) -> None:
        added = [Fault.parse(one) for one in (value if isinstance(value, list) else [value])]
        with self._lock:
            self._faults += added

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def told(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(vars(fault)) for fault in self._faults]

    def of(self, call: Call) -> list[Fault]:
        """The faults that affect this call. Call this once for each call, because it counts."""
        with self._lock:
            return [fault for fault in self._faults if fault.meets(call)]
