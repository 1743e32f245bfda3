"""One replay: recorded events in some order, through transform, with vendors that answer its commands.

`python -m tests.replay.run SHUFFLE [EVENTS]` prints what came out as one line of JSON: digests, counts, and what each
canonical record says.
"""

import heapq
import json
import sys
from collections.abc import Iterator
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
from connectors.kafka.records import Command, ConnectionChanged
from connectors.kafka.topics import CANONICAL, COMMAND, INBOX
from streams.agents.transform import Transform
from streams.runtime.layers import Layer
from streams.runtime.types import Output, Record
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.recording.company import IDENTITY, TENANT
from tests.recording.file import read
from tests.recording.story import SNAPSHOT, Told
from tests.replay.facts import facts
from tests.replay.vendors import LATE, Vendors, WaitsError, record_of

RULES = "rules: [{name: web, when: order.lead_source == 'Web', then: {discount_percent: '10'}}]"
READ_IN_ORDER = frozenset({"stripe"})
TWICE, PATIENCE = 0.02, 200
MOST_RECORDS = 200_000


class Nothing:
    """A state without rows."""

    def get(self, _key: bytes) -> bytes | None:
        """Return nothing."""
        return None

    def scan(self, _prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield nothing."""
        return iter(())


def shuffled(told: list[Told], shuffle: int) -> list[Told]:
    """Return recorded events in another order, some of them twice; 0 is the order in which they were read.

    Sources, webhooks and fetches race, so any order may come, older versions after newer ones too. Two things stay: of
    two states with the same version the true one comes last, nobody could tell them apart otherwise; and the states of
    one object of Stripe come in order, since all its reads are one after the other.
    """
    events = [event for event in told if event[1].object != SNAPSHOT]
    if shuffle == 0:
        return events
    dice = Random(shuffle)  # noqa: S311  repeatable
    events += dice.sample(events, int(len(events) * TWICE))
    dice.shuffle(events)
    place = {id(event): number for number, event in enumerate(told)}
    same: dict[tuple[str, str, str, str], list[int]] = {}
    for number, (vendor, raw) in enumerate(events):
        version = "" if vendor in READ_IN_ORDER else raw.version
        same.setdefault((vendor, raw.object, raw.remote_id, version), []).append(number)
    for numbers in same.values():
        ordered = sorted((events[number] for number in numbers), key=lambda event: place[id(event)])
        for number, event in zip(numbers, ordered, strict=True):
            events[number] = event
    return events


@dataclass
class Replay:
    """The inbox as it fills, what transform makes of it, and the vendors it talks to.

    Attributes:
        state: every row.
        latest: of every canonical record, by entity and id, as it was last produced.
    """

    vendors: Vendors
    dice: Random
    state: Layer = field(default_factory=lambda: Layer(Nothing()))
    latest: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    _waiting: list[tuple[int, int, Value | Command]] = field(default_factory=list)
    _outputs: Any = field(default_factory=sha256)
    _count: int = 0

    def __post_init__(self) -> None:
        self._codec = Codec(LocalIds())
        templates = Templates.load(Path(connectors.__file__).parent)
        self._transform = Transform(Pipeline(self._codec, templates), self._codec, 1)

    def run(self, events: list[Told]) -> None:
        """Take in the events one after the other, and what comes back in between and afterwards."""
        accounts = dict.fromkeys(IDENTITY, "1")
        self._take(ConnectionChanged(TENANT, 1, accounts, "America/New_York", "USD", {}, RULES))
        for vendor, raw in events:
            self._take(record_of(vendor, raw, LATE))
            self._come_back(self.taken)
        while self._waiting:
            self._come_back(self._waiting[0][0])

    def _come_back(self, now: int) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            value = heapq.heappop(self._waiting)[2]
            if isinstance(value, Command):
                self._ask(value)
            else:
                self._take(value)

    def _ask(self, command: Command) -> None:
        try:
            values = self.vendors.answer(command)
        except WaitsError:
            self._later(command, PATIENCE)
            return
        for value in values:
            self._later(value, 1)

    def _later(self, value: Value | Command, least: int) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (self.taken + least + self.dice.randrange(50), self._count, value))

    def _take(self, value: Value) -> None:
        self.taken += 1
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
        entity = _ENTITIES.get(output.topic)
        if entity is not None and output.value is not None:
            fields = self._codec.decode(output.value)[1]
            self.latest[entity, fields["id"]] = fields

    def digests(self) -> tuple[str, str]:
        """Return the digests of all outputs, in order, and of all rows."""
        rows = sha256()
        for key in sorted(self.state.rows):
            rows.update(key + b"=" + (self.state.rows[key] or b""))
        return self._outputs.hexdigest(), rows.hexdigest()


_ENTITIES = {topic.name: entity for entity, topic in CANONICAL.items()}


def replay(shuffle: int, most: int | None = None) -> Replay:
    """Return a finished replay, of the first `most` events only."""
    told = list(read())[:most]
    found = Replay(Vendors.of(told), Random(shuffle))  # noqa: S311  repeatable
    found.run(shuffled(told, shuffle))
    return found


if __name__ == "__main__":
    done = replay(*map(int, sys.argv[1:]))
    outputs, rows = done.digests()
    answer = {"outputs": outputs, "rows": rows, "taken": done.taken, "failed": done.failed}
    answer["zone"] = str(datetime(2026, 7, 1, tzinfo=UTC).astimezone().utcoffset())
    answer["facts"] = facts(done.latest, done.vendors.created)
    print(json.dumps(answer))  # noqa: T201  the answer
