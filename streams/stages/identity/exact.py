"""Canonical ids, the crosswalk's rows, and keys that decide alone."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha1
from typing import Any
from uuid import UUID

from connectors.kafka.records import Entity
from streams.stages import normalise
from streams.stages.mapping import Ref
from streams.stages.rows import Link, Match
from streams.stages.tables import Rows

NAMESPACE = UUID("7f0f4d51-6a53-5c9a-9b3e-2f8f3c0f6f61")
"""Fixed for ever: every canonical id is derived from it."""
_VARIANT = "89ab" * 4


def new_id(tenant: str, ref: Ref) -> str:
    """Return the canonical id of an entity that is first seen as `ref`."""
    named = f"{tenant}\x1f{ref.vendor}\x1f{ref.object}\x1f{ref.id}".encode()
    digest = sha1(NAMESPACE.bytes + named, usedforsecurity=False).hexdigest()
    variant = _VARIANT[int(digest[16], 16)]  # RFC 9562, 5.5: version 5, and two bits that say whose form it is
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def match_keys(entity: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
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


def linked(
    link: Link | None,
    entity: str,
    id_: str,
    version: str,
    object_key: str | None = None,
    digest: str | None = None,
) -> Link:
    """Return the crosswalk row of an object that is now known to be an entity."""
    former = link or Link()
    return Link(
        entity=entity,
        id=id_,
        source_version=max(former.source_version, version),
        object_key=object_key or former.object_key,
        digest=digest if digest is not None else former.digest if former.id in (None, id_) else "",
        deleted=False,
        traits=former.traits,
        keyed=former.keyed,
    )
