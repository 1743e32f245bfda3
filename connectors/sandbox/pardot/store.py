"""Records by account and object, in memory and in the sandbox's database, and what they were up to a minute ago."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.pardot.objects import PROSPECTS
from connectors.sandbox.pardot.values import written

Record: TypeAlias = dict[str, Any]

# "Reads may come from a cache" of at most this age (API v5 overview).
STALEST = 60
# The user that an integration's calls are made as.
API_USER = 2


class Store:
    """The records.

    Memory is written ahead of the request's transaction. That is sound because only a call that goes on to succeed
    writes, and the framework keeps what a successful call wrote.
    """

    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
        self._tables: dict[tuple[str, str], dict[int, Record]] = {}
        # (account, address without case) -> ids of prospects that have or had it.
        self._addresses: dict[tuple[str, str], set[int]] = {}
        # (account, object, id) -> versions that a write replaced: until when each held, None before the first.
        self._replaced: dict[tuple[str, str, int], list[tuple[datetime, Record | None]]] = {}

    def forget(self, account: str) -> None:
        """Drop what memory holds of an account whose data is gone."""
        self._tables = {key: rows for key, rows in self._tables.items() if key[0] != account}
        self._replaced = {key: old for key, old in self._replaced.items() if key[0] != account}
        self._addresses = {key: ids for key, ids in self._addresses.items() if key[0] != account}

    def table(self, account: str, name: str) -> dict[int, Record]:
        """All current records, in the recycle bin or not; not to be changed."""
        if (account, name) not in self._tables:
            rows = self._ctx.database.all(account, name)
            self._tables[account, name] = {row["id"]: row for row in rows}
            for row in rows:
                self._note_address(account, row)
        return self._tables[account, name]

    def visible(self, account: str, name: str, lag: int) -> Iterable[Record]:
        """All records as they were `lag` seconds ago."""
        rows = self.table(account, name).values()
        if not lag:
            return rows
        seen = (self.version(account, name, row["id"], lag) for row in rows)
        return [row for row in seen if row is not None]

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
        return self._put(account, name, {**values, "id": record_id, "createdAt": made, "updatedAt": made})

    def change(self, account: str, name: str, record: Record, values: Record) -> Record:
        """Store a record's new values, stamped now."""
        return self._put(account, name, {**record, **values, "updatedAt": self._stamp(), "updatedById": API_USER})

    def with_address(self, account: str, address: str) -> list[Record]:
        """The prospects with an e-mail address, whatever its case, in the bin or not."""
        table = self.table(account, PROSPECTS.name)
        found = (table[record_id] for record_id in sorted(self._addresses.get((account, address.casefold()), ())))
        return [row for row in found if (row["email"] or "").casefold() == address.casefold()]

    def _note_address(self, account: str, record: Record) -> None:
        if record.get("email"):
            self._addresses.setdefault((account, record["email"].casefold()), set()).add(record["id"])

    def _stamp(self) -> str:
        return written(self._ctx.clock.now())

    def _put(self, account: str, name: str, record: Record) -> Record:
        now = self._ctx.clock.now()
        table = self.table(account, name)
        key = (account, name, record["id"])
        recent = [old for old in self._replaced.get(key, []) if now - old[0] <= timedelta(seconds=STALEST)]
        self._replaced[key] = [*recent, (now, table.get(record["id"]))]
        self._ctx.database.put(account, name, str(record["id"]), record)
        self._ctx.wrote(account, name)
        table[record["id"]] = record
        self._note_address(account, record)
        return record
