"""Fields that wait for a person: two systems disagree, and the tenant wants to be asked.

What stands goes on standing. A question is put once per field and pair of values; it is closed unanswered when the
systems agree or one of them says something new. What was decided stands until then.
"""

from collections.abc import Sequence
from typing import Any
from uuid import uuid5

from msgspec.structs import replace

from connectors.kafka.records import Decision, Entity
from connectors.wire import dumps
from streams.stages import conflicts, reviews
from streams.stages.conflicts import FIELD, Source
from streams.stages.identity import NAMESPACE
from streams.stages.merge import value_of, with_value
from streams.stages.policies import HOLD
from streams.stages.rows import Dispute
from streams.stages.work import Work

DISPUTED = ("party", "product")
"""Entities that several systems speak of."""


def settle(work: Work) -> None:
    """Put the questions that follow from what this record changed, and close those that it answered."""
    for entity in DISPUTED:
        for before, now in work.touched(entity):
            if not (before and before[FIELD]) and not (now and now[FIELD]):
                continue
            asked = _reviews(before)
            asks = set[str]()
            if now is not None and now["merged_into"] is None:
                asks = _ask(work, entity, now) if _news(before, now) else asked
            for review in sorted(asked - asks):
                _close(work, review, "overtaken: the systems agree, or one says something new")


def _news(before: Entity | None, now: Entity) -> bool:
    if before is None:
        return bool(now[FIELD])
    return bool(now[FIELD] != before[FIELD] or before["merged_into"] != now["merged_into"])


def _reviews(record: Entity | None) -> set[str]:
    return {entry["review"] for entry in record[FIELD] if entry["review"]} if record is not None else set()


def _ask(work: Work, entity: str, record: Entity) -> set[str]:
    """Put the questions about a record that are new, and return which are open."""
    entries = [{**entry, "review": _question(work, entity, record, entry)} for entry in record[FIELD]]
    work.save(entity, {**record, FIELD: entries})
    return {entry["review"] for entry in entries if entry["review"]}


def _question(work: Work, entity: str, record: Entity, entry: dict[str, Any]) -> str | None:
    """Return the id of the open question about an entry, putting it if it is new."""
    if entry["policy"] != HOLD:
        return None
    field, refused = entry["field"], entry["refused"]
    stands = conflicts.written(value_of(record, field))
    pair = "\x1f".join((entity, record["id"], field, *sorted((stands, refused))))
    review = str(uuid5(NAMESPACE, f"{work.tenant}\x1fdispute\x1f{pair}"))
    known = work.rows.disputes.get(review)
    if known is not None:
        return review if known.open else None
    row = Dispute(entity, record["id"], field, refused, entry["refused_by"])
    work.rows.disputes.put(row, review)
    set_by = record["provenance"][field]
    choice = {"field": field, "stands": stands, "set_by": set_by, "refused": refused, "refused_by": row.refused_by}
    reason = f"{field}: {_vendor(set_by)} and {_vendor(row.refused_by)} disagree; should the other value stand?"
    _tell(work, review, row, reason, [dumps(choice).decode()], still=True)
    return review


def _vendor(said: str) -> str:
    return Source.parse(said).vendor


def decide(work: Work, decision: Decision) -> bool:
    """Do what a person decided about a field: the refused value stands, or the other goes on standing.

    Returns False if the decision is about something else.

    Raises:
        MappingError: the verdict is none that a field can have.
    """
    row = work.rows.disputes.get(decision.review) if decision.review else None
    if row is None:
        return False
    accepted = reviews.is_accepted(decision)
    record = work.get(row.entity, row.id)
    if row.open and record is not None:
        _answer(work, decision, row, record, accepted=accepted)
    return True


def _answer(work: Work, decision: Decision, row: Dispute, record: Entity, *, accepted: bool) -> None:
    work.rows.disputes.put(replace(row, open=False), decision.review)
    if accepted:
        source = Source.parse(row.refused_by)
        template = work.settings.templates.inbound(source.vendor, source.object)
        value = conflicts.typed(template, row.entity, row.field, row.refused)
        policy = work.settings.policies.of(row.entity, row.field)
        record = with_value(record, row.field, value, source, policy)
    entries = [{**entry, "review": None} if entry["review"] == decision.review else entry for entry in record[FIELD]]
    work.save(row.entity, {**record, FIELD: entries})
    _tell(work, decision.review, row, f"{decision.verdict}ed", still=False)


def _close(work: Work, review: str, reason: str) -> None:
    row = work.rows.disputes.get(review)
    if row is not None and row.open:
        work.rows.disputes.put(replace(row, open=False), review)
        _tell(work, review, row, reason, still=False)


def _tell(work: Work, review: str, row: Dispute, reason: str, candidates: Sequence[str] = (), *, still: bool) -> None:
    reviews.tell(work, review, "field", f"{row.entity}/{row.id}", reason, candidates, still=still)
