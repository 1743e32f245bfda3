"""One replay: recorded events in some order, through transform, with vendors that answer its commands.

`python -m tests.replay.run SHUFFLE [EVENTS]` prints what came out as one line of JSON: digests, counts, and what each
canonical record says.
"""

import heapq
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import connectors
from connectors.errors import ConnectorError
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.codec import Record as Value
from connectors.kafka.records import Command, ConnectionChanged, Request, ReviewItem, Tick, VendorRecord, VendorResult
from connectors.kafka.topics import CANONICAL, COMMAND, INBOX, REVIEW
from streams.agents.transform import Transform
from streams.runtime.layers import Layer
from streams.runtime.types import Output, Record
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.recording.company import IDENTITY, TENANT, ZONE
from tests.recording.file import read
from tests.recording.story import SNAPSHOT, Told
from tests.replay import people
from tests.replay.facts import facts
from tests.replay.references import astray
from tests.replay.vendors import HEARD, LATE, GoneError, Key, Vendors, WaitsError, record_of

RULES = """rules:
  - {name: web, when: order.lead_source == 'Web', then: {discount_percent: '10'}}
  - {name: big, when: order.total > 1200.0, then: {hold: true}}
"""
READ_IN_ORDER = frozenset({"stripe"})
FLAGS = ("deleted", "undeleted", "merged_into", "hint")
TWICE, PATIENCE, TRIES = 0.02, 200, 200
TOLD, ANSWERED = 50, 40
"""Within how many records what happened is told, and a write is answered: which of the two comes first is open."""
MOST_RECORDS = 200_000
Event = VendorRecord | Request | Tick
"""What comes into the inbox without our asking."""


