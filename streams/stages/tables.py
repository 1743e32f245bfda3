"""The tables that the stages keep their rows in, one tenant's at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from connectors.kafka.codec import Codec, Record
from connectors.kafka.records import ConnectionChanged, Entity
from streams.stages.decoded import decoded
from streams.stages.rows import (
    Allocation,
    Apart,
    Asked,
    Block,
    Contacts,
    Day,
    Dispute,
    Document,
    Due,
    Echo,
    Hold,
    Link,
    Match,
    Overheard,
    Pending,
    Question,
    Refund,
    Sent,
    Told,
)

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


class Table(Generic[R]):
    """The rows of one type and tenant in one state, for the work on one record: nobody else writes meanwhile."""

    __slots__ = ("_decoded", "_keys", "_kind", "_known", "_prefix", "_state", "_unwritten")

    def __init__(self, name: str, kind: type[R], rows: "Rows") -> None:
        self._prefix = f"{name}{SEPARATOR}{rows.tenant}"
        self._kind = kind
        self._state = rows.state
        self._decoded = rows.decoded
        self._known: dict[tuple[str, ...], R | None] = {}
        self._keys: dict[tuple[str, ...], bytes] = {}
        self._unwritten: dict[tuple[str, ...], R | None] = {}

    def get(self, *parts: str) -> R | None:
        """Return a row."""
        if parts in self._known:
            return self._known[parts]
        key = self._keys[parts] = self._key(*parts)
        value = self._state.get(key)
        found = self._known[parts] = None if value is None else self._decoded.row(value, self._kind)
        return found

    def raw(self, *parts: str) -> bytes | None:
        """Return a row as it is stored."""
        self.flush()
        return self._state.get(self._key(*parts))

    def put(self, row: R, *parts: str) -> None:
        """Set a row; an equal one is not written again."""
        if self.get(*parts) != row:
            self.set(row, *parts)

    def set(self, row: R, *parts: str) -> None:
        """Set a row that the caller knows to differ: what is there is not read."""
        self._known[parts] = self._unwritten[parts] = row

    def drop(self, *parts: str) -> None:
        """Remove a row."""
        if self.get(*parts) is not None:
            self._known[parts] = self._unwritten[parts] = None

    def flush(self) -> None:
        """Write to the state what was set and removed."""
        for parts, row in self._unwritten.items():
            value = None if row is None else self._decoded.row_written(row)
            self._state.put(self._keys.get(parts) or self._key(*parts), value)
        self._unwritten.clear()

    def first(self, *parts: str) -> Sequence[str] | None:
        """Return the parts below `parts` of the first row, in key order."""
        self.flush()
        prefix = self._key(*parts, "")
        return next((key[len(prefix) :].decode().split(SEPARATOR) for key, _ in self._state.scan(prefix)), None)

    def scan(self, *parts: str) -> Sequence[tuple[Sequence[str], R]]:
        """Return the parts below `parts` and the rows, in key order."""
        self.flush()
        prefix = self._key(*parts, "")
        rows = self._state.scan(prefix)
        return [(k[len(prefix) :].decode().split(SEPARATOR), self._decoded.row(v, self._kind)) for k, v in rows]

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
        found = Table(self._name, self._kind, rows)
        rows.__dict__[self._attribute] = found
        rows.made.append(found)
        return found


class Entities:
    """The canonical records of one tenant in one state."""

    def __init__(self, rows: "Rows") -> None:
        self._tenant = rows.tenant
        self._state = rows.state
        self._decoded = rows.decoded

    def get(self, entity: str, id_: str) -> Entity | None:
        """Return a record; it is shared, nobody may change it."""
        value = self._state.get(self._key(entity, id_))
        return None if value is None else self._decoded.record(value)

    def put(self, entity: str, id_: str, value: dict[str, Any]) -> bytes:
        """Set a record, which nobody may change from then on, and return its Avro body."""
        data, body = self._decoded.record_written(f"sluiceway.canonical.{entity.capitalize()}", value)
        self._state.put(self._key(entity, id_), data)
        return body

    def _key(self, entity: str, id_: str) -> bytes:
        return SEPARATOR.join((entity, self._tenant, id_)).encode()


class Rows:
    """Every table of one tenant, for the work on one record; what it sets stands in the state after `flush`."""

    connection = Of(ConnectionChanged, "connection")
    links = Of(Link, "link")  # vendor, object, remote id
    matches = Of(Match, "match")  # kind of key, value
    echoes = Of(Echo, "echo")  # vendor, object, remote id
    overheard = Of(Overheard, "overheard")  # vendor, object, remote id, source version
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
    contacts = Of(Contacts, "contacts")  # customer

    def __init__(self, tenant: str, state: State, codec: Codec) -> None:
        self.tenant = tenant
        self.state = state
        self.codec = codec
        self.decoded = decoded(codec)
        self.entities = Entities(self)
        self.made: list[Table[Any]] = []

    def flush(self) -> None:
        """Write to the state what was set in any table, each row once."""
        for table in self.made:
            table.flush()
