"""A draft into the golden record, field by field.

Who wins a field: its owner among the vendors, then the newest version of the vendor's object. What an owner leaves
empty is empty; what another vendor leaves empty says nothing. Provenance keeps who set a field, so that an older or
repeated version never moves it back. Opt-outs only ever come true, lists of addresses and numbers only grow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.kafka.records import Entity
from streams.stages.mapping import Draft, Ref, schema

OWNERS: Mapping[str, str] = {
    "party": "salesforce",
    "product": "salesforce",
    "order": "salesforce",
    "invoice": "quickbooks",
    "payment": "quickbooks",
}
"""Salesforce owns master data, QuickBooks finance."""
FIELD_OWNERS: Mapping[tuple[str, str], str] = {("party", "opted_out"): "pardot"}
"""Exceptions by field."""
UNIONS = frozenset({("party", "emails"), ("party", "phones")})
STICKY = frozenset({("party", "opted_out")})


@dataclass(frozen=True, slots=True)
class Source:
    """Who set a field: vendor, object, version."""

    vendor: str
    object: str
    version: str

    def __str__(self) -> str:
        return f"{self.vendor}/{self.object}/{self.version}"

    @classmethod
    def parse(cls, text: str) -> "Source":
        """Read what `str` wrote."""
        vendor, object_type, version = text.split("/", 2)
        return cls(vendor, object_type, version)


def fresh(entity: str, tenant: str, id_: str) -> Entity:
    """Return a record with nothing in it, version 0."""
    defaults = {name: _copy(value) for name, value in schema.empty(entity).items()}
    return {"id": id_, "tenant": tenant, "version": 0, "changed_at": None, **defaults}


def _copy(value: Any) -> Any:
    return type(value)(value) if isinstance(value, list | dict) else value


def merge(record: Entity, draft: Draft, version: str) -> Entity:
    """Return the record with what the draft may set; neither argument is changed."""
    merged = {**record, "provenance": dict(record["provenance"]), "custom": dict(record["custom"])}
    source = Source(draft.ref.vendor, draft.ref.object, version)
    for name, value in draft.fields.items():
        _merge_field(merged, draft.entity, name, value, source)
    for name, value in draft.custom.items():
        if _wins(merged, draft.entity, f"custom.{name}", value, merged["custom"].get(name), source):
            merged["custom"][name] = value
    merged["refs"] = with_ref(record["refs"], draft.ref)
    return merged


def joined(survivor: Entity, loser: Entity, entity: str = "party") -> Entity:
    """Return what a record becomes when another turns out to be the same; neither argument is changed.

    Field by field the same rules decide as between two vendors' records, by who set each.
    """
    merged = _copied(survivor)
    for name, said in loser["provenance"].items():
        source, custom = Source.parse(said), name.removeprefix("custom.")
        if custom == name:
            _merge_field(merged, entity, name, loser[name], source)
        elif _wins(merged, entity, name, loser["custom"].get(custom), merged["custom"].get(custom), source):
            merged["custom"][custom] = loser["custom"].get(custom)
    merged["refs"] = sorted(
        [*survivor["refs"], *(ref for ref in loser["refs"] if ref not in survivor["refs"])], key=_place
    )
    merged["organisation_id"] = survivor["organisation_id"] or loser["organisation_id"]
    return merged


def parted(now: Entity, before: Entity, former: Entity, entity: str = "party") -> tuple[Entity, Entity]:
    """Return what survivor and loser of a merge are when it is undone.

    A field goes to the one whose vendor's type of object set it. Where that may be either, both are as they were
    before the merge: the vendors' records, read again, then bring them up to date.

    Args:
        now: the survivor as it stands.
        before: the survivor before the merge.
        former: the loser before the merge.
        entity: what they are.
    """
    refs = [ref for ref in now["refs"] if ref not in former["refs"]]
    mine, theirs = _types(refs), _types(former["refs"])
    survivor, loser = _copied({**now, "refs": refs}), _copied(former)
    for name in (*schema.empty(entity), *(f"custom.{key}" for key in now["custom"])):
        if name in {"provenance", "custom", "refs", "finance"}:
            continue
        said = now["provenance"].get(name)
        origin = Source.parse(said) if said is not None else None
        by = (origin.vendor, origin.object) if origin is not None else None
        if (entity, name) in UNIONS:
            lent = {value.casefold() for value in former[name]} - {value.casefold() for value in before[name]}
            survivor[name] = [value for value in now[name] if value.casefold() not in lent]
            if by not in mine - theirs:
                _put(survivor["provenance"], name, before["provenance"])
        elif by not in mine - theirs:
            if by in theirs - mine:
                _hand(loser, now, name)
            _hand(survivor, before, name)
    return survivor, loser


def _types(refs: list[dict[str, str]]) -> set[tuple[str, str] | None]:
    return {(ref["vendor"], ref["object"]) for ref in refs}


def _copied(record: Entity) -> Entity:
    return {**record, "provenance": dict(record["provenance"]), "custom": dict(record["custom"])}


def _hand(into: Entity, source: Entity, name: str) -> None:
    """Set a field, and who set it, as they are in another record."""
    custom = name.removeprefix("custom.")
    if custom == name:
        into[name] = source[name]
    else:
        _put(into["custom"], custom, source["custom"])
    _put(into["provenance"], name, source["provenance"])


def _put(into: dict[str, Any], name: str, source: Mapping[str, Any]) -> None:
    if name in source:
        into[name] = source[name]
    else:
        into.pop(name, None)


def _merge_field(merged: Entity, entity: str, name: str, value: Any, source: Source) -> None:
    current = merged[name]
    if (entity, name) in STICKY:
        if value and not current:
            merged[name], merged["provenance"][name] = True, str(source)
    elif (entity, name) in UNIONS:
        wins = bool(value) and _wins(merged, entity, name, value, current, source)
        merged[name] = _union(value or [], current) if wins else _union(current, value or [])
    elif _wins(merged, entity, name, value, current, source):
        merged[name] = value if value is not None else schema.empty(entity)[name]


def _union(preferred: list[str], others: list[str]) -> list[str]:
    """Return the first of the preferred, then all else in order of text, whatever the case of letters only once.

    One set of sources so makes one list, in whichever order they come.
    """
    found = {value.casefold(): value for value in preferred[:1]}
    for value in sorted({*preferred, *others}):
        found.setdefault(value.casefold(), value)
    return list(found.values())


def _wins(merged: Entity, entity: str, name: str, value: Any, current: Any, source: Source) -> bool:
    """Tell whether `source` sets the field, and if so note it as the one who did."""
    said = merged["provenance"].get(name)
    owner = FIELD_OWNERS.get((entity, name), OWNERS[entity])
    if said is None or _beats(source, Source.parse(said), owner, value, current):
        merged["provenance"][name] = str(source)
        return True
    return False


def _beats(mine: Source, theirs: Source, owner: str, value: Any, current: Any) -> bool:
    if (mine.vendor, mine.object) == (theirs.vendor, theirs.object):
        return mine.version >= theirs.version
    if mine.vendor == owner != theirs.vendor:
        return True
    if theirs.vendor == owner != mine.vendor or value is None:
        return False
    if current is None:
        return True
    return (mine.version, mine.vendor, mine.object) > (theirs.version, theirs.vendor, theirs.object)


def with_ref(refs: list[dict[str, str]], ref: Ref) -> list[dict[str, str]]:
    """Return the references with one more, in order."""
    mine = {"vendor": ref.vendor, "object": ref.object, "id": ref.id}
    return sorted([*refs, mine], key=_place) if mine not in refs else refs


def without_ref(refs: list[dict[str, str]], ref: Ref) -> list[dict[str, str]]:
    """Return the references with one less."""
    mine = {"vendor": ref.vendor, "object": ref.object, "id": ref.id}
    return [other for other in refs if other != mine]


def _place(ref: dict[str, str]) -> tuple[str, str, str]:
    return ref["vendor"], ref["object"], ref["id"]
