"""What canonical records say, whatever ids they were given and in which order their sources spoke."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.kafka.records import Entity
from streams.stages.conflicts import Source
from streams.stages.mapping import paths
from tests.replay.vendors import Key

ABOUT = ("id", "tenant", "version", "changed_at", "provenance", "conflicts", "rules", "refs")
"""Fields that say which record it is and how it came about."""

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A canonical id; one of what is gone leads nowhere."""
OURS_FIRST = "emails"
"""It shows who was first: what we wrote into an object before its vendor says the same is our word, not its own."""
LEFT = "left by what is gone"
"""Stands for a value that only a record told that is gone: it stays where it was known at all."""


def differences(one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what two replays say differently."""
    found = [f"{name} is only in one of them" for name in sorted(one.keys() ^ other.keys())]
    for name in sorted(one.keys() & other.keys()):
        for field in sorted(one[name].keys() | other[name].keys()):
            mine, theirs = one[name].get(field), other[name].get(field)
            if field == "custom":
                mine, theirs = _shared(mine or {}, theirs or {}), _shared(theirs or {}, mine or {})
            if mine != theirs and LEFT not in (mine, theirs) and not (field == OURS_FIRST and [] in (mine, theirs)):
                found.append(f"{name}: {field} is {mine!r} or {theirs!r}")
    return found


def _shared(custom: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the custom fields without those that either record has of what is gone."""
    return {name: value for name, value in custom.items() if LEFT not in (value, other.get(name))}


def facts(latest: Mapping[tuple[str, str], Entity], created: set[Key]) -> dict[str, dict[str, Any]]:
    """Return every living record's fields by a name that does not depend on the choice of its id.

    A record's name is the first of its vendors' objects, of those that were there without us; a document that is there
    because of us is named by its order, a payment by its document. Canonical ids in fields become such names.

    What has no such name is left out: it is there for the sake of something that is gone. So are cancelled orders with
    their documents: who hears of an order only after its end never had one.
    """
    living = {id_: (entity, record) for (entity, id_), record in latest.items() if _lives(record)}
    names = {id_: name for id_, (_, record) in living.items() if (name := _name(record, created)) is not None}
    for of in (_order, _document):
        for id_, (_, record) in living.items():
            if id_ not in names and (cause := of(record)) in names and record["status"] != "VOID":
                kinds = sorted(f"{ref['vendor']}/{ref['object']}" for ref in record["refs"])
                names[id_] = f"{', '.join(kinds)} of {names[cause]}"
    for id_, (_, record) in living.items():
        survivor: str | None = record["merged_into"]
        while survivor is not None:
            if survivor in names:
                names[id_] = names[survivor]
            survivor = living[survivor][1]["merged_into"] if survivor in living else None
    found = {}
    for id_, (entity, record) in living.items():
        if record["merged_into"] is None and id_ in names:
            told = {name: value for name, value in _told(record).items() if name not in ABOUT}
            refs = sorted(f"{r['vendor']}/{r['object']}/{r['id']}" for r in record["refs"] if _key(r) not in created)
            found[f"{entity} {names[id_]}"] = {**_renamed(told, names), "refs": refs}
    return found


def _lives(record: Entity) -> bool:
    return not record["deleted"] and record.get("status") != "CANCELLED"


def _told(record: Entity) -> dict[str, Any]:
    """Return the record as JSON, with a mark for what only a record said that it has no reference to any more."""
    told: dict[str, Any] = paths.plain(record)
    types = {(ref["vendor"], ref["object"]) for ref in record["refs"]}
    for field, said in record["provenance"].items():
        if Source.parse(said)[:2] not in types:
            name = field.removeprefix("custom.")
            (told if name == field else told["custom"])[name] = LEFT
    return told


def _name(record: Entity, created: set[Key]) -> str | None:
    refs = sorted("/".join(_key(ref)) for ref in record["refs"] if _key(ref) not in created)
    return refs[0] if refs else None


def _order(record: Entity) -> str:
    return str(record.get("order_id"))


def _document(record: Entity) -> str:
    return str(next((part["invoice_id"] for part in record.get("allocations") or ()), None))


def _key(ref: Mapping[str, str]) -> Key:
    return ref["vendor"], ref["object"], ref["id"]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(part, names) for name, part in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, str):
        return names.get(value) if ID.fullmatch(value) else value
    return value
