"""Failures on demand: which calls they hit, how often, and what they do."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from connectors.sandbox.errors import BadInputError

COMMON = frozenset({"kind", "method", "path", "account", "probability", "count", "seed"})
KINDS: Mapping[str, frozenset[str]] = {
    "status": frozenset({"status", "body"}),
    "throttle": frozenset(),
    "delay": frozenset({"seconds"}),
    "reset_before_commit": frozenset(),
    "commit_then_reset": frozenset(),
    "reset_then_commit": frozenset({"seconds"}),
    "slow_body": frozenset({"seconds"}),
    "malformed_body": frozenset(),
    "duplicate_webhook": frozenset(),
    "late_webhook": frozenset({"seconds"}),
    "lost_webhook": frozenset(),
    "forget_requestid": frozenset(),
    "ignore_requestid": frozenset(),
    "expire_tokens": frozenset(),
    "clock_skew": frozenset({"seconds"}),
    "gap_event": frozenset(),
    "event_overflow": frozenset(),
    "expire_replay_ids": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule; see README.md for each kind. `count` None means for ever, `path` is searched as a regex."""

    kind: str
    method: str | None = None
    path: str | None = None
    account: str | None = None
    probability: float = 1.0
    count: int | None = None
    seed: int = 0
    seconds: float = 0.0
    status: int = 500
    body: str = ""

    def matches(self, method: str, path: str, account: str | None) -> bool:
        """Tell whether a call is one this rule is about."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.account is None or self.account == account)
        )


@dataclass(slots=True)
class _Active:
    fault: Fault
    random: Random
    hits: int = 0

    def strikes(self) -> bool:
        if self.fault.count is not None and self.hits >= self.fault.count:
            return False
        if self.random.random() >= self.fault.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The active rules, asked in the order they were added. Kept in memory only."""

    def __init__(self) -> None:
        self._active: dict[int, _Active] = {}
        self._last = 0

    def add(self, fault: Fault) -> int:
        """Start a fault and return its id."""
        self._last += 1
        self._active[self._last] = _Active(fault, Random(fault.seed))  # noqa: S311 - repeatable on purpose
        return self._last

    def remove(self, id_: int | None = None) -> None:
        """Stop one fault, or all of them. Raises KeyError for an unknown id."""
        if id_ is None:
            self._active.clear()
        else:
            del self._active[id_]

    def take(self, kinds: str | frozenset[str], account: str | None, method: str = "", path: str = "") -> Fault | None:
        """The first fault of these kinds that strikes this call, counted as used; None if the call is spared."""
        wanted = frozenset({kinds}) if isinstance(kinds, str) else kinds
        for active in self._active.values():
            fault = active.fault
            if fault.kind in wanted and fault.matches(method, path, account) and active.strikes():
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """The rules with `id` and how often each struck (`hits`)."""
        return [{"id": id_, **asdict(active.fault), "hits": active.hits} for id_, active in self._active.items()]


def parse(body: Any) -> Fault:
    """Check a rule received as JSON. Raises BadInputError naming the field and what it must be."""
    if not isinstance(body, dict):
        raise BadInputError("a fault must be a JSON object")
    kind = body.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadInputError(f"kind: {kind!r} is unknown; known: {', '.join(sorted(KINDS))}")
    allowed = COMMON | KINDS[kind]
    for field in body:
        if field not in allowed:
            raise BadInputError(f"{field}: not a field of kind {kind!r}; known: {', '.join(sorted(allowed))}")
    values = {field: _checked(kind, field, value) for field, value in body.items() if value is not None}
    return Fault(**values)


def _checked(kind: str, field: str, value: Any) -> Any:
    match field:
        case "probability" | "seconds":
            number = _number(field, value)
            if (number < 0 and kind != "clock_skew") or (field == "probability" and number > 1):
                raise BadInputError(f"{field}: {number} is out of range")
            return number
        case "count" | "seed" | "status":
            if not isinstance(value, int) or isinstance(value, bool):
                raise BadInputError(f"{field}: must be a whole number, not {value!r}")
            return value
        case "path":
            return _pattern(value)
        case _:
            if not isinstance(value, str):
                raise BadInputError(f"{field}: must be text, not {value!r}")
            return value


def _number(field: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadInputError(f"{field}: must be a number, not {value!r}") from None


def _pattern(value: Any) -> str:
    try:
        re.compile(value)
    except (TypeError, re.error) as error:
        raise BadInputError(f"path: not a regular expression: {error}") from None
    return str(value)
