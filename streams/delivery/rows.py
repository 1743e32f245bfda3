"""The rows of `connect.state.v1` as Python values; `avro/state/connect/` says what every field means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class TodoRow:
    """A command that was taken in and is not settled yet."""

    SCHEMA: ClassVar[str] = "sluiceway.state.connect.Todo"
    offset: int
    place: int
    lane: str
    key: bytes | None
    value: bytes
    headers: Sequence[Mapping[str, Any]]
    timestamp: int
    taken_at: datetime
    forced: bool = False
    reason: str = ""
    not_before: datetime | None = None
    tries: int = 0
    failed_at: datetime | None = None
    look: str = ""
    parent: str | None = None
    missing_since: datetime | None = None
    paused_micros: int = 0


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """What was last delivered of one vendor object."""

    SCHEMA: ClassVar[str] = "sluiceway.state.connect.Object"
    object: str
    remote_id: str | None
    version: int
    digest: str
    delivered_at: datetime
    sync_token: str = ""
    former_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A write that was begun and has no outcome yet."""

    SCHEMA: ClassVar[str] = "sluiceway.state.connect.Attempt"
    todo: int
    object: str
    version: int
    request_id: str
    digest: str
    first_at: datetime
    at: datetime
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One call under way."""

    SCHEMA: ClassVar[str] = "sluiceway.state.connect.Slot"
    since: datetime


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The calls of one connection that count against its quota."""

    SCHEMA: ClassVar[str] = "sluiceway.state.connect.Ledger"
    seconds: Sequence[float]
    ends: Sequence[Sequence[datetime]]
    calls: Sequence[Sequence[int]]
    leased: int = 0
    lease_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class PauseRow:
    """Whether a connection is paused, and how long it has been in all."""

    SCHEMA: ClassVar[str] = "sluiceway.state.connect.Pause"
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    revision: int = 0
    paused_micros: int = 0


@dataclass(frozen=True, slots=True)
class CursorRow:
    """Where a source resumes."""

    SCHEMA: ClassVar[str] = "sluiceway.state.connect.Cursor"
    cursor: str
    read_at: datetime


@dataclass(frozen=True, slots=True)
class TickRow:
    """The last business day that a tenant's inbox was told of."""

    SCHEMA: ClassVar[str] = "sluiceway.state.connect.Tick"
    on: date
