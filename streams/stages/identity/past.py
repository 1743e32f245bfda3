"""Vendors' objects that are gone: which record each was last, and what its vendor made of it.

One row each for an object, beside the crosswalk's that stays as well; read only where the crosswalk says it is gone.
"""

from streams.stages.mapping import Ref
from streams.stages.rows import Link, Match
from streams.stages.tables import Rows

WAS, MERGED = "was", "merged"
"""Kinds of match rows by vendor, object and id: entity and canonical id that it was; the id that it was merged into."""


def remember(rows: Rows, ref: Ref, entity: str, id_: str) -> None:
    """Keep which record an object was that goes now."""
    rows.matches.put(Match([entity, id_]), WAS, ref.vendor, ref.object, ref.id)


def merged(rows: Rows, ref: Ref, survivor: Ref) -> None:
    """Keep what a vendor merged an object of its own into."""
    rows.matches.put(Match([survivor.id]), MERGED, ref.vendor, ref.object, ref.id)


def was(rows: Rows, ref: Ref) -> str | None:
    """Return the canonical id that an object which is gone was last, None if it never was anything."""
    match = rows.matches.get(WAS, ref.vendor, ref.object, ref.id)
    return match.ids[1] if match is not None else None


def forget(rows: Rows, ref: Ref) -> tuple[str, str] | None:
    """Forget both, as the object is back, and return entity and canonical id that it was."""
    was = rows.matches.get(WAS, ref.vendor, ref.object, ref.id)
    for kind in (WAS, MERGED):
        rows.matches.drop(kind, ref.vendor, ref.object, ref.id)
    return (was.ids[0], was.ids[1]) if was is not None else None


def known(rows: Rows, ref: Ref) -> tuple[str | None, str | None, bool]:
    """Return entity and canonical id of an object, None if there is none, and whether it is gone and only was that."""
    link = rows.links.get(ref.vendor, ref.object, ref.id)
    if link is None or not link.deleted:
        return (None, None, False) if link is None else (link.entity, link.id, False)
    was = rows.matches.get(WAS, ref.vendor, ref.object, ref.id)
    return (None, None, True) if was is None else (was.ids[0], was.ids[1], True)


def standing(rows: Rows, ref: Ref) -> tuple[Ref, Link]:
    """Return what stands for an object, itself or what its vendor merged it into, and the crosswalk row of that."""
    link, seen = rows.links.get(ref.vendor, ref.object, ref.id) or Link(), [ref]
    while link.deleted:
        into = rows.matches.get(MERGED, ref.vendor, ref.object, ref.id)
        if into is None or (heir := Ref(ref.vendor, ref.object, into.ids[0])) in seen:
            break
        ref, link = heir, rows.links.get(heir.vendor, heir.object, heir.id) or Link()
        seen.append(ref)
    return ref, link
