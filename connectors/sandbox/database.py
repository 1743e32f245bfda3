"""State that survives a restart: one SQLite file per vendor, one transaction per request."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.sandbox.clock import Clock
from connectors.sandbox.json_text import dumps, loads

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts(name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects(account TEXT, type TEXT, id TEXT, body TEXT NOT NULL, modified REAL NOT NULL,
    PRIMARY KEY(account, type, id));
CREATE INDEX IF NOT EXISTS objects_modified ON objects(account, type, modified);
CREATE TABLE IF NOT EXISTS counters(account TEXT, name TEXT, value INTEGER NOT NULL, PRIMARY KEY(account, name));
CREATE TABLE IF NOT EXISTS pairs(account TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY(account, name));
CREATE TABLE IF NOT EXISTS tokens(token TEXT PRIMARY KEY, account TEXT NOT NULL, kind TEXT NOT NULL,
    expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries(id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, body BLOB NOT NULL,
    headers TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0,
    aside INTEGER NOT NULL DEFAULT 0, hook TEXT NOT NULL DEFAULT '');
"""
CACHE_KIB = 65_536
"""Ids of most vendors are random: with SQLite's own 2 MB every write of a large company would read the disk."""
DATA_TABLES = ("objects", "counters", "pairs", "deliveries")
FIELD = re.compile(r"[A-Za-z_][\w.]*")


class Transaction:
    """A request's unit of work; `abandon` makes its end a rollback."""

    def __init__(self) -> None:
        self.abandoned = False
        self.after_commit: list[Callable[[], None]] = []

    def abandon(self) -> None:
        """Undo everything written since the beginning."""
        self.abandoned = True


