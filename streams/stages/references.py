"""Fields that hold canonical ids of what vendors call by their own: filled now, or when the object is first seen.

Who decides one is judged as with any other field, by provenance; `merge` notes it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.kafka.records import Entity
from streams.stages.commands import fetch
from streams.stages.conflicts import Source
from streams.stages.identity import past
from streams.stages.mapping import Draft, Ref
from streams.stages.merge import decides
from streams.stages.policies import REFERENCES
from streams.stages.rows import Match, Pending
from streams.stages.work import WAITS, Work

ASKED = frozenset({"quickbooks", "woocommerce"})
"""Vendors whose objects come as hints, and whose fetches know every object that templates refer to."""

PART = "."
"""In the name of an object that is made of a record of another, `order.buyer`: nobody can be asked for it."""


def attach(work: Work, found: Draft, id_: str, version: str) -> None:
    """Fill the fields that a draft decides; one whose object is unknown waits, and what will not come is fetched."""
    record = work.get(found.entity, id_) if found.links else None
    if record is None:
        return
    source = Source(found.ref.vendor, found.ref.object, version)
    known: dict[str, str | None] = {}
    mine: dict[str, bool] = {}
    for path, ref in found.links.items():
        name = path.partition("/")[0]
        if name not in mine:
            mine[name] = _is_by(record, name, source)
        if not mine[name]:
            continue
        known[path] = None
        if ref is None:
            work.rows.matches.drop(WAITS, found.entity, record["id"], path)
            continue
        heir, link = past.standing(work.rows, ref)
        # What is gone is what it was: other objects of it may be there still, or it may come back.
        known[path] = past.was(work.rows, heir) if link.deleted else link.id
        if known[path] is None:
            _wait(work, Pending(found.entity, record["id"], path), heir)
    _fill(work, found.entity, record["id"], known)


def _is_by(record: Entity, name: str, source: Source) -> bool:
    """Tell whether what stands in a field, or in a list with references, is what this source says."""
    said = record["provenance"].get(name)
    by = Source.parse(said) if said is not None else source
    return by[:2] == source[:2] and by.version <= source.version


def _wait(work: Work, row: Pending, ref: Ref) -> None:
    at, awaited = (row.entity, row.id, row.field), [ref.vendor, ref.object, ref.id]
    match = work.awaited(*at)
    if match is None or match.ids != awaited:
        work.rows.pending.put(row, *awaited, *at)
        work.rows.matches.put(Match(awaited), WAITS, *at)
    if ref.vendor in ASKED and PART not in ref.object:
        fetch(work, ref.vendor, ref.object, ref.id, None)


def arrived(work: Work, ref: Ref, id_: str) -> None:
    """Fill the fields that waited for `ref`, now known as `id_`."""
    for row in _waiting(work, ref):
        record = work.get(row.entity, row.id)
        if record is not None and _is_empty(record, row.field):
            _fill(work, row.entity, row.id, {row.field: id_})


def moved(work: Work, ref: Ref) -> None:
    """Let the fields that waited for `ref`, which its vendor merged into another, wait for that."""
    heir, link = past.standing(work.rows, ref)
    if link.id is not None:
        arrived(work, ref, link.id)
    elif heir != ref:
        for row in _waiting(work, ref):
            _wait(work, row, heir)


def _waiting(work: Work, ref: Ref) -> Iterator[Pending]:
    """Yield which fields wait for an object, each of which waits no longer."""
    for parts, row in work.rows.pending.scan(ref.vendor, ref.object, ref.id):
        work.rows.pending.drop(ref.vendor, ref.object, ref.id, *parts)
        match = work.awaited(row.entity, row.id, row.field)
        if match is not None and match.ids == [ref.vendor, ref.object, ref.id]:
            work.rows.matches.drop(WAITS, row.entity, row.id, row.field)
            yield row


def joined(work: Work, entity: str, survivor: Entity, loser: Entity) -> Entity:
    """Return the survivor of a merge with the references of the loser that stand, or wait under its id from now on."""
    merged = {**survivor, "provenance": dict(survivor["provenance"])}
    for path in (name for name in loser if name in REFERENCES):
        said = loser["provenance"].get(path)
        if said is None:  # records of former releases do not tell who set it
            merged[path] = merged[path] or loser[path]
            continue
        source, policy = Source.parse(said), work.settings.policies.of(entity, path)
        mine, theirs = (work.awaited(entity, record["id"], path) for record in (survivor, loser))
        if theirs is not None:
            work.rows.matches.drop(WAITS, entity, loser["id"], path)
        if not decides(merged, path, loser[path] or theirs, merged[path] or mine, source, policy):
            continue
        merged[path] = loser[path]
        if theirs is not None:
            _wait(work, Pending(entity, survivor["id"], path), Ref(*theirs.ids))
        elif mine is not None:
            work.rows.matches.drop(WAITS, entity, survivor["id"], path)
    return merged


def parted(work: Work, entity: str, survivor: Entity, left: Entity) -> None:
    """Let what is left of the survivor of a merge wait no longer for what only the loser named."""
    for path, said in survivor["provenance"].items():
        if path in REFERENCES and left["provenance"].get(path) != said:
            work.rows.matches.drop(WAITS, entity, left["id"], path)


def _is_empty(record: Entity, path: str) -> bool:
    """Tell whether a field is there, in its list item if it is in one, and has no value."""
    name, _, rest = path.partition("/")
    if not rest:
        return record[name] is None
    place, _, field = rest.partition("/")
    items = record[name]
    return int(place) < len(items) and items[int(place)][field] is None


def _fill(work: Work, entity: str, id_: str, values: Mapping[str, str | None]) -> None:
    """Set fields by path, `name` or `name/place/field` in an item of a list; only what differs is copied."""
    record = work.get(entity, id_)
    if record is None:
        return
    changed: dict[str, Any] = {}
    for path, value in values.items():
        name, _, rest = path.partition("/")
        if not rest:
            if record[name] != value:
                changed[name] = value
            continue
        place, _, field = rest.partition("/")
        items, at = changed[name] if name in changed else record[name], int(place)
        if at < len(items) and items[at][field] != value:
            changed[name] = [*items[:at], {**items[at], field: value}, *items[at + 1 :]]
    if changed:
        work.save(entity, {**record, **changed})
