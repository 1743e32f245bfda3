"""From the changes of one transaction to its change events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.sandbox.salesforce.changes import Author, Change, Stored
from connectors.sandbox.salesforce.fields import moment_of
from connectors.sandbox.salesforce.objects import Schema
from connectors.sandbox.salesforce.pubsub.bodies import Body, difference, milliseconds, whole
from connectors.sandbox.salesforce.pubsub.layout import Slot, slots
from connectors.sandbox.salesforce.pubsub.schemas import HEADER

# "Objects That Support Change Data Capture", of those served; line items are in none of the vendor's lists.
CAPTURED = (
    *("Account", "Contact", "Lead", "Opportunity", "OpportunityContactRole"),
    *("Campaign", "CampaignMember", "Product2", "Pricebook2", "PricebookEntry", "User"),
)
# Creating a price book entry tells no system fields ("Change Event Considerations").
_UNTOLD = {"PricebookEntry": ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById")}
# What an overflow event has in the place of ids.
_NO_ID = "000000000000000AAA"
_FIRST_COMMIT_NUMBER = 10_000_000_000_000_000
"""Above 2^53 as in real orgs, so that clients that read doubles are found out."""


@dataclass(slots=True)
class Event:
    """One change event before it is encoded: `values` by field, the header's own parts beside."""

    entity: str
    kind: str
    ids: list[str]
    body: Body

    def same_as(self, other: "Event") -> bool:
        """Whether both can be told in one event."""
        return (self.entity, self.kind, self.body) == (other.entity, other.kind, other.body)

    def emptied(self) -> "Event":
        """The gap event in its place: a header alone."""
        kind = self.kind if self.kind.startswith("GAP_") else f"GAP_{self.kind}"
        return Event(self.entity, kind, self.ids, Body())


def is_captured(entity: str) -> bool:
    """Whether the vendor can publish changes of an object: the listed ones and every custom one."""
    return entity in CAPTURED or entity.endswith("__c")


def events_of(schema: Schema, changes: Iterable[Change], most: int) -> list[Event]:
    """The events of one transaction, in order; of more than `most` changes the rest is an overflow per object."""
    events: list[Event] = []
    overflowed: dict[str, None] = {}
    layouts: dict[str, list[Slot]] = {}
    for number, change in enumerate(change for change in changes if is_captured(change.name)):
        if number >= most:
            overflowed[change.name] = None
            continue
        if change.name not in layouts:
            layouts[change.name] = slots(schema.addressed(change.name))
        event = _event(layouts[change.name], change)
        if event is not None and not (events and _merged(events[-1], event)):
            events.append(event)
    return events + [Event(name, "GAP_OVERFLOW", [_NO_ID], Body()) for name in overflowed]


def _merged(last: Event, event: Event) -> bool:
    """The same change of many records in one transaction is one event with all their ids."""
    if not last.same_as(event):
        return False
    last.ids += event.ids
    return True


def _event(layout: list[Slot], change: Change) -> Event | None:
    kind = _kind(change)
    if kind is None:
        return None
    record, before = change.record or Stored(), change.before or Stored()
    if kind == "UPDATE":
        return Event(change.name, kind, [change.id], difference(layout, before, record))
    body = whole(layout, record) if kind in {"CREATE", "UNDELETE"} else Body()
    if kind == "CREATE":
        for name in _UNTOLD.get(change.name, ()):
            body.values.pop(name, None)
    return Event(change.name, kind, [change.id], body)


def _kind(change: Change) -> str | None:
    lived = change.before is not None and not change.before["IsDeleted"]
    lives = change.record is not None and not change.record["IsDeleted"]
    if lived:
        return "UPDATE" if lives else "DELETE"
    if lives:
        return "UNDELETE" if change.before is not None else "CREATE"
    return None


@dataclass(frozen=True, slots=True)
class Commit:
    """What all events of one transaction have in common."""

    key: str
    number: int
    author: Author
    moment: datetime

    @classmethod
    def of(cls, key: str, count: int, author: Author, now: datetime, changes: Sequence[Change]) -> "Commit":
        """The org's `count`-th transaction; not before the stamps of its records, which may have been moved on."""
        stamps = [change.record["SystemModstamp"] for change in changes if change.record is not None]
        moment = max([now, *(moment_of(stamp) for stamp in {*stamps})])
        return cls(key, _FIRST_COMMIT_NUMBER + count, author, moment)

    def encoded(self, event: Event, sequence: int) -> Mapping[str, Any]:
        """The event's Avro datum."""
        header = {
            "entityName": event.entity,
            "recordIds": event.ids,
            "changeType": event.kind,
            "changeOrigin": self.author.origin,
            "transactionKey": self.key,
            "sequenceNumber": sequence,
            "commitTimestamp": milliseconds(self.moment),
            "commitNumber": self.number,
            "commitUser": self.author.user,
            "nulledFields": event.body.nulled.shown(),
            "diffFields": event.body.diffs.shown(),
            "changedFields": event.body.changed.shown(),
        }
        return {HEADER: header, **event.body.values}