class Database:
    """Accounts, JSON objects by (account, type, id), counters and key-value pairs.

    Reads work at any time; writes belong inside `transaction()`, which admits one at a time.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._lock = asyncio.Lock()
        self._open: Transaction | None = None
        self._sql = sqlite3.connect(path, isolation_level=None)
        self._sql.execute("PRAGMA journal_mode=WAL")
        # A killed process loses nothing; only a power cut may cost the last commits.
        self._sql.execute("PRAGMA synchronous=NORMAL")
        self._sql.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        self._sql.executescript(SCHEMA)
        if not any(column[1] == "hook" for column in self._sql.execute("PRAGMA table_info(deliveries)")):
            self._sql.execute("ALTER TABLE deliveries ADD COLUMN hook TEXT NOT NULL DEFAULT ''")  # an older file

    def close(self) -> None:
        """Close the file."""
        self._sql.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Hold the only write transaction; commits at the end, rolls back on an exception or `abandon()`."""
        async with self._lock:
            self._sql.execute("BEGIN IMMEDIATE")
            self._open = unit = Transaction()
            try:
                yield unit
            except BaseException:
                self._sql.execute("ROLLBACK")
                raise
            else:
                self._sql.execute("ROLLBACK" if unit.abandoned else "COMMIT")
            finally:
                self._open = None
        if not unit.abandoned:
            for callback in unit.after_commit:
                callback()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back once the open transaction is durable; never if it is rolled back."""
        if self._open is None:
            raise RuntimeError("after_commit needs an open transaction")
        self._open.after_commit.append(callback)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; for tables of a vendor's own."""
        return self._sql.execute(sql, values).fetchall()

    def index(self, field: str) -> None:
        """Make `find` by this field of the objects fast; `field` is a name or a dotted path."""
        path = _path(field)
        name = field.replace(".", "_")
        self._sql.execute(
            f"CREATE INDEX IF NOT EXISTS objects_by_{name} "
            f"ON objects(account, type, json_extract(body, '{path}') COLLATE NOCASE)"
        )

    def get(self, account: str, type_: str, id_: str) -> dict[str, Any] | None:
        """Read one object, or None."""
        rows = self.execute("SELECT body FROM objects WHERE account=? AND type=? AND id=?", (account, type_, id_))
        return _object(rows[0]) if rows else None

    def put(self, account: str, type_: str, id_: str, body: dict[str, Any]) -> None:
        """Store one object; its place in `all` is that of its first `put`."""
        self.execute(
            "INSERT INTO objects(account, type, id, body, modified) VALUES (?,?,?,?,?) "
            "ON CONFLICT(account, type, id) DO UPDATE SET body=excluded.body, modified=excluded.modified",
            (account, type_, id_, dumps(body), self._clock.now().timestamp()),
        )

    def remove(self, account: str, type_: str, id_: str) -> None:
        """Delete one object; absent is fine."""
        self.execute("DELETE FROM objects WHERE account=? AND type=? AND id=?", (account, type_, id_))

    def all(self, account: str, type_: str) -> list[dict[str, Any]]:
        """Every object of a type, oldest first."""
        rows = self.execute("SELECT body FROM objects WHERE account=? AND type=? ORDER BY rowid", (account, type_))
        return [_object(row) for row in rows]

    def parts(self, account: str, type_: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """Every object of a type, with nothing but the members named, None where there is none; for searches."""
        paths = ",".join(f"'{_path(name)}'" for name in names)
        # One column would come as a scalar.
        rows = self.execute(
            f"SELECT json_extract(body, '$.__none__', {paths}) FROM objects WHERE account=? AND type=?",  # noqa: S608 - the paths are checked
            (account, type_),
        )
        return [dict(zip(names, loads(row[0])[1:], strict=True)) for row in rows]

    def find(self, account: str, type_: str, field: str, values: Sequence[str]) -> list[dict[str, Any]]:
        """Objects whose text field equals one of the values (ASCII case ignored), oldest first."""
        marks = ",".join("?" * len(values))
        rows = self.execute(
            "SELECT body FROM objects WHERE account=? AND type=? "  # noqa: S608 - the path is checked
            f"AND json_extract(body, '{_path(field)}') COLLATE NOCASE IN ({marks}) ORDER BY rowid",
            (account, type_, *values),
        )
        return [_object(row) for row in rows]

    def changed(self, account: str, type_: str, since: datetime) -> list[dict[str, Any]]:
        """Objects put at or after an instant, in the order of their last `put`."""
        rows = self.execute(
            "SELECT body FROM objects WHERE account=? AND type=? AND modified>=? ORDER BY modified, rowid",
            (account, type_, since.timestamp()),
        )
        return [_object(row) for row in rows]

    def next(self, account: str, counter: str, first: int = 1) -> int:
        """The next number of a counter: `first`, then one more each time."""
        rows = self.execute(
            "INSERT INTO counters(account, name, value) VALUES (?,?,?) "
            "ON CONFLICT(account, name) DO UPDATE SET value=value+1 RETURNING value",
            (account, counter, first),
        )
        return int(rows[0][0])

    def value(self, account: str, name: str) -> Any:
        """Read a key-value pair, or None."""
        rows = self.execute("SELECT value FROM pairs WHERE account=? AND name=?", (account, name))
        return loads(rows[0][0]) if rows else None

    def set_value(self, account: str, name: str, value: Any) -> None:
        """Store a key-value pair; None removes it."""
        if value is None:
            self.execute("DELETE FROM pairs WHERE account=? AND name=?", (account, name))
            return
        self.execute("INSERT OR REPLACE INTO pairs(account, name, value) VALUES (?,?,?)", (account, name, dumps(value)))

    def clear(self, account: str) -> None:
        """Delete an account's data; the account itself and its tokens stay."""
        for table in DATA_TABLES:
            self.execute(f"DELETE FROM {table} WHERE account=?", (account,))  # noqa: S608 - constant names


def _path(field: str) -> str:
    if not FIELD.fullmatch(field):
        raise ValueError(f"not a field name: {field!r}")
    return f"$.{field}"


def _object(row: tuple[Any, ...]) -> dict[str, Any]:
    body: dict[str, Any] = loads(row[0])
    return body
