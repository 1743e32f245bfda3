"""What identity would make of recorded events, without any write: a state in memory, and a count at the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import ConnectorError, DecodeError, MappingError
from connectors.kafka.records import (
    ConnectionChanged,
    Decision,
    Entity,
    Request,
    ReviewItem,
    Tick,
    VendorRecord,
    VendorResult,
)
from connectors.kafka.topics import CANONICAL, REVIEW
from streams.stages import parties
from streams.stages.pipeline import Pipeline

Value = VendorRecord | VendorResult | ConnectionChanged | Request | Decision | Tick
PARTY = "party/"


class MemoryState:
    """Rows in a dictionary; what a failed record wrote can be taken back."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._undo: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        return self._rows.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set a row, or remove it with None."""
        self._undo.setdefault(key, self._rows.get(key))
        self._set(key, value)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key starts with `prefix`, in key order."""
        return iter(sorted((key, value) for key, value in self._rows.items() if key.startswith(prefix)))

    def settle(self, *, keep: bool) -> None:
        """Keep what was written since the last time, or take it back."""
        if not keep:
            for key, value in self._undo.items():
                self._set(key, value)
        self._undo.clear()

    def _set(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the records of parties of one type of one vendor.

    Attributes:
        linked: they share their party with another record.
        ambiguous: their party may be another; a person would be asked.
        new: a party of their own.
    """

    linked: int = 0
    ambiguous: int = 0
    new: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        tallies: by `vendor/object`.
        questions: what a person would be asked of who is who.
        failed: how often which reason kept a record out.
    """

    tallies: Mapping[str, Tally]
    questions: Sequence[ReviewItem]
    failed: Mapping[str, int]


class Rehearsal:
    """Feeds recorded events of one tenant to the stages and keeps only what they would say of parties."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._state = MemoryState()
        self._parties: dict[str, Entity] = {}
        self._questions: dict[str, ReviewItem] = {}
        self._failed: Counter[str] = Counter()
        self._taken = 0

    def take(self, value: Value) -> None:
        """Take in one event; one that fails counts, and leaves nothing."""
        self._taken += 1
        try:
            emits = self._pipeline.process(value, self._state, f"rehearsal/0/{self._taken}")
        except (ConnectorError, MappingError, DecodeError) as error:
            self._failed[str(error)] += 1
            self._state.settle(keep=False)
            return
        self._state.settle(keep=True)
        for emit in emits:
            if emit.topic is CANONICAL["party"]:
                self._parties.pop(emit.key, None)
                if isinstance(emit.value, Mapping):
                    self._parties[emit.key] = dict(emit.value)
            elif emit.topic is REVIEW and isinstance(emit.value, ReviewItem):
                self._questions[emit.value.id] = emit.value

    def report(self) -> Report:
        """Return what became of the events so far."""
        questions = [item for item in self._questions.values() if item.open and item.kind == parties.KIND]
        doubtful = {item.object_key.removeprefix(PARTY) for item in questions}
        found: dict[str, Counter[str]] = {}
        for party in self._parties.values():
            if party["merged_into"] is not None:
                continue
            band = "linked" if len(party["refs"]) > 1 else "ambiguous" if party["id"] in doubtful else "new"
            for ref in party["refs"]:
                found.setdefault(f"{ref['vendor']}/{ref['object']}", Counter())[band] += 1
        tallies = {name: Tally(**counts) for name, counts in sorted(found.items())}
        return Report(tallies, questions, dict(self._failed.most_common()))