class Nothing:
    """A state without rows."""

    def get(self, _key: bytes) -> bytes | None:
        """Return nothing."""
        return None

    def scan(self, _prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield nothing."""
        return iter(())


def happened(told: Sequence[Told]) -> list[Event]:
    """Return what was recorded, and between it what callers ask for and the beginnings of days."""
    events: list[Event] = [record_of(vendor, raw, HEARD) for vendor, raw in told if raw.object != SNAPSHOT]
    ours: list[Event] = [*people.requests(told), *people.midnights()]
    step = len(events) // len(ours)
    for number, event in enumerate(ours):
        events.insert((number + 1) * (step + 1) - 1, event)
    return events


def shuffled(events: Sequence[Event], shuffle: int) -> list[Event]:
    """Return events in another order, some of them twice; 0 is the order in which they happened.

    Sources, webhooks and fetches race, so any order may come, older versions after newer ones too. Some things stay: of
    two states with the same version the true one comes last, nobody could tell them apart otherwise; the states of one
    object of Stripe come in order, since all its reads are one after the other, and so do requests under one key.
    """
    if shuffle == 0:
        return list(events)
    dice = Random(shuffle)  # noqa: S311  repeatable
    places = list(range(len(events)))
    places += dice.sample(places, int(len(places) * TWICE))
    dice.shuffle(places)
    same: dict[tuple[str, ...], list[int]] = {}
    for number, place in enumerate(places):
        same.setdefault(_together(events[place]), []).append(number)
    for numbers in same.values():
        for number, place in zip(numbers, sorted(places[number] for number in numbers), strict=True):
            places[number] = place
    return [events[place] for place in places]


def _together(event: Event) -> tuple[str, ...]:
    """Return what events have in common that keep their order among each other."""
    if isinstance(event, Request):
        return "", event.key
    if isinstance(event, Tick):
        return "", event.on.isoformat()
    version = "" if event.vendor in READ_IN_ORDER else event.source_version
    return event.vendor, event.object, event.remote_id, version


@dataclass
class Replay:
    """The inbox as it fills, what transform makes of it, and the vendors it talks to.

    Attributes:
        state: every row.
        latest: of every canonical record, by entity and id, as it was last produced.
        held: which vendors' objects each has ever been.
        kinds: how many records of which kind were taken in.
    """

    vendors: Vendors
    dice: Random
    state: Layer = field(default_factory=lambda: Layer(Nothing()))
    latest: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    held: dict[str, set[Key]] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    _waited: dict[tuple[str, str, str, int], int] = field(default_factory=dict)
    _waiting: list[tuple[int, int, Value | Command | ReviewItem]] = field(default_factory=list)
    _outputs: Any = field(default_factory=sha256)
    _count: int = 0
    _answered: int = 0

    def __post_init__(self) -> None:
        self._codec = Codec(LocalIds())
        templates = Templates.load(Path(connectors.__file__).parent)
        self._transform = Transform(Pipeline(self._codec, templates), self._codec, 1)

    def run(self, events: Sequence[Event]) -> None:
        """Take in the events one after the other, and what comes back in between and afterwards."""
        accounts = dict.fromkeys(IDENTITY, "1")
        self._take(ConnectionChanged(TENANT, 1, accounts, ZONE, "USD", {}, RULES))
        self._take(people.midnights()[0])
        for event in events:
            self._take(event)
            self._come_back(self.taken)
        while self._waiting:
            self._come_back(self._waiting[0][0])

    def _come_back(self, now: int) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            value = heapq.heappop(self._waiting)[2]
            if isinstance(value, Command):
                self._ask(value)
            elif isinstance(value, ReviewItem):
                for decision in people.decisions(value, self.latest):
                    self._take(decision)
            else:
                self._take(value)

    def _ask(self, command: Command) -> None:
        try:
            values = self.vendors.answer(command)
        except GoneError:
            return
        except WaitsError:
            which = command.vendor, command.object_key, command.operation, command.version
            self._waited[which] = self._waited.get(which, 0) + 1
            if self._waited[which] < TRIES:
                self._later(command, PATIENCE)
            return
        for value in values:
            self._later(value, 1)

    def _later(self, value: Value | Command | ReviewItem, least: int) -> None:
        """Let something come back in a while: answers in the order of the writes, all else in any."""
        self._count += 1
        is_answer = isinstance(value, VendorResult)
        at = self.taken + least + self.dice.randrange(ANSWERED if is_answer else TOLD)
        if is_answer:
            at = self._answered = max(at, self._answered)
        heapq.heappush(self._waiting, (at, self._count, value))

    def _take(self, value: Value) -> None:
        self.taken += 1
        for kind in _kinds(value):
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if self.taken > MOST_RECORDS:
            raise AssertionError("it never ends")
        layer = Layer(self.state)
        encoded = self._codec.encode(INBOX, value)
        record = Record(INBOX.name, 0, self.taken, TENANT.encode(), encoded, (), int(LATE.timestamp() * 1000))
        try:
            outputs = self._transform(record, layer)
        except ConnectorError as error:
            self.failed[str(error)] = self.failed.get(str(error), 0) + 1
            self._outputs.update(str(error).encode())
            return
        layer.fold(self.state)
        for output in outputs:
            self._produced(output)

    def _produced(self, output: Output) -> None:
        self._outputs.update(repr((output.topic, output.partition, output.key, output.value, output.headers)).encode())
        if output.topic == COMMAND.name:
            self._later(self._codec.decode_as(output.value or b"", Command), 1)
        if output.topic == REVIEW.name:
            self._later(self._codec.decode_as(output.value or b"", ReviewItem), 1)
        entity = _ENTITIES.get(output.topic)
        if entity is not None and output.value is not None:
            fields = self._codec.decode(output.value)[1]
            self.latest[entity, fields["id"]] = fields
            refs = ((ref["vendor"], ref["object"], ref["id"]) for ref in fields["refs"])
            self.held.setdefault(fields["id"], set()).update(refs)

    def digests(self) -> tuple[str, str]:
        """Return the digests of all outputs, in order, and of all rows."""
        rows = sha256()
        for key in sorted(self.state.rows):
            rows.update(key + b"=" + (self.state.rows[key] or b""))
        return self._outputs.hexdigest(), rows.hexdigest()


def _kinds(value: Value) -> Iterator[str]:
    """Yield what a record counts as."""
    if isinstance(value, VendorRecord):
        yield from (f"{value.vendor} {name}" for name in FLAGS if getattr(value, name))
    else:
        yield f"{type(value).__name__} {getattr(value, 'verdict', '')}".strip()


_ENTITIES = {topic.name: entity for entity, topic in CANONICAL.items()}


def replay(shuffle: int, most: int | None = None) -> Replay:
    """Return a finished replay, of the first `most` events only."""
    told = list(read())[:most]
    found = Replay(Vendors.of(told), Random(shuffle))  # noqa: S311  repeatable
    found.run(shuffled(happened(told), shuffle))
    return found


if __name__ == "__main__":
    done = replay(*map(int, sys.argv[1:]))
    outputs, rows = done.digests()
    answer = {"outputs": outputs, "rows": rows, "taken": done.taken, "failed": done.failed}
    answer["kinds"] = done.kinds
    answer["zone"] = str(datetime(2026, 7, 1, tzinfo=UTC).astimezone().utcoffset())
    answer["astray"] = astray(done.latest, done.held)
    answer["facts"] = facts(done.latest, done.vendors.created)
    print(json.dumps(answer))  # noqa: T201  the answer
