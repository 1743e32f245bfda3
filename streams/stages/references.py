"""Fields that hold canonical ids of what vendors call by their own: filled now, or when the object is first seen."""

from collections.abc import Mapping
from typing import Any

from connectors.kafka.records import Entity
from streams.stages.commands import fetch
from streams.stages.mapping import Ref
from streams.stages.rows import Match, Pending
from streams.stages.work import Work

ASKED = frozenset({"quickbooks", "woocommerce"})
"""Vendors whose objects come as hints, and whose fetches know every object that templates refer to."""

PART = "."
"""In the name of an object that is made of a record of another, `order.buyer`: nobody can be asked for it."""

WAITS = "waits"
"""Kind of match rows: which object a field waits for now; it may have waited for another before."""


def attach(work: Work, entity: str, id_: str, links: Mapping[str, Ref | None]) -> None:
    """Fill the fields of a record; one whose object is unknown waits, and an object that will not come is fetched."""
    known = {path: work.linked(ref).id if ref is not None else None for path, ref in links.items()}
    _fill(work, entity, id_, known)
    for path, ref in links.items():
        if ref is None:
            work.rows.matches.drop(WAITS, entity, id_, path)
        elif known[path] is None:
            _wait(work, Pending(entity, id_, path), ref)


def _wait(work: Work, row: Pending, ref: Ref) -> None:
    at, awaited = (row.entity, row.id, row.field), [ref.vendor, ref.object, ref.id]
    match = work.rows.matches.get(WAITS, *at)
    if match is None or match.ids != awaited:
        work.rows.pending.put(row, *awaited, *at)
        work.rows.matches.put(Match(awaited), WAITS, *at)
    if ref.vendor in ASKED and PART not in ref.object:
        fetch(work, ref.vendor, ref.object, ref.id, None)


def arrived(work: Work, ref: Ref, id_: str) -> None:
    """Fill the fields that waited for `ref`, now known as `id_`."""
    for parts, row in work.rows.pending.scan(ref.vendor, ref.object, ref.id):
        match = work.rows.matches.get(WAITS, row.entity, row.id, row.field)
        if match is not None and match.ids == [ref.vendor, ref.object, ref.id]:
            record = work.get(row.entity, row.id)
            if record is not None and _is_empty(record, row.field):
                _fill(work, row.entity, row.id, {row.field: id_})
            work.rows.matches.drop(WAITS, row.entity, row.id, row.field)
        work.rows.pending.drop(ref.vendor, ref.object, ref.id, *parts)


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
