"""A todo: one command that was taken in, and how it fares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.kafka.codec import Codec
from connectors.kafka.records import Command
from connectors.kafka.topics import COMMAND
from streams.dead_letters import header
from streams.delivery.rows import TodoRow
from streams.replies import REQUEST_HEADER, Asked, asked_in
from streams.runtime.types import Headers, Record

BACKFILL = "backfill"
REQUEST_FIRST, LIVE_FIRST, BACKFILL_LAST = -1, 0, 1

# A row's `look`: what the next try must know of the object at the vendor, or knows already.
STALE, DUPLICATE, ABSENT, ALONE = "stale", "duplicate", "absent", "alone"


@dataclass(frozen=True, slots=True)
class Todo:
    """A row of the work list with its command decoded."""

    row: TodoRow
    command: Command

    @property
    def priority(self) -> int:
        """-1 a request that waits for its answer, 0 live, 1 backfill (`x-origin: backfill`); lower goes first."""
        if self.asked:
            return REQUEST_FIRST
        return BACKFILL_LAST if header(self.headers, "x-origin") == BACKFILL else LIVE_FIRST

    @property
    def headers(self) -> Headers:
        """The command's headers as consumed."""
        return [(item["name"], item["value"]) for item in self.row.headers]

    @property
    def asked(self) -> Sequence[Asked]:
        """Who waits for what becomes of it."""
        return asked_in(self.headers)

    @property
    def object_parts(self) -> tuple[str, str, str]:
        """Tenant, vendor and object key: the key of its object and attempt rows."""
        return self.command.tenant, self.command.vendor, self.command.object_key

    def record(self, partition: int) -> Record:
        """Return the command's record as consumed."""
        row = self.row
        return Record(COMMAND.name, partition, row.offset, row.key, row.value, self.headers, row.timestamp)

    def changed(self, **changes: Any) -> "Todo":
        """Return this todo with fields of its row replaced."""
        return replace(self, row=replace(self.row, **changes))

    def waiting(self, reason: str, not_before: datetime | None, **changes: Any) -> "Todo":
        """Return this todo waiting until `not_before`, or for something else to happen if that is None."""
        return self.changed(reason=reason, not_before=not_before, **changes)

    def supersedes(self, older: "Todo") -> "Todo":
        """Return this todo in the place of an unstarted one of the same object.

        Who waited for the older one waits for this. A back-off goes on: frequent changes must not outrun it. What had
        failed for its content starts anew.
        """
        backing_off: Mapping[str, Any] = {}
        if older.row.reason == "retry":
            names = ("reason", "not_before", "tries", "failed_at", "look")
            backing_off = {name: getattr(older.row, name) for name in names}
        waiting = [item for item in older.row.headers if item["name"] == REQUEST_HEADER]
        headers = [*self.row.headers, *waiting]
        return self.changed(place=older.row.place, lane=older.row.lane, forced=True, headers=headers, **backing_off)


def taken(command: Command, record: Record, now: datetime) -> Todo:
    """Return a command's todo as it is taken in."""
    row = TodoRow(
        offset=record.offset,
        place=record.offset,
        lane=command.lane,
        key=record.key,
        value=record.value or b"",
        headers=[{"name": name, "value": value} for name, value in record.headers],
        timestamp=record.timestamp,
        taken_at=now,
    )
    return Todo(row, command)


def restored(row: TodoRow, codec: Codec) -> Todo:
    """Return a row's todo."""
    return Todo(row, codec.decode_as(row.value, Command))
