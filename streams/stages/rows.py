"""The rows that the stages keep beside the canonical records; `avro/state/transform/` says what every field means."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from msgspec import Struct


class Row(Struct, frozen=True, gc=False):
    """A value; it holds no other rows, so that the collector has nothing to look for in it."""


class Link(Row, frozen=True, gc=False):
    """Crosswalk: which canonical entity a vendor's object is."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Link"
    entity: str | None = None
    id: str | None = None
    object_key: str | None = None
    source_version: str = ""
    digest: str = ""
    deleted: bool = False
    traits: str = ""
    keyed: int = 0

    def newer_than(self, version: str) -> bool:
        """Tell whether a record of `version` has nothing new; the same version may, unless the object was deleted."""
        return version < self.source_version or (self.deleted and version == self.source_version)


class Match(Row, frozen=True, gc=False):
    """Entities that share a match key."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Match"
    ids: Sequence[str]


class Sent(Row, frozen=True, gc=False):
    """The last command for a vendor object."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Sent"
    object: str
    version: int
    digest: str = ""
    remote_id: str | None = None
    closed: bool = False
    fields: Sequence[str] = ()
    former_ids: Sequence[str] = ()
    waits: bool = False
    earlier: Mapping[str, Sequence[str]] = {}
    overheard: bool = False


class Echo(Row, frozen=True, gc=False):
    """How a vendor spells what we wrote into one of its objects."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Echo"
    fields: Mapping[str, str]


class Overheard(Row, frozen=True, gc=False):
    """What a vendor said of fields that we were just writing."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Overheard"
    object_key: str
    until: int
    at: datetime
    fields: Mapping[str, str]


class Asked(Row, frozen=True, gc=False):
    """A request was taken in."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Asked"
    digest: str
    at: datetime


class Document(Row, frozen=True, gc=False):
    """What one document, order or subscription adds to its customer's figures."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Document"
    number: str | None
    on: date | None
    sequence: str
    received: Decimal
    owed: Decimal
    is_payment: bool
    is_invoice: bool
    credit: Decimal | None = None
    due_on: date | None = None
    is_order: bool = False
    is_unconverted: bool = False
    status: str = ""
    plan: str | None = None
    monthly: Decimal | None = None


class Refund(Row, frozen=True, gc=False):
    """Something given back that its source tells on its own, apart from the order."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Refund"
    id: str
    amount: Decimal
    tax: Decimal | None = None
    refunded_on: date | None = None
    reason: str | None = None
    is_credit: bool = False
    lines: Sequence[Mapping[str, Any]] = ()


class Day(Row, frozen=True, gc=False):
    """The business day that began last."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Day"
    on: date


class Due(Row, frozen=True, gc=False):
    """An open invoice that is not overdue yet."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Due"
    customer: str


class Told(Row, frozen=True, gc=False):
    """Figures of a customer as a vendor was last asked to keep them."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Told"
    figures: Mapping[str, str | None]


class Allocation(Row, frozen=True, gc=False):
    """A payment is allotted to a document."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Allocation"
    received_on: date | None


class Pending(Row, frozen=True, gc=False):
    """A field waits for a vendor's object that we have not seen."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Pending"
    entity: str
    id: str
    field: str


class Contacts(Row, frozen=True, gc=False):
    """The persons who decided a customer's orders, the latest first."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Contacts"
    ids: Sequence[str]


class Block(Row, frozen=True, gc=False):
    """Records of parties that share a blocking key."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Block"
    records: Sequence[str] = ()
    full: bool = False


class Question(Row, frozen=True, gc=False):
    """A question about identity that was put to a person."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Question"
    party: str
    candidates: Sequence[str]
    open: bool = True


class Dispute(Row, frozen=True, gc=False):
    """A question about a field on which two systems disagree."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Dispute"
    entity: str
    id: str
    field: str
    refused: str
    refused_by: str
    open: bool = True


class Hold(Row, frozen=True, gc=False):
    """A question about an order that waits."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Hold"
    order: str
    reason: str
    state: str = "open"


class Apart(Row, frozen=True, gc=False):
    """Two parties that a person keeps apart."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Apart"
    decided_at: datetime
