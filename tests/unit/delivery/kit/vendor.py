"""A vendor in memory: keeps objects, answers by script, and measures what it was asked."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from connectors.errors import (
    ConnectorError,
    DuplicateError,
    InDoubtError,
    NotSentError,
    QuotaError,
    RejectedError,
    RetryableError,
    StaleError,
    UnauthorizedError,
)
from connectors.pacing import turn
from connectors.ports import Call, Outcome, Raw, RemoteRef
from tests.unit.delivery.kit.shard import Point, no_point
from tests.unit.delivery.kit.virtual import VirtualClock

T = TypeVar("T")
Script = Callable[[int, Call], str]


@dataclass
class Stored:
    """An object at the vendor."""

    id: str
    object: str
    object_key: str
    body: dict[str, Any]
    token: int = 0
    ended: bool = False
    visible_at: float = 0.0

    @property
    def ref(self) -> RemoteRef:
        """Where it is."""
        return RemoteRef(self.id, str(self.token))


def always_ok(number: int, call: Call) -> str:
    """Answer every call as asked."""
    _ = number, call
    return "ok"


@dataclass
class FakeVendor:
    """Objects, request ids and a meter.

    Attributes:
        script: what happens to the n-th write: ok, commit_then_reset, commit_late, reset, throttle, not_sent, reject,
            stale, unauthorized, quota or surprise.
        remembers: repeats of a request id are answered with the first answer.
        latency: of every call, seconds.
        read_lag: a created object is found only so much later.
        refused: ids whose fetch is refused, with all that are asked for beside them.
        requests_per_find: a look-up may need several.
        named: field with the name that no two objects of a type may have; a look-up finds by it as well.
    """

    script: Script = always_ok
    remembers: bool = True
    latency: float = 0.1
    read_lag: float = 0.0
    objects: dict[str, Stored] = field(default_factory=dict)
    arrivals: list[float] = field(default_factory=list)
    writes: list[Call] = field(default_factory=list)
    finds: list[Call] = field(default_factory=list)
    fetched: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    looked_up: list[tuple[str, str]] = field(default_factory=list)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    requests_per_find: int = 1
    named: str = ""
    in_flight: Counter[str] = field(default_factory=Counter)
    most_in_flight: int = 0
    overlaps: list[str] = field(default_factory=list)
    _answers: dict[str, Outcome] = field(default_factory=dict)
    _keyed: dict[str, list[Stored]] = field(default_factory=dict)
    _background: set["asyncio.Task[Any]"] = field(default_factory=set)

    def of(self, object_type: str) -> list[Stored]:
        """Return the living objects of a type."""
        return [each for each in self.objects.values() if each.object == object_type and not each.ended]

    def arrive(self, key: str) -> None:
        """Count a call that reaches the vendor."""
        self.arrivals.append(_time())
        if self.in_flight[key]:
            self.overlaps.append(key)
        self.in_flight[key] += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight.total())

    async def write(self, call: Call) -> Outcome:
        """Deal with one write as the script says."""
        fault = self.script(len(self.writes), call)
        self.writes.append(call)
        if fault == "not_sent":
            raise NotSentError("connection refused")
        self.arrive(call.object_key)
        done = call.object_key
        try:
            await asyncio.sleep(self.latency)
            if fault == "commit_late":
                self._later(call)
                done = ""
            return self._answer(fault, call)
        finally:
            if done:
                self.in_flight[done] -= 1

    def _later(self, call: Call) -> None:
        async def carry_out() -> None:
            await asyncio.sleep(1.0)
            self._carry_out(call)
            self.in_flight[call.object_key] -= 1

        self.spawn(carry_out())

    def _answer(self, fault: str, call: Call) -> Outcome:
        match fault:
            case "ok" | "commit_then_reset":
                outcome = self._carry_out(call)
                if fault == "ok":
                    return outcome
                raise InDoubtError("connection reset")
            case "reset" | "commit_late":
                raise InDoubtError("connection reset")
            case "throttle":
                raise RetryableError("slow down", code="3001", retry_after=1.0)
            case "reject":
                raise RejectedError("the amount is wrong", code="6000")
            case "stale":
                raise StaleError("someone else changed it", code="5010")
            case "unauthorized":
                raise UnauthorizedError("token expired", code="3200")
            case "quota":
                raise QuotaError("daily limit", until=VirtualClock().now() + timedelta(hours=1))
            case _:
                raise KeyError(fault)

    def _carry_out(self, call: Call) -> Outcome:
        # Another object or token is another content, which connectors tell their vendors by another id.
        repeat = f"{call.request_id} {call.remote}"
        if self.remembers and repeat in self._answers:
            return self._answers[repeat]
        outcome = self._answers[repeat] = self._change(call)
        return outcome

    def _change(self, call: Call) -> Outcome:
        if call.remote is None:
            return self._create(call)
        known = self.objects.get(call.remote.id)
        if known is None:
            return Outcome(error=RejectedError("no such object", code="610"))
        if str(known.token) != call.remote.sync_token:
            return Outcome(error=StaleError("stale", code="5010"))
        known.token += 1
        known.ended = known.ended or call.operation != "put"
        known.body = dict(call.body) or known.body
        return Outcome(known.ref, b'{"Id":"%s"}' % known.id.encode(), version=f"v{known.token}")

    def _create(self, call: Call) -> Outcome:
        if self._namesakes(call, self.named or "name"):
            return Outcome(error=DuplicateError("name taken", code="6240"))
        made = Stored(str(len(self.objects) + 1), call.object, call.object_key, dict(call.body))
        made.visible_at = _time() + self.read_lag
        self.objects[made.id] = made
        self._keyed.setdefault(made.object_key, []).append(made)
        return Outcome(made.ref, b'{"Id":"%s"}' % made.id.encode(), version="v0")

    async def read(self, key: str) -> None:
        """Take the time of a call that changes nothing; it goes on even if the client dies."""
        await asyncio.shield(self.spawn(self._read(f"{key} {len(self.arrivals)}")))

    async def _read(self, key: str) -> None:
        self.arrive(key)
        await asyncio.sleep(self.latency)
        self.in_flight[key] -= 1

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Begin something that goes on even if the client dies."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def find(self, call: Call) -> Outcome | None:
        """Look for an object by id, or by our reference and its name."""
        by_id = [self.objects[call.remote.id]] if call.remote and call.remote.id in self.objects else []
        ours = [*self._keyed.get(call.object_key, []), *self._namesakes(call, self.named)]
        for each in by_id if call.remote else ours:
            if not each.ended and each.visible_at <= _time():
                return Outcome(each.ref, version=f"v{each.token}")
        return None

    def _namesakes(self, call: Call, field_name: str) -> list[Stored]:
        name = call.body.get(field_name)
        return [each for each in self.of(call.object) if name and each.body.get(field_name) == name]


class Answer:
    """What a client sees of a vendor; `point` is where its process may be killed."""

    def __init__(self, vendor: FakeVendor, point: Point = no_point, max_batch: int = 1) -> None:
        self.name = "acme"
        self.max_batch = max_batch
        self._vendor = vendor
        self._point = point

    async def write(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        """Send the calls; the vendor goes on even if the client dies."""
        await self._point("before write")
        tasks = [self._vendor.spawn(self._vendor.write(call)) for call in calls]
        await asyncio.wait(tasks)
        await self._point("after write")
        return [_outcome(task) for task in tasks]

    async def find(self, call: Call) -> Outcome | None:
        """Ask for an object."""
        await self._point("before find")
        self._vendor.finds.append(call)
        for _ in range(self._vendor.requests_per_find):
            await turn()
            await self._vendor.read(f"find {call.object_key}")
        await self._point("after find")
        return self._vendor.find(call)

    async def lookup(self, object_type: str, name: str) -> str | None:
        """Ask for an id by name."""
        self._vendor.looked_up.append((object_type, name))
        return self._vendor.names.get((object_type, name))

    async def fetch(self, object_type: str, ids: Sequence[str]) -> Sequence[Raw]:
        """Read objects."""
        await self._point("before fetch")
        self._vendor.fetched.append((object_type, tuple(ids)))
        await self._vendor.read(f"fetch {object_type}")
        await self._point("after fetch")
        if self._vendor.refused & set(ids):
            raise RejectedError("no such id", code="2030")
        return [Raw(object_type, each, self._vendor.versions.get(each, "1"), b"{}") for each in ids]


def _outcome(task: "asyncio.Task[Outcome]") -> Outcome:
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, ConnectorError):
        return replace(Outcome(), error=error)
    raise error


def _time() -> float:
    return asyncio.get_running_loop().time()


def most_within(arrivals: Sequence[float], seconds: float) -> int:
    """Return the most calls in any span of `seconds`."""
    most, start = 0, 0
    for index, at in enumerate(arrivals):
        while arrivals[start] <= at - seconds:
            start += 1
        most = max(most, index - start + 1)
    return most
