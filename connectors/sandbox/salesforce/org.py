"""An org's records: tables in memory, written through to a journal, changed by units that apply whole or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from connectors.sandbox.salesforce.changes import Author, Change, Journal, Purged, Record, Stored, stored
from connectors.sandbox.salesforce.declaring import custom_object
from connectors.sandbox.salesforce.fields import NUMBERS, Field, moment_of, stamp
from connectors.sandbox.salesforce.ids import base62, make_id, number_of
from connectors.sandbox.salesforce.objects import Schema
from connectors.sandbox.salesforce.standard import fresh_schema

Key: TypeAlias = tuple[str, str]


class Org:
    """One org.

    Args:
        name: The sandbox account it belongs to.
        pod: Number of the org, part of its ids.
        journal: Its persistent form.
    """

    def __init__(self, name: str, pod: int, journal: Journal) -> None:
        self.name = name
        self.pod = pod
        self.schema: Schema = fresh_schema()
        self.purged: list[Purged] = []
        self.channels: dict[str, tuple[str, ...]] = {}
        self._journal = journal
        self._tables: dict[str, dict[str, Stored]] = {found.name: {} for found in self.schema}
        self._keyed: dict[tuple[str, str, Any], dict[str, None]] = {}
        self._number = 0

    @property
    def organization(self) -> Record:
        """The only Organization record."""
        return next(iter(self._tables["Organization"].values()))

    @property
    def user(self) -> Record:
        """The user that the API acts as."""
        return next(iter(self._tables["User"].values()))

    def load(self, changes: Iterable[Change]) -> None:
        """Take records from the journal, in order of their ids."""
        for change in changes:
            kinds = self.schema.addressed(change.name).fields
            record = {name: _revived(kinds[name], value) for name, value in (change.record or {}).items()}
            self._put(change.name, Stored(record))
            self._number = max(self._number, number_of(change.id))

    def declare(self, name: str, field: Field) -> None:
        """Add a custom field to an object; existing records have no value in it."""
        self.schema.addressed(name).add(field)
        self._journal.declare(name, field)

    def declare_object(self, name: str) -> None:
        """Add a custom object."""
        kind = "e" if name.endswith("__e") else "a"
        prefix = f"{kind}{base62(sum(found.prefix[0] == kind for found in self.schema), 2)}"
        self.add_object(name, prefix)
        self._journal.declare_object(name, prefix)

    def add_object(self, name: str, prefix: str) -> None:
        """Take a custom object from the journal."""
        self.schema.add(custom_object(name, prefix))
        self._tables[name] = {}

    def set_channel(self, name: str, members: Sequence[str]) -> None:
        """Say which objects' events a custom channel has."""
        self.channels[name] = tuple(members)
        self._journal.set_channel(name, members)

    def table(self, name: str) -> Mapping[str, Record]:
        """All records of an object, those in the recycle bin too."""
        return self._tables[name]

    def kept(self, name: str, record_id: str) -> Stored | None:
        """One record as it is kept, in the recycle bin or not."""
        return self._tables[name].get(record_id)

    def next_id(self, prefix: str) -> str:
        """A fresh record id."""
        self._number += 1
        return make_id(prefix, self.pod, self._number)

    def unit(self, now: datetime, author: Author | None = None) -> "Unit":
        """Begin to change records."""
        return Unit(self, now, author or Author())

    def apply(self, changes: Sequence[Change], author: Author, now: datetime) -> None:
        """Make a unit's records the current ones."""
        kept = [change for change in changes if not self.schema.addressed(change.name).platform_event]
        self._journal.save(kept)
        for change in kept:
            if change.record is None:
                self._drop(change.name, change.id)
                self._bury(change, now)
            else:
                self._put(change.name, change.record)
        if author.announced:
            self._journal.announce(self, changes, author, now)

    def _bury(self, change: Change, now: datetime) -> None:
        before = change.before or Stored()
        deleted = before["SystemModstamp"] if before["IsDeleted"] else stamp(now)
        self.purged.append(Purged(change.name, change.id, deleted))
        self._journal.bury(self.purged[-1])

    def _put(self, name: str, record: Stored) -> None:
        self._drop(name, record["Id"], keep=True)
        self._tables[name][record["Id"]] = record
        for field in self.schema.addressed(name).keys:
            value = comparable(record.get(field))
            if value is not None:
                self._keyed.setdefault((name, field, value), {})[record["Id"]] = None

    def _drop(self, name: str, record_id: str, *, keep: bool = False) -> None:
        """Forget a record's keys and, unless it keeps its place in the table, the record."""
        before = self._tables[name].get(record_id)
        if before is None:
            return
        for field in self.schema.addressed(name).keys:
            self._keyed.get((name, field, comparable(before.get(field))), {}).pop(record_id, None)
        if not keep:
            del self._tables[name][record_id]

    def keyed(self, name: str, field: str, value: Any) -> Iterable[str]:
        """Ids of the records with this value in a key field, whatever its case."""
        return list(self._keyed.get((name, field, comparable(value)), ()))


