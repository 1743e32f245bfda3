"""The rows that the stages keep beside the canonical records; `avro/state/transform/` says what every field means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from connectors.kafka.codec import Codec, Record
from connectors.kafka.records import ConnectionChanged, Entity
from connectors.kafka.topics import TRANSFORM_STATE

SEPARATOR = "\x1f"
R = TypeVar("R", bound=Record)


class State(Protocol):
    """Rows by key, of one partition; what one record wrote is dropped if the record fails."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        ...

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set a row, or remove it with None."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key starts with `prefix`, in key order."""
        ...


@dataclass(frozen=True, slots=True)
class Link:
    """Crosswalk: which canonical entity a vendor's object is."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Link"
    entity: str | None = None
    id: str | None = None
    object_key: str | None = None
    source_version: str = ""
    digest: str = ""
    deleted: bool = False

    def newer_than(self, version: str) -> bool:
        """Tell whether a record of `version` has nothing new; the same version may, unless the object was deleted."""
        return version < self.source_version or (self.deleted and version == self.source_version)


@dataclass(frozen=True, slots=True)
class Match:
    """Entities that share a match key."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Match"
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sent:
    """The last command for a vendor object."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Sent"
    object: str
    version: int
    digest: str = ""
    remote_id: str | None = None
    closed: bool = False
    fields: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Echo:
    """How a vendor spells what we wrote into one of its objects."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Echo"
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request was taken in."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Asked"
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Document:
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


@dataclass(frozen=True, slots=True)
class Refund:
    """Something given back that its source tells on its own, apart from the order."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Refund"
    id: str
    amount: Decimal
    tax: Decimal | None = None
    refunded_on: date | None = None
    reason: str | None = None
    is_credit: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """The business day that began last."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Day"
    on: date


@dataclass(frozen=True, slots=True)
class Due:
    """An open invoice that is not overdue yet."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Due"
    customer: str


@dataclass(frozen=True, slots=True)
class Told:
    """Figures of a customer as a vendor was last asked to keep them."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Told"
    figures: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Allocation:
    """A payment is allotted to a document."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Allocation"
    received_on: date | None


@dataclass(frozen=True, slots=True)
class Pending:
    """A field waits for a vendor's object that we have not seen."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Pending"
    entity: str
    id: str
    field: str


@dataclass(frozen=True, slots=True)
class Contacts:
    """The persons who decided a customer's orders, the latest first."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Contacts"
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Block:
    """Records of parties that share a blocking key."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Block"
    records: Sequence[str] = ()
    full: bool = False


@dataclass(frozen=True, slots=True)
class Trait:
    """What one vendor's record of a party is compared by."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Trait"
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question about identity that was put to a person."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Question"
    party: str
    candidates: Sequence[str]
    open: bool = True


@dataclass(frozen=True, slots=True)
class Dispute:
    """A question about a field on which two systems disagree."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Dispute"
    entity: str
    id: str
    field: str
    refused: str
    refused_by: str
    open: bool = True


@dataclass(frozen=True, slots=True)
class Hold:
    """A question about an order that waits."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Hold"
    order: str
    reason: str
    state: str = "open"


@dataclass(frozen=True, slots=True)
class Apart:
    """Two parties that a person keeps apart."""

    SCHEMA: ClassVar[str] = "sluiceway.state.transform.Apart"
    decided_at: datetime


@lru_cache(maxsize=16_384)
def _decoded(value: bytes, kind: type[R], codec: Codec) -> R:
    """Read a row; rows are frozen, and one record's work reads the same ones again and again."""
    return codec.decode_as(value, kind)


@lru_cache(maxsize=4096)
def _record(value: bytes, codec: Codec) -> Entity:
    """Read a canonical record; a tenant's work of a while speaks of the same ones."""
    return codec.decode(value)[1]


