"""One record being worked on: what it read, what it changed, what is to be produced."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct, structs

from connectors.kafka.codec import Record
from connectors.kafka.records import Entity
from connectors.kafka.topics import CANONICAL, CHANGES, Topic
from streams.stages import conflicts, identity
from streams.stages.mapping import Draft, Ref
from streams.stages.merge import fresh, merge, without_ref
from streams.stages.rows import Link, Match
from streams.stages.rules import Verdict
from streams.stages.settings import Settings
from streams.stages.tables import Rows

UNSEEN = ("id", "tenant", "version", "changed_at", "provenance")
"""Fields whose change alone is none: they say which record it is and how it came about."""
WAITS = "waits"
"""Kind of match rows: which object a field waits for now; it may have waited for another before."""


class Emit(Struct, frozen=True):
    """One record to be produced; the agent encodes it, picks the partition from `key` and adds headers.

    Attributes:
        key: tenant, or canonical id for canonical topics.
        schema: full name of the record type.
        value: None is a tombstone.
        body: its Avro bytes without the topic's frame, where they are known already.
        disputed: conflicts that are new in a canonical record: field and policy; custom fields as `custom`.
        asked: the request that a command answers.
    """

    topic: Topic
    key: str
    schema: str
    value: Mapping[str, Any] | Record | None
    body: bytes | None = None
    asked: str = ""
    disputed: Sequence[tuple[str, str]] = ()


class Change(Struct, frozen=True):
    """One canonical record that changed visibly; `after` is None once it is gone."""

    entity: str
    id: str
    before: Entity | None
    after: Entity | None


class Work:
    """The unit of work of one inbox record.

    Attributes:
        cause: what is worked on, for change records.
        at: when the record arrived.
        won: orders that were just found won, with what the rules said.
        records: vendors' records of parties, as the matcher knows them.
        moved: customers whose documents changed hands, or who are back.
    """

    def __init__(self, rows: Rows, settings: Settings, at: datetime, cause: str) -> None:
        self.rows = rows
        self.settings = settings
        self.at = at
        self.cause = cause
        self.emits: list[Emit] = []
        self.won: dict[str, Verdict] = {}
        self.records = identity.Records(rows)
        self.moved: dict[str, None] = {}
        self._before: dict[tuple[str, str], Entity | None] = {}
        self._now: dict[tuple[str, str], Entity | None] = {}

    @property
    def tenant(self) -> str:
        """Whose record it is."""
        return self.settings.tenant

    def get(self, entity: str, id_: str | None) -> Entity | None:
        """Return a record as it stands now; None if there is none or it is deleted."""
        return None if id_ is None else _alive(self._last(entity, id_))

    def _last(self, entity: str, id_: str) -> Entity | None:
        """Return what an id leads to, be it deleted."""
        record = self._load(entity, id_)
        while record is not None and record["merged_into"] is not None:
            record = self._load(entity, record["merged_into"])
        return record

    def own(self, entity: str, id_: str) -> Entity | None:
        """Return a record under its own id even if it was merged into another."""
        return _alive(self._load(entity, id_))

    def standing(self, entity: str, id_: str) -> str:
        """Return the id under which an entity stands now: the survivor's if it was merged."""
        record = self.get(entity, id_)
        return id_ if record is None else str(record["id"])

    def save(self, entity: str, record: Entity) -> None:
        """Let a record stand as given."""
        id_ = record["id"]
        identity.index(self.rows, entity, id_, self.get(entity, id_), record)
        self._now[entity, id_] = record

    def replace(self, entity: str, before: Entity | None, after: Entity) -> None:
        """Let a record stand that ends, or begins again, in a merge or its undoing."""
        identity.index(self.rows, entity, after["id"], before, None if after["merged_into"] else after)
        self._load(entity, after["id"])
        self._now[entity, after["id"]] = after

    def set(self, entity: str, id_: str, **fields: Any) -> None:
        """Set fields of a record that is there."""
        record = self.get(entity, id_)
        if record is not None and not fields.items() <= record.items():
            self.save(entity, {**record, **fields})

    def resolve(self, draft: Draft) -> identity.Resolution:
        """Return who a draft is."""
        return identity.resolve(self.rows, self.records, self.tenant, draft, self.get)

    def apply(
        self,
        draft: Draft,
        version: str,
        id_: str | None = None,
        news: Draft | None = None,
        digest: str | None = None,
    ) -> identity.Resolution:
        """Resolve and merge a draft, or only its `news`, link its reference, and return who it is."""
        found = self.resolve(draft) if id_ is None else identity.Resolution(id_)
        former = self.get(draft.entity, found.id) or self._reborn(draft.entity, found.id)
        waits = partial(self.awaited, draft.entity, former["id"])
        self.save(draft.entity, merge(former, news or draft, version, self.settings.policies, waits))
        self.link(draft.ref, draft.entity, former["id"], version, digest=digest)
        return found if found.id == former["id"] else replace(found, id=former["id"])

    def _reborn(self, entity: str, id_: str) -> Entity:
        """Return an empty record; one that was deleted counts its versions on, and a customer's documents again."""
        former = self._last(entity, id_)
        if former is None:
            return fresh(entity, self.tenant, id_)
        if entity == "party":
            self.moved[former["id"]] = None
        counted = {"version": former["version"], "changed_at": former["changed_at"]}
        return {**fresh(entity, self.tenant, former["id"]), **counted}

    def awaited(self, entity: str, id_: str, path: str) -> Match | None:
        """Return vendor, object and id of what a reference waits for, None if it does not."""
        return self.rows.matches.get(WAITS, entity, id_, path)

    def lead(self, entity: str, id_: str, heir: str) -> str | None:
        """Let references to a record that is gone lead to another, gone or not; return its id if it does."""
        gone, to = self._last(entity, id_), self._last(entity, heir)
        if gone is None or to is None or not gone["deleted"] or gone["id"] == to["id"]:
            return None
        self.replace(entity, None, {**gone, "deleted": False, "merged_into": to["id"]})
        return str(gone["id"])

    def link(
        self,
        ref: Ref,
        entity: str,
        id_: str,
        version: str,
        object_key: str | None = None,
        digest: str | None = None,
    ) -> None:
        """Write the crosswalk row of `ref`; without a `digest` the former one holds while it stays who it is."""
        row = self.rows.links.get(ref.vendor, ref.object, ref.id)
        now = identity.linked(row, entity, id_, version, object_key, digest)
        self.rows.links.put(now, ref.vendor, ref.object, ref.id)

    def read_anew(self, ref: Ref) -> None:
        """Let the next record of an object be taken in whatever it says."""
        self.rows.links.put(structs.replace(self.linked(ref), digest=""), ref.vendor, ref.object, ref.id)

    def linked(self, ref: Ref) -> Link:
        """Return the crosswalk row of `ref`, an empty one if it was never seen."""
        return self.rows.links.get(ref.vendor, ref.object, ref.id) or Link()

    def unlink(self, ref: Ref, entity: str, id_: str) -> None:
        """Take a reference from a record; the last one takes the record with it."""
        record = self.get(entity, id_)
        if record is None:
            return
        refs = without_ref(record["refs"], ref)
        if refs:
            self.save(entity, conflicts.without(record, refs))
            return
        identity.index(self.rows, entity, id_, record, None)
        self._now[entity, id_] = {**record, "refs": refs, "deleted": True}

    def entities(self) -> frozenset[str]:
        """Return of which entities this record read or touched any."""
        return frozenset([kind for kind, _ in self._now])

    def touched(self, entity: str) -> list[tuple[Entity | None, Entity | None]]:
        """Return before and now of the records of an entity that this record touched; None: not there or deleted."""
        return [
            (_alive(self._before[kind, id_]), _alive(now))
            for (kind, id_), now in self._now.items()
            if kind == entity and now is not self._before[kind, id_]
        ]

    def flush(self) -> list[Change]:
        """Write the records and emit what changed visibly; return that, in the order in which it was touched."""
        found = []
        for (entity, id_), now in self._now.items():
            before = self._before[entity, id_]
            if now is None or now is before:
                continue
            changed = _changed(before, now)
            seen = [name for name in changed if name not in UNSEEN]
            if seen or before is None:
                found.append(self._emit(entity, before, now, seen))
            elif changed:
                self.rows.entities.put(entity, id_, now)
        self._before.clear()
        self._now.clear()
        return found

    def _emit(self, entity: str, before: Entity | None, now: Entity, changed: Sequence[str]) -> Change:
        after = {**now, "version": now["version"] + 1, "changed_at": self.at}
        topic, id_ = CANONICAL[entity], now["id"]
        body = self.rows.entities.put(entity, id_, after)
        disputed = conflicts.news(before, after) if conflicts.FIELD in changed else ()
        news = [(entry["field"].partition(".")[0], entry["policy"]) for entry in disputed]
        self.emits.append(Emit(topic, id_, topic.schemas[0], after, body=body, disputed=news))
        self.emits.append(Emit(CHANGES, id_, CHANGES.schemas[0], self._change(entity, before or {}, after, changed)))
        if after["deleted"]:
            self.emits.append(Emit(topic, id_, topic.schemas[0], None))
            # What stays keeps the count of versions, should the entity come back.
            rest = {**fresh(entity, self.tenant, id_), "version": after["version"], "changed_at": self.at}
            self.rows.entities.put(entity, id_, {**rest, "deleted": True})
            return Change(entity, id_, before, None)
        return Change(entity, id_, before, after)

    def _change(self, entity: str, before: Entity, after: Entity, changed: Sequence[str]) -> Mapping[str, Any]:
        return {
            "tenant": self.tenant,
            "entity": entity,
            "id": after["id"],
            "version": after["version"],
            "changed_at": self.at,
            "cause": self.cause,
            "fields": [
                {"name": name, "before": _json(before.get(name)), "after": _json(after[name])} for name in changed
            ],
        }

    def _load(self, entity: str, id_: str) -> Entity | None:
        if (entity, id_) not in self._now:
            self._before[entity, id_] = self._now[entity, id_] = self.rows.entities.get(entity, id_)
        return self._now[entity, id_]


def _alive(record: Entity | None) -> Entity | None:
    return None if record is None or record["deleted"] else record


def _changed(before: Entity | None, now: Entity) -> list[str]:
    """Return the names of the fields that differ."""
    if before is None:
        return [name for name, value in now.items() if value is not None]
    return [name for name, value in now.items() if before[name] is not value and before[name] != value]


def _json(value: Any) -> str | None:
    """Return the JSON of a field's value; decimals, dates and instants as text."""
    return None if value is None else conflicts.written(value)
