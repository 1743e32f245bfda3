"""Questions to a person, whatever they are about: how they are told on `review.v1`, and what may be answered."""

from collections.abc import Sequence

from connectors.errors import MappingError
from connectors.kafka.records import Decision, ReviewItem
from connectors.kafka.topics import REVIEW
from streams.stages.work import Emit, Work


def tell(
    work: Work, review: str, kind: str, about: str, reason: str, candidates: Sequence[str] = (), *, still: bool = True
) -> None:
    """Put a question, or close it.

    Args:
        work: the unit of work.
        review: id of the question.
        kind: which sort of question.
        about: what it is about, entity and id.
        reason: what is asked, or why it is closed.
        candidates: what there is to choose from, JSON each.
        still: it is open.
    """
    item = ReviewItem(work.tenant, review, work.at, kind, about, reason, list(candidates), still)
    work.emits.append(Emit(REVIEW, work.tenant, item.SCHEMA, item))


def is_accepted(decision: Decision) -> bool:
    """Tell whether a question that is answered with yes or no was answered with yes.

    Raises:
        MappingError: the verdict is neither.
    """
    if decision.verdict not in ("accept", "reject"):
        raise MappingError("verdict", f"{decision.verdict!r} is not one of accept, reject")
    return decision.verdict == "accept"
