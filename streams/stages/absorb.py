"""One vendor object into the canonical record it belongs to: map, resolve, merge, fill references."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.errors import MappingError
from connectors.kafka.records import VendorRecord
from connectors.wire import loads
from streams.stages import content, echoes, overheard, parties, references
from streams.stages.conflicts import Source
from streams.stages.identity import past
from streams.stages.mapping import Draft, Ref
from streams.stages.mapping.inbound import draft, stated_id, stated_version
from streams.stages.mapping.model import Template
from streams.stages.mapping.paths import ITEMS
from streams.stages.merge import ONLY_TRUE, merge
from streams.stages.rows import Link, Match
from streams.stages.work import Work

NOES = "party"
"""The entity that may have opted out."""
PARTS = "parts"
"""Kind of match rows: what a product is made of, as types and ids in turn."""


def absorb_once(work: Work, ref: Ref, body: Mapping[str, Any], version: str, *, ours: bool = False) -> None:
    """Merge one vendor object unless its content was taken in already; README.md says why that changes nothing.

    Args:
        work: the unit of work.
        ref: the object.
        body: its JSON.
        version: of the object; not older than the one that is known.
        ours: this version came about by our own write.

    Raises:
        MappingError: as `absorb`.
    """
    template = _template(work, ref.vendor, ref.object)
    # What else it holds is no part of its own content.
    parts = _parts(work, template, body, version)
    if template.entity == "product" and template.parts:
        _own_parts(work, ref, parts)
    link, said = work.linked(ref), content.digest(template, work.settings.fingerprint, body)
    if link.digest != said or link.entity != template.entity or link.id is None:
        _own(work, template, body, version, said=said)
    elif version > link.source_version:
        if ours or _said_again(work, ref, link, version):
            work.link(ref, link.entity, link.id, version, digest=said)
        else:
            _own(work, template, body, version, said=said)


def _said_again(work: Work, ref: Ref, link: Link, version: str) -> bool:
    """Let a newer version vouch for what an older one said; False: others had a say as well, so they are compared."""
    record = work.get(link.entity or "", link.id)
    known, newer = (str(Source(ref.vendor, ref.object, one)) for one in (link.source_version, version))
    if record is None or record.get("conflicts") or any(said != known for said in record["provenance"].values()):
        return False
    work.save(link.entity or "", {**record, "provenance": dict.fromkeys(record["provenance"], newer)})
    return True


def absorb(
    work: Work,
    vendor: str,
    object_type: str,
    body: Mapping[str, Any],
    version: str,
    id_: str | None = None,
    written: Collection[str] = (),
) -> str:
    """Merge one vendor object, after what else it holds, into the record it belongs to and return the canonical id.

    Args:
        work: the unit of work.
        vendor: connector folder name.
        object_type: the vendor's name of the type.
        body: its JSON.
        version: of the object.
        id_: the canonical id where it is known already.
        written: the vendor's fields that we have just written, if this is the answer to that.

    Raises:
        MappingError: it cannot become what its template promises, or no template reads it.
    """
    template = _template(work, vendor, object_type)
    _parts(work, template, body, version)
    return _own(work, template, body, version, id_, written)


def absorb_no(work: Work, ref: Ref, late: VendorRecord) -> None:
    """Let a person's no count that only an older version than the known one said: it stays whenever it is heard of.

    Of an object that is gone it is the no of who that was, or of what its vendor merged it into.

    Raises:
        MappingError: the version cannot become what its template promises.
    """
    template = work.settings.templates.inbound(ref.vendor, ref.object)
    entity, id_, _ = past.known(work.rows, past.standing(work.rows, ref)[0])
    record = work.get(NOES, id_) if entity == NOES else None
    if template is None or template.entity != NOES or record is None or late.deleted or late.hint:
        return
    found = draft(template, parsed(late.body), work.settings.values)
    noes = {name: True for name in sorted(ONLY_TRUE) if found.fields.get(name)}
    if not noes:
        return
    said = Draft(NOES, ref, noes, {}, {}, ())
    merged = merge(record, said, late.source_version, work.settings.policies)
    work.save(NOES, {**merged, "refs": record["refs"]})


def _template(work: Work, vendor: str, object_type: str) -> Template:
    found = work.settings.templates.inbound(vendor, object_type)
    if found is None:
        raise MappingError("object", f"no mapping template reads {vendor} {object_type}; add one or stop reading it")
    return found


def _own(
    work: Work,
    template: Template,
    body: Mapping[str, Any],
    version: str,
    id_: str | None = None,
    written: Collection[str] = (),
    said: str | None = None,
) -> str:
    """Merge what a record says of itself; `said` is the digest of its content, where it is known already."""
    found = draft(template, body, work.settings.values)
    link = work.linked(found.ref)
    new = link.id is None
    key, doubt, answer = link.object_key, None, id_ is not None
    if new and id_ is None:
        who = work.resolve(found)
        id_, doubt = who.id, who.doubt
        # What we are just creating may come back before the answer tells us which it is.
        key = f"{found.entity}/{id_}" if work.get(found.entity, id_) is not None else None
    if written:
        echoes.note(work.rows, template, found, written)
    news = found
    if key is not None:
        news = echoes.heard(work.rows, found if answer else overheard.aside(work, found, version, key))
    if said is None and template.entity != "order":
        said = content.digest(template, work.settings.fingerprint, body)
    if said is not None and version == link.source_version and link.digest not in ("", said):
        said = content.SEVERAL
    resolution = replace(work.apply(found, version, id_, news, said), doubt=doubt)
    references.attach(work, found, resolution.id, version)
    known = parties.settle(work, found, resolution) if found.entity == "party" else resolution.id
    if link.deleted:
        parties.returned(work, found.ref, found.entity, known)
    if new:
        references.arrived(work, found.ref, known)
    return known


def _parts(work: Work, template: Template, body: Mapping[str, Any], version: str) -> list[Ref]:
    """Take in the objects that a record holds, unless newer versions are known, and return them; they may read it."""
    found = []
    for part in template.parts:
        within = _template(work, template.vendor, part.object)
        for item in _found(body, part.steps):
            own = {**item, "record": body} if part.steps else item
            ref = Ref(template.vendor, part.object, stated_id(within, own, work.settings.values))
            stated = stated_version(within, own, work.settings.values) or version
            if ref.id:
                found.append(ref)
            if ref.id and not work.linked(ref).newer_than(stated):
                absorb_once(work, ref, own, stated)
    return found


def _own_parts(work: Work, holder: Ref, parts: Sequence[Ref]) -> None:
    """Remember what a product is made of, and let go what it is not made of any more: no vendor tells of that.

    Such a part may come back in any version; older states of the holder, which know it, are passed over.
    """
    key = PARTS, holder.vendor, holder.object, holder.id
    known = work.rows.matches.get(*key)
    names = [name for ref in parts for name in (ref.object, ref.id)]
    former = known.ids if known is not None else []
    for place in range(0, len(former), 2):
        ref = Ref(holder.vendor, *former[place : place + 2])
        if ref not in parts:
            leave(work, ref, work.linked(ref), "")
    if names != former:
        if names:
            work.rows.matches.put(Match(names), *key)
        else:
            work.rows.matches.drop(*key)


def leave(work: Work, ref: Ref, link: Link, version: str) -> None:
    """Take in that a vendor's object is gone, with what it was made of."""
    if link.entity == "product":
        _own_parts(work, ref, [])
    if link.entity is not None and link.id is not None:
        work.unlink(ref, link.entity, link.id)
        past.remember(work.rows, ref, link.entity, link.id)
    work.records.leave(ref)
    gone = Link(object_key=link.object_key, source_version=version, deleted=True)
    work.rows.links.put(gone, ref.vendor, ref.object, ref.id)


def _found(value: Any, steps: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects at the end of a path."""
    if not steps:
        if isinstance(value, Mapping):
            yield value
        return
    name = steps[0].removesuffix(ITEMS)
    below = value.get(name) if isinstance(value, Mapping) else None
    for item in (below or ()) if name != steps[0] else (below,):
        yield from _found(item, steps[1:])


def version_in(work: Work, vendor: str, object_type: str, body: Mapping[str, Any]) -> str:
    """Return the source version that a body states, "" if its template finds none."""
    template = work.settings.templates.inbound(vendor, object_type)
    return "" if template is None else stated_version(template, body, work.settings.values)


def parsed(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object in a body.

    Raises:
        MappingError: it is none.
    """
    try:
        found = loads(body)
    except ValueError as error:
        raise MappingError("body", f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise MappingError("body", "is not a JSON object")
    return found
