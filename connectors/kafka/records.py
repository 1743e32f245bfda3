"""The record types on our topics as Python values; `avro/` holds their schemas and the meaning of every field.

Canonical entities stay plain dictionaries (`Entity`): mapping and merging treat their fields alike, and the schema
checks them when they are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal

from msgspec import Struct

Entity = dict[str, Any]
Operation = Literal["PUT", "VOID", "DELETE", "FETCH"]


class VendorRecord(Struct, frozen=True, gc=False):
    """One object of a vendor as received."""

    SCHEMA: ClassVar[str] = "sluiceway.inbox.VendorRecord"
    tenant: str
    vendor: str
    object: str
    remote_id: str
    source_version: str
    origin: str
    body: bytes
    received_at: datetime
    deleted: bool = False
    hint: bool = False
    merged_into: str = ""
    undeleted: bool = False
    ours: bool = False


class VendorResult(Struct, frozen=True, gc=False):
    """A command was carried out."""

    SCHEMA: ClassVar[str] = "sluiceway.inbox.VendorResult"
    tenant: str
    vendor: str
    object: str
    object_key: str
    operation: Operation
    version: int
    remote_id: str
    body: bytes
    delivered_at: datetime


class Request(Struct, frozen=True, gc=False):
    """A caller of the gateway wants something done and waits for the answer."""

    SCHEMA: ClassVar[str] = "sluiceway.inbox.Request"
    tenant: str
    key: str
    digest: str
    object: str
    remote_id: str
    body: bytes
    received_at: datetime


class Reply(Struct, frozen=True, gc=False):
    """How a request fares."""

    SCHEMA: ClassVar[str] = "sluiceway.reply.Reply"
    tenant: str
    key: str
    digest: str
    state: str
    at: datetime
    vendor: str = ""
    remote_id: str | None = None
    object_key: str = ""
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field of the canonical records; `read` and `write` are vendors' fields by vendor/object."""

    type: str
    read: Mapping[str, str] = field(default_factory=dict)
    write: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """What decides results has changed."""

    SCHEMA: ClassVar[str] = "sluiceway.inbox.ConnectionChanged"
    tenant: str
    revision: int
    vendors: Mapping[str, str]
    zone: str
    currency: str
    mappings: Mapping[str, str] = field(default_factory=dict)
    rules: str = ""
    figures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    custom_fields: Mapping[str, CustomField] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Accept custom fields as the codec reads them: plain mappings."""
        object.__setattr__(self, "custom_fields", _custom_fields(self.custom_fields))


class Tick(Struct, frozen=True, gc=False):
    """A business day of the company begins."""

    SCHEMA: ClassVar[str] = "sluiceway.inbox.Tick"
    tenant: str
    on: date
    at: datetime


class Decision(Struct, frozen=True, gc=False):
    """What a person decided."""

    SCHEMA: ClassVar[str] = "sluiceway.inbox.Decision"
    tenant: str
    verdict: str
    decided_at: datetime
    review: str = ""
    party: str = ""
    other: str = ""
    by: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class VendorConnection:
    """One vendor of a tenant."""

    base_url: str
    account: str
    paused: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connection:
    """One tenant: its vendors and settings."""

    SCHEMA: ClassVar[str] = "sluiceway.connection.Connection"
    tenant: str
    revision: int
    vendors: Mapping[str, VendorConnection]
    zone: str
    currency: str
    mappings: Mapping[str, str] = field(default_factory=dict)
    rules: str = ""
    policies: Mapping[str, str] = field(default_factory=dict)
    custom_fields: Mapping[str, CustomField] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Accept vendors and custom fields as the codec reads them: plain mappings."""
        object.__setattr__(self, "custom_fields", _custom_fields(self.custom_fields))
        vendors = {k: v if isinstance(v, VendorConnection) else VendorConnection(**v) for k, v in self.vendors.items()}
        object.__setattr__(self, "vendors", vendors)


def _custom_fields(fields: Mapping[str, Any]) -> Mapping[str, CustomField]:
    return {k: v if isinstance(v, CustomField) else CustomField(**v) for k, v in fields.items()}


class Command(Struct, frozen=True, gc=False):
    """The desired state of one vendor object, or the wish to read one."""

    SCHEMA: ClassVar[str] = "sluiceway.command.Command"
    tenant: str
    vendor: str
    operation: Operation
    object: str
    object_key: str
    lane: str
    version: int
    remote_id: str | None = None
    body: str = "{}"
    source_version: str | None = None
    former_ids: Sequence[str] = ()
    anew: bool = False


class JournalEntry(Struct, frozen=True, gc=False):
    """One call or decision of the delivery."""

    SCHEMA: ClassVar[str] = "sluiceway.journal.JournalEntry"
    tenant: str
    at: datetime
    kind: str
    vendor: str
    object: str
    object_key: str
    version: int = 0
    request_id: str | None = None
    remote_id: str | None = None
    code: str | None = None
    detail: str | None = None
    not_before: datetime | None = None


class DeadLetter(Struct, frozen=True, gc=False):
    """A record went to `dlq.v1`."""

    SCHEMA: ClassVar[str] = "sluiceway.journal.DeadLetter"
    tenant: str
    topic: str
    partition: int
    offset: int
    stage: str
    error_class: str
    reason: str
    failed_at: datetime
    attempts: int = 1


class ReviewItem(Struct, frozen=True, gc=False):
    """Something waits for a person."""

    SCHEMA: ClassVar[str] = "sluiceway.review.ReviewItem"
    tenant: str
    id: str
    at: datetime
    kind: str
    object_key: str
    reason: str
    candidates: Sequence[str] = ()
    open: bool = True
