"""Every topic of Sluiceway, declared once: name, key, policy, retention, schemas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

DAY_MS = 24 * 60 * 60 * 1000
HOUR_MS = 60 * 60 * 1000
Compatibility = Literal["BACKWARD", "FULL_TRANSITIVE"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        name: as in Kafka.
        key: what the key holds, for people and for AsyncAPI.
        schemas: full names of the record types it carries; empty: raw bytes.
        policy: `cleanup.policy`.
        retention_ms: for `delete`; compacted topics keep the latest value for ever.
        compatibility: level set on its subjects.
        max_message_bytes: of the topic; None: the broker's.
        mixed: several record types: subjects are `<topic>-<record name>`, else `<topic>-value`.
    """

    name: str
    key: str
    schemas: Sequence[str]
    policy: Literal["delete", "compact"] = "delete"
    retention_ms: int = 30 * DAY_MS
    compatibility: Compatibility = "BACKWARD"
    max_message_bytes: int | None = None
    mixed: bool = False

    def subject(self, schema: str) -> str:
        """Return the registry subject for one of its record types.

        Raises:
            ValueError: it does not carry that type, so nobody registers it there.
        """
        if schema not in self.schemas:
            raise ValueError(f"{self.name} does not carry {schema}; list it in `connectors/kafka/topics.py`")
        return f"{self.name}-{schema}" if self.mixed else f"{self.name}-value"

    def config(self) -> dict[str, str]:
        """Return the topic's configuration as Kafka names it."""
        config: dict[str, str] = {"cleanup.policy": self.policy}
        if self.policy == "compact":
            config |= {
                "segment.ms": str(HOUR_MS),
                "max.compaction.lag.ms": str(HOUR_MS),
                "delete.retention.ms": str(30 * DAY_MS),
            }
        else:
            config["retention.ms"] = str(self.retention_ms)
        if self.max_message_bytes is not None:
            config["max.message.bytes"] = str(self.max_message_bytes)
        return config


INBOX_RECORDS = ("VendorRecord", "VendorResult", "ConnectionChanged", "Request", "Decision", "Tick")
INBOX = Topic("inbox.v1", "tenant", tuple(f"sluiceway.inbox.{name}" for name in INBOX_RECORDS), mixed=True)
COMMAND = Topic("command.v1", "tenant", ("sluiceway.command.Command",))
CONNECTION = Topic("connection.v1", "tenant", ("sluiceway.connection.Connection",), policy="compact")
CHANGES = Topic(
    "canonical.changes.v1", "canonical id", ("sluiceway.canonical.Change",), compatibility="FULL_TRANSITIVE"
)
JOURNAL = Topic(
    "journal.v1",
    "tenant",
    ("sluiceway.journal.JournalEntry", "sluiceway.journal.DeadLetter"),
    retention_ms=90 * DAY_MS,
    mixed=True,
)
REVIEW = Topic("review.v1", "tenant", ("sluiceway.review.ReviewItem",), retention_ms=90 * DAY_MS)
REPLY = Topic("reply.v1", "tenant", ("sluiceway.reply.Reply",), retention_ms=DAY_MS)
# Dead letters carry the original bytes plus headers that say why, so they may be larger than any input.
DLQ = Topic("dlq.v1", "as consumed", (), max_message_bytes=4_000_000)

ENTITIES = ("party", "product", "order", "invoice", "payment", "subscription", "engagement", "cart", "stock")
CANONICAL = {
    name: Topic(
        f"canonical.{name}.v1",
        "canonical id",
        (f"sluiceway.canonical.{name.capitalize()}",),
        policy="compact",
        compatibility="FULL_TRANSITIVE",
    )
    for name in ENTITIES
}

TRANSFORM_STATE = Topic(
    "transform.state.v1",
    "row",
    (
        *(f"sluiceway.canonical.{name.capitalize()}" for name in ENTITIES),
        "sluiceway.inbox.ConnectionChanged",
        *(
            f"sluiceway.state.transform.{name}"
            for name in (
                "Allocation",
                "Apart",
                "Asked",
                "Block",
                "Contacts",
                "Day",
                "Dispute",
                "Document",
                "Due",
                "Echo",
                "Hold",
                "Link",
                "Match",
                "Overheard",
                "Pending",
                "Question",
                "Refund",
                "Sent",
                "Told",
            )
        ),
    ),
    policy="compact",
    mixed=True,
)
CONNECT_STATE = Topic(
    "connect.state.v1",
    "row",
    (
        "sluiceway.state.connect.Todo",
        "sluiceway.state.connect.Object",
        "sluiceway.state.connect.Attempt",
        "sluiceway.state.connect.Slot",
        "sluiceway.state.connect.Ledger",
        "sluiceway.state.connect.Pause",
        "sluiceway.state.connect.Cursor",
        "sluiceway.state.connect.Tick",
    ),
    policy="compact",
    mixed=True,
)

TOPICS: Sequence[Topic] = (
    INBOX,
    COMMAND,
    CONNECTION,
    *CANONICAL.values(),
    CHANGES,
    JOURNAL,
    REVIEW,
    REPLY,
    DLQ,
    TRANSFORM_STATE,
    CONNECT_STATE,
)
