"""Records through resolve and merge in their order, as the pipeline does it, and which pairs were found."""

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import ReviewItem
from streams.stages import parties
from streams.stages.mapping import Templates
from streams.stages.rules import parse_rules
from streams.stages.settings import Settings
from streams.stages.tables import Rows
from streams.stages.work import Work
from tests.bench.identity.data import Sample

AT = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = Settings("bench", frozenset(), "UTC", "USD", Templates([]), parse_rules(""))


class Memory:
    """Rows in a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        return self.rows.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set a row."""
        self.rows[key] = value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return nothing: identity needs no scans."""
        raise NotImplementedError(prefix)


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a set of records.

    Attributes:
        precision, recall: of pairs: two records in one party against two records of one true entity, by whichever
            third record they came together.
        reviews: records that a person is asked about.
        right: share of the questions whose first candidate is the true one.
    """

    precision: float
    recall: float
    reviews: int
    right: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def found(samples: Sequence[Sample]) -> Found:
    """Take in all records, each on the state that the former left, and compare with the truth."""
    rows = Rows(SETTINGS.tenant, Memory(), Codec(LocalIds()))
    of: list[str] = []
    truths: dict[str, set[str]] = {}
    answers: list[bool] = []
    for sample in samples:
        work = Work(rows, SETTINGS, AT, "bench")
        party = parties.settle(work, sample.draft, work.apply(sample.draft, ""))
        work.flush()
        answers += [sample.truth in truths[asked] for asked in _asked(work)]
        of.append(party)
        truths.setdefault(party, set()).add(sample.truth)
    true = [sample.truth for sample in samples]
    both = _pairs(zip(true, of, strict=True))
    right = sum(answers) / len(answers) if answers else 0.0
    return Found(both / max(1, _pairs(of)), both / max(1, _pairs(true)), len(answers), right)


def _asked(work: Work) -> Iterator[str]:
    """Yield the first candidate of each question."""
    for emit in work.emits:
        if isinstance(emit.value, ReviewItem):
            candidate: dict[str, Any] = json.loads(emit.value.candidates[0])
            yield candidate["party"]


def _pairs(groups: Iterable[Hashable]) -> int:
    return sum(size * (size - 1) // 2 for size in Counter(groups).values())