class Table(Generic[R]):
    """The rows of one type and tenant in one state, for the work on one record: nobody else writes meanwhile."""

    def __init__(self, name: str, kind: type[R], tenant: str, state: State, codec: Codec) -> None:
        self._prefix = f"{name}{SEPARATOR}{tenant}"
        self._kind = kind
        self._state = state
        self._codec = codec
        self._known: dict[tuple[str, ...], R | None] = {}

    def get(self, *parts: str) -> R | None:
        """Return a row."""
        if parts in self._known:
            return self._known[parts]
        value = self._state.get(self._key(*parts))
        found = self._known[parts] = None if value is None else _decoded(value, self._kind, self._codec)
        return found

    def raw(self, *parts: str) -> bytes | None:
        """Return a row as it is stored."""
        return self._state.get(self._key(*parts))

    def put(self, row: R, *parts: str) -> None:
        """Set a row; an equal one is not written again."""
        if self.get(*parts) != row:
            self.set(row, *parts)

    def set(self, row: R, *parts: str) -> None:
        """Set a row that the caller knows to differ: what is there is not read."""
        self._state.put(self._key(*parts), self._codec.encode(TRANSFORM_STATE, row))
        self._known.pop(parts, None)

    def drop(self, *parts: str) -> None:
        """Remove a row."""
        if self.get(*parts) is not None:
            self._state.put(self._key(*parts), None)
            self._known[parts] = None

    def first(self, *parts: str) -> Sequence[str] | None:
        """Return the parts below `parts` of the first row, in key order."""
        prefix = self._key(*parts, "")
        return next((key[len(prefix) :].decode().split(SEPARATOR) for key, _ in self._state.scan(prefix)), None)

    def scan(self, *parts: str) -> Sequence[tuple[Sequence[str], R]]:
        """Return the parts below `parts` and the rows, in key order."""
        prefix = self._key(*parts, "")
        rows = self._state.scan(prefix)
        return [(k[len(prefix) :].decode().split(SEPARATOR), _decoded(v, self._kind, self._codec)) for k, v in rows]

    def _key(self, *parts: str) -> bytes:
        return SEPARATOR.join((self._prefix, *parts)).encode()


class Of(Generic[R]):
    """A table that is made when it is first asked for: the work on one record needs few of them."""

    def __init__(self, kind: type[R], name: str) -> None:
        self._kind = kind
        self._name = name

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = name

    def __get__(self, rows: "Rows", owner: type | None = None) -> Table[R]:
        """Return the table; from then on it is the attribute of `rows` itself."""
        found = Table(self._name, self._kind, rows.tenant, rows.state, rows.codec)
        rows.__dict__[self._attribute] = found
        return found


class Entities:
    """The canonical records of one tenant in one state."""

    def __init__(self, tenant: str, state: State, codec: Codec) -> None:
        self._tenant = tenant
        self._state = state
        self._codec = codec

    def get(self, entity: str, id_: str) -> Entity | None:
        """Return a record; it is shared, nobody may change it."""
        value = self._state.get(self._key(entity, id_))
        return None if value is None else _record(value, self._codec)

    def put(self, entity: str, id_: str, value: dict[str, Any]) -> bytes:
        """Set a record and return its Avro body."""
        schema = f"sluiceway.canonical.{entity.capitalize()}"
        body, _ = self._codec.body_exactly(schema, value)
        self._state.put(self._key(entity, id_), self._codec.framed(TRANSFORM_STATE, schema, body))
        return body

    def _key(self, entity: str, id_: str) -> bytes:
        return SEPARATOR.join((entity, self._tenant, id_)).encode()


class Rows:
    """Every table of one tenant."""

    connection = Of(ConnectionChanged, "connection")
    links = Of(Link, "link")  # vendor, object, remote id
    matches = Of(Match, "match")  # kind of key, value
    echoes = Of(Echo, "echo")  # vendor, object, remote id
    sent = Of(Sent, "sent")  # vendor, object key
    requests = Of(Asked, "request")  # key
    request_times = Of(Asked, "request_time")  # time, key
    documents = Of(Document, "document")  # customer, canonical id
    refunds = Of(Refund, "refund")  # vendor, object, id, own object, own id
    days = Of(Day, "day")  # only one
    due = Of(Due, "due")  # due date, canonical id
    told = Of(Told, "told")  # vendor, object key
    allocations = Of(Allocation, "allocation")  # vendor, object, remote id, payment
    pending = Of(Pending, "pending")  # vendor, object, remote id, entity, id, field
    questions = Of(Question, "question")  # id of the review
    disputes = Of(Dispute, "dispute")  # id of the review
    holds = Of(Hold, "hold")  # id of the review
    apart = Of(Apart, "apart")  # both canonical ids, in order
    blocks = Of(Block, "block")  # blocking key
    traits = Of(Trait, "trait")  # vendor, object, remote id
    contacts = Of(Contacts, "contacts")  # customer

    def __init__(self, tenant: str, state: State, codec: Codec) -> None:
        self.tenant = tenant
        self.state = state
        self.codec = codec
        self.entities = Entities(tenant, state, codec)
