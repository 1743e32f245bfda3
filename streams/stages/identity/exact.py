"""Who is it? A draft is the entity that its vendor object already is, or one with the same match key, or a new one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from connectors.kafka.records import Entity
from streams.stages import normalise
from streams.stages.mapping import Draft, Ref
from streams.stages.rows import Link, Match, Rows

NAMESPACE = UUID("7f0f4d51-6a53-5c9a-9b3e-2f8f3c0f6f61")
"""Fixed for ever: every canonical id is derived from it."""

Lookup = Callable[[str, str], Entity | None]


def new_id(tenant: str, ref: Ref) -> str:
    """Return the canonical id of an entity that is first seen as `ref`."""
    return str(uuid5(NAMESPACE, f"{tenant}\x1f{ref.vendor}\x1f{ref.object}\x1f{ref.id}"))


def resolve(rows: Rows, tenant: str, draft: Draft, get: Lookup) -> str:
    """Return the canonical id of a draft: by external reference, else by match key, else a new one.

    Args:
        rows: crosswalk and match keys.
        tenant: whose.
        draft: what is to be identified.
        get: returns a record by entity and id as it stands now.
    """
    for ref in (draft.ref, *draft.same_as):
        link = rows.links.get(ref.vendor, ref.object, ref.id)
        if link is not None and link.id is not None and link.entity == draft.entity:
            return link.id
    for kind, value in match_keys(draft.entity, draft.fields):
        found = _matching(rows, draft, kind, value, get)
        if found is not None:
            return found
    return new_id(tenant, draft.ref)


def _matching(rows: Rows, draft: Draft, kind: str, value: str, get: Lookup) -> str | None:
    """Return the first entity with the key that its vendor does not itself keep apart from this record."""
    match = rows.matches.get(kind, value)
    for id_ in match.ids if match else ():
        other = get(draft.entity, id_)
        if other is not None and not any(_same_type(ref, draft.ref) for ref in other["refs"]):
            return id_
    return None


def _same_type(ref: dict[str, Any], mine: Ref) -> bool:
    return bool(ref["vendor"] == mine.vendor and ref["object"] == mine.object and ref["id"] != mine.id)


def match_keys(entity: str, fields: Any) -> Iterator[tuple[str, str]]:
    """Yield kind and value of every match key, the strongest first."""
    if entity == "product" and fields.get("sku"):
        key = normalise.sku_key(fields["sku"])
        if key:
            yield "sku", key
    if entity == "party" and fields.get("kind") == "PERSON":
        for key in dict.fromkeys(normalise.email_key(email) for email in fields.get("emails") or ()):
            if key:
                yield "email", key
    if entity == "party" and fields.get("kind") == "ORGANISATION" and fields.get("name"):
        key = normalise.company_key(fields["name"])
        if key:
            yield "company", key


def index(rows: Rows, entity: str, id_: str, before: Entity | None, after: Entity | None) -> None:
    """Keep the match rows in step with a changed record."""
    old = list(match_keys(entity, before)) if before else []
    new = list(match_keys(entity, after)) if after else []
    for kind, value in old:
        if (kind, value) not in new:
            _set(rows, kind, value, [other for other in _ids(rows, kind, value) if other != id_])
    for kind, value in new:
        if id_ not in _ids(rows, kind, value):
            _set(rows, kind, value, [*_ids(rows, kind, value), id_])


def _ids(rows: Rows, kind: str, value: str) -> Sequence[str]:
    match = rows.matches.get(kind, value)
    return match.ids if match else ()


def _set(rows: Rows, kind: str, value: str, ids: Sequence[str]) -> None:
    if ids:
        rows.matches.put(Match(ids), kind, value)
    else:
        rows.matches.drop(kind, value)


def linked(link: Link | None, entity: str, id_: str, version: str, object_key: str | None = None) -> Link:
    """Return the crosswalk row of an object that is now known to be an entity."""
    former = link or Link()
    return replace(
        former,
        entity=entity,
        id=id_,
        source_version=max(former.source_version, version),
        object_key=object_key or former.object_key,
        deleted=False,
    )
