"""Which of the candidates is it: one verdict in three bands."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from streams.stages.matching.score import Score, compare
from streams.stages.matching.traits import Traits
from streams.stages.matching.weights import LINK, REVIEW

SHOWN = 5
"""So many candidates a person is asked about at most."""


class Band(Enum):
    """What is to be done."""

    LINK = "link"
    REVIEW = "review"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A party that it may be, by the likest of its records."""

    party: str
    score: Score


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the matcher says.

    Attributes:
        band: what is to be done.
        candidates: parties that it may be, the likest first; the first is meant where the band is `LINK`.
        shared: somebody else at another company has the same mailbox or number: not linked for that.
    """

    band: Band
    candidates: Sequence[Candidate] = ()
    shared: bool = False


def judge(mine: Traits, others: Iterable[tuple[str, Traits]], party_of: Callable[[str], str | None]) -> Verdict:
    """Score a record against the candidates and say what is to be done.

    A record goes to the likest party from `LINK` on, unless its names forbid it, or a mailbox or number of it belongs
    to a third. Equal scores: the party whose record comes first in `others`.

    Args:
        mine: the record.
        others: names and traits of the records that share a key with it, in a fixed order.
        party_of: returns the party that a record belongs to now; None: none any more.
    """
    best: dict[str, Score] = {}
    third: list[str] = []
    for name, traits in others:
        score = compare(mine, traits)
        likely = score.total >= REVIEW and not score.contradicted
        if not likely and not score.shared:
            continue
        party = party_of(name)
        if party is None:
            continue
        if score.shared:
            third.append(party)
        if likely and (party not in best or _order(score) > _order(best[party])):
            best[party] = score
    ranked = sorted(best.items(), key=lambda item: _order(item[1]), reverse=True)
    candidates = [Candidate(party, score) for party, score in ranked[:SHOWN]]
    if not candidates:
        return Verdict(Band.NEW)
    first = candidates[0]
    if not _sure(first.score):
        return Verdict(Band.REVIEW, candidates)
    shared = any(party != first.party for party in third)
    return Verdict(Band.REVIEW if shared else Band.LINK, candidates, shared)


def _sure(score: Score) -> bool:
    return score.total >= LINK and score.names_agree


def _order(score: Score) -> tuple[bool, float]:
    return _sure(score), score.total