def comparable(value: Any) -> Any:
    """How keys compare: text without case, which 18-character ids can bear."""
    return value.casefold() if isinstance(value, str) else value


def _revived(field: Field, value: Any) -> Any:
    return Decimal(value) if isinstance(value, int) and field.kind in NUMBERS else value


class Unit:
    """Changes that become visible together.

    Args:
        org: Whose records.
        now: When they change.
        author: On whose behalf.
    """

    def __init__(self, org: Org, now: datetime, author: Author) -> None:
        self.org = org
        self.now = now
        self.author = author
        self._changed: dict[Key, Record | None] = {}

    @property
    def user(self) -> Record:
        """The user that acts."""
        return self.org.table("User").get(self.author.user) or self.org.user

    def peek(self, name: str, record_id: str) -> Record | None:
        """The record as this unit sees it, deleted or not; not to be changed."""
        if (name, record_id) in self._changed:
            return self._changed[name, record_id]
        return self.org.table(name).get(record_id)

    def get(self, name: str, record_id: str) -> Record | None:
        """A copy of the record as this unit sees it, deleted or not."""
        found = self.peek(name, record_id)
        return self._copy(name, found) if found else None

    def _copy(self, name: str, record: Record) -> Record:
        """The record with every field of its object."""
        return dict.fromkeys(self.org.schema.addressed(name).fields) | record

    def rows(self, name: str) -> Iterable[Record]:
        """All records of an object as this unit sees them, deleted ones too; not to be changed."""
        seen = {key[1]: record for key, record in self._changed.items() if key[0] == name}
        current = self.org.table(name)
        if not seen:
            return current.values()
        changed = [seen.get(record_id, record) for record_id, record in current.items()]
        changed += [record for record_id, record in seen.items() if record_id not in current]
        return [record for record in changed if record is not None]

    def scan(self, name: str, **equal: object) -> Iterator[Record]:
        """Copies of the live records whose fields have these values."""
        key = next((field for field in equal if field in self.org.schema.addressed(name).keys), None)
        for record in self.holding(name, key, equal[key]) if key else self.rows(name):
            if not record["IsDeleted"] and all(record.get(field) == value for field, value in equal.items()):
                yield self._copy(name, record)

    def holding(self, name: str, field: str, value: object) -> list[Record]:
        """The live records with this value in a key field, whatever its case; not to be changed."""
        ids = dict.fromkeys(self.org.keyed(name, field, value))
        ids |= dict.fromkeys(key[1] for key in self._changed if key[0] == name)
        found = (self.peek(name, record_id) for record_id in ids)
        wanted = comparable(value)
        return [row for row in found if row and not row["IsDeleted"] and comparable(row.get(field)) == wanted]

    def put(self, name: str, record: Record) -> None:
        """Store a record, its modification stamps moved past those it had."""
        before = self.get(name, record["Id"])
        moved = stamp(self.now)
        if before is not None and before["SystemModstamp"] >= moved:
            moved = stamp(moment_of(before["SystemModstamp"]) + timedelta(milliseconds=1))
        record["SystemModstamp"] = record["LastModifiedDate"] = moved
        self._changed[name, record["Id"]] = record

    def purge(self, name: str, record_id: str) -> None:
        """Remove a record for good; nobody hears of one that was in the recycle bin."""
        self._changed[name, record_id] = None

    def mark(self) -> dict[Key, Record | None]:
        """A point to go back to."""
        return dict(self._changed)

    def back_to(self, mark: dict[Key, Record | None]) -> None:
        """Undo what was done since `mark`."""
        self._changed = mark

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what happens inside when it raises."""
        mark = self.mark()
        try:
            yield
        except BaseException:
            self.back_to(mark)
            raise

    def commit(self) -> None:
        """Apply everything to the org."""
        changes = [
            Change(name, stored(record) if record else None, self.org.kept(name, record_id))
            for (name, record_id), record in self._changed.items()
        ]
        self.org.apply([change for change in changes if change.record or change.before], self.author, self.now)
        self._changed = {}


class View:
    """The records a query sees.

    Args:
        unit: What has happened so far.
        deleted: Whether records in the recycle bin are seen too.
    """

    def __init__(self, unit: Unit, *, deleted: bool) -> None:
        self._unit = unit
        self._deleted = deleted

    def scan(self, name: str) -> Iterable[Record]:
        """The object's visible records in order of their ids."""
        rows = self._unit.rows(name)
        return rows if self._deleted else [record for record in rows if not record["IsDeleted"]]

    def find(self, name: str, record_id: str) -> Record | None:
        """The visible record with that id."""
        found = self._unit.peek(name, record_id)
        return found if found and (self._deleted or not found["IsDeleted"]) else None

    def parent(self, name: str, record_id: str) -> Record | None:
        """The record that a reference points to."""
        return self._unit.peek(name, record_id)
