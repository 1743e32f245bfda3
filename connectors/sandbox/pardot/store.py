"""Records by account and object, in memory and in the sandbox's database, and what they were up to a minute ago."""

from collections import deque
from datetime import datetime, timedelta
from typing import TypeAlias

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.pardot.table import Record, Table
from connectors.sandbox.pardot.values import written

# "Reads may come from a cache" of at most this age (API v5 overview).
STALEST = 60
# The user that an integration's calls are made as.
API_USER = 2

_Key: TypeAlias = tuple[str, str, int]


class Store:
    """The records.

    Memory is written ahead of the request's transaction. Whoever answers a refusal after writing must `forget`.
    """

    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
        self._tables: dict[tuple[str, str], Table] = {}
        # (account, object, id) -> versions that a write replaced: until when each held, None before the first.
        self._replaced: dict[_Key, list[tuple[datetime, Record | None]]] = {}
        self._recent: deque[tuple[datetime, _Key]] = deque()

    def forget(self, account: str) -> None:
        """Drop what memory holds of an account; it is read again when asked for."""
        self._tables = {key: rows for key, rows in self._tables.items() if key[0] != account}
        self._replaced = {key: old for key, old in self._replaced.items() if key[0] != account}
        self._recent = deque(entry for entry in self._recent if entry[1][0] != account)

    def table(self, account: str, name: str) -> Table:
        """All current records, in the recycle bin or not; to be changed by this store alone."""
        if (account, name) not in self._tables:
            self._tables[account, name] = Table(self._ctx.database.all(account, name))
        return self._tables[account, name]

    def visible(self, account: str, name: str, lag: int) -> Table:
        """All records as they were `lag` seconds ago."""
        table = self.table(account, name)
        self._prune()
        if not lag or not any(key[:2] == (account, name) for key in self._replaced):
            return table
        seen = (self.version(account, name, record_id, lag) for record_id in table.rows)
        return Table(row for row in seen if row is not None)

    def version(self, account: str, name: str, record_id: int, lag: int) -> Record | None:
        """One record as it was `lag` seconds ago."""
        then = self._ctx.clock.now() - timedelta(seconds=lag)
        for until, record in self._replaced.get((account, name, record_id), ()) if lag else ():
            if until > then:
                return record
        return self.table(account, name).get(record_id)

    def add(self, account: str, name: str, values: Record) -> Record:
        """Store a new record under the next id, stamped now."""
        record_id = self._ctx.database.next(account, name)
        made = self._stamp()
        return self._put(account, name, {"createdAt": made, "updatedAt": made, **values, "id": record_id})

    def change(self, account: str, name: str, record: Record, values: Record) -> Record:
        """Store a record's new values, stamped now."""
        return self._put(account, name, {**record, "updatedAt": self._stamp(), "updatedById": API_USER, **values})

    def remove(self, account: str, name: str, record: Record) -> None:
        """Take a record away for good."""
        self._remember(account, name, record["id"])
        self._ctx.database.remove(account, name, str(record["id"]))
        self._ctx.wrote(account, name)
        self.table(account, name).remove(record["id"])

    def _stamp(self) -> str:
        return written(self._ctx.clock.now())

    def _put(self, account: str, name: str, record: Record) -> Record:
        table = self.table(account, name)
        self._remember(account, name, record["id"])
        self._ctx.database.put(account, name, str(record["id"]), record)
        self._ctx.wrote(account, name)
        table.put(record)
        return record

    def _remember(self, account: str, name: str, record_id: int) -> None:
        """Keep what a write is about to replace."""
        now, key = self._ctx.clock.now(), (account, name, record_id)
        self._prune()
        self._replaced.setdefault(key, []).append((now, self.table(account, name).get(record_id)))
        self._recent.append((now, key))

    def _prune(self) -> None:
        """Forget the versions that no read can show any more."""
        oldest = self._ctx.clock.now() - timedelta(seconds=STALEST)
        while self._recent and self._recent[0][0] < oldest:
            _, key = self._recent.popleft()
            if key in self._replaced:
                self._replaced[key].pop(0)
                if not self._replaced[key]:
                    del self._replaced[key]
