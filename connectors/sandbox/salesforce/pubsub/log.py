"""The event log of all orgs: events by replay id, kept for 72 hours, and the schemas they were written with."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from connectors.sandbox.accounts import derive
from connectors.sandbox.context import SandboxContext

# "Event Message Durability".
RETENTION_SECONDS = 72 * 3600
_REPLAY_BYTES = 8
_WIDEST_GAP = 7
_TABLES = """
CREATE TABLE IF NOT EXISTS event_log(account TEXT, replay INTEGER, entity TEXT, schema_id TEXT, event_id TEXT,
    payload BLOB, at REAL NOT NULL, PRIMARY KEY(account, replay)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS event_log_at ON event_log(account, at);
CREATE TABLE IF NOT EXISTS event_heads(account TEXT PRIMARY KEY, replay INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event_schemas(id TEXT PRIMARY KEY, body TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """One event as subscribers get it."""

    replay: int
    schema_id: str
    event_id: str
    payload: bytes


def replay_bytes(replay: int) -> bytes:
    """A replay id on the wire."""
    return replay.to_bytes(_REPLAY_BYTES, "big")


class EventLog:
    """Appends within the open transaction; readers wait for `changed`."""

    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
        self._waiting: dict[str, set[asyncio.Event]] = {}
        for statement in _TABLES.split(";"):
            ctx.database.execute(statement)

    def add_schema(self, schema_id: str, body: str) -> None:
        """Keep a schema for as long as the sandbox lives."""
        self._ctx.database.execute("INSERT OR IGNORE INTO event_schemas(id, body) VALUES (?,?)", (schema_id, body))

    def schema(self, schema_id: str) -> str | None:
        """A schema as JSON."""
        rows = self._ctx.database.execute("SELECT body FROM event_schemas WHERE id=?", (schema_id,))
        return rows[0][0] if rows else None

    def append(self, account: str, entity: str, schema_id: str, event_id: str, payload: bytes) -> int:
        """Store an event and return its replay id."""
        return self._append(account, (entity, schema_id, event_id, payload))

    def mark(self, account: str) -> int:
        """A replay id that no event has: a place to resume from after silence."""
        return self._append(account, (None, None, None, None))

    def _append(self, account: str, values: tuple[object, ...]) -> int:
        head = self.head(account)
        # Ids grow with gaps, since the vendor's are shared by everything on its bus.
        replay = head + 1 + int(derive("salesforce", account, str(head), 2), 16) % _WIDEST_GAP
        database = self._ctx.database
        database.execute("INSERT OR REPLACE INTO event_heads(account, replay) VALUES (?,?)", (account, replay))
        database.execute(
            "INSERT INTO event_log(account, replay, entity, schema_id, event_id, payload, at) VALUES (?,?,?,?,?,?,?)",
            (account, replay, *values, self._now()),
        )
        database.after_commit(lambda: self._wake(account))
        return replay

    def head(self, account: str) -> int:
        """The newest replay id."""
        rows = self._ctx.database.execute("SELECT replay FROM event_heads WHERE account=?", (account,))
        return int(rows[0][0]) if rows else 0

    def oldest(self, account: str) -> int:
        """The place before the oldest event that is kept."""
        rows = self._ctx.database.execute(
            "SELECT MIN(replay) FROM event_log WHERE account=? AND at>?", (account, self._oldest_moment())
        )
        return self.head(account) if rows[0][0] is None else int(rows[0][0]) - 1

    def knows(self, account: str, replay_id: bytes) -> int | None:
        """The place of a replay id that was handed out and has not expired."""
        replay = int.from_bytes(replay_id, "big")
        if len(replay_id) != _REPLAY_BYTES or replay >= 1 << 63:
            return None
        rows = self._ctx.database.execute(
            "SELECT 1 FROM event_log WHERE account=? AND replay=? AND at>?", (account, replay, self._oldest_moment())
        )
        return replay if rows else None

    def after(self, account: str, replay: int, entities: Collection[str], most: int) -> list[Stored]:
        """The next events of these objects."""
        marks = ",".join("?" * len(entities))
        rows = self._ctx.database.execute(
            "SELECT replay, schema_id, event_id, payload FROM event_log "  # noqa: S608 - only question marks
            f"WHERE account=? AND replay>? AND at>? AND entity IN ({marks}) ORDER BY replay LIMIT ?",
            (account, replay, self._oldest_moment(), *entities, most),
        )
        return [Stored(*row) for row in rows]

    def forget(self, account: str, *, all_of_it: bool = False) -> None:
        """Delete what has expired, or everything; replay ids go on growing."""
        limit = float("inf") if all_of_it else self._oldest_moment()
        self._ctx.database.execute("DELETE FROM event_log WHERE account=? AND at<=?", (account, limit))

    def changed(self, account: str, wake: asyncio.Event) -> None:
        """Set `wake` whenever the account's log grows, until `leave`."""
        self._waiting.setdefault(account, set()).add(wake)

    def leave(self, account: str, wake: asyncio.Event) -> None:
        """The counterpart of `changed`."""
        self._waiting.get(account, set()).discard(wake)

    def _wake(self, account: str) -> None:
        for wake in self._waiting.get(account, ()):
            wake.set()

    def _now(self) -> float:
        return self._ctx.clock.now().timestamp()

    def _oldest_moment(self) -> float:
        return self._now() - RETENTION_SECONDS
