"""One vendor object into the canonical record it belongs to: map, resolve, merge, fill references."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.errors import MappingError
from connectors.wire import loads
from streams.stages import content, parties, references
from streams.stages.conflicts import Source
from streams.stages.mapping import Draft, Ref
from streams.stages.mapping.inbound import draft, stated_id, stated_version
from streams.stages.mapping.model import Part
from streams.stages.mapping.paths import ITEMS
from streams.stages.rows import Link
from streams.stages.work import Work


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
    template, link = work.settings.templates.inbound(ref.vendor, ref.object), work.linked(ref)
    said = content.digest(template, work.settings.fingerprint, body) if template is not None else ""
    if template is None or link.digest != said or link.entity != template.entity or link.id is None:
        absorb(work, ref.vendor, ref.object, body, version, said=said)
    elif version > link.source_version:
        if ours or _said_again(work, ref, link, version):
            work.link(ref, link.entity, link.id, version, digest=said)
        else:
            absorb(work, ref.vendor, ref.object, body, version, said=said)


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
    said: str | None = None,
) -> str:
    """Merge one vendor object, after what else it holds, into the record it belongs to and return the canonical id.

    Args:
        work: the unit of work.
        vendor: connector folder name.
        object_type: the vendor's name of the type.
        body: its JSON.
        version: of the object.
        id_: the canonical id where it is known already.
        said: digest of its content, where it is known already.

    Raises:
        MappingError: it cannot become what its template promises, or no template reads it.
    """
    template = work.settings.templates.inbound(vendor, object_type)
    if template is None:
        raise MappingError("object", f"no mapping template reads {vendor} {object_type}; add one or stop reading it")
    for part in template.parts:
        _part(work, vendor, part, body, version)
    found = draft(template, body, work.settings.values)
    new = work.linked(found.ref).id is None
    if said is None and template.entity != "order":
        said = content.digest(template, work.settings.fingerprint, body)
    resolution = work.apply(found, version, id_, said)
    known = parties.settle(work, found, resolution) if found.entity == "party" else resolution.id
    references.attach(work, found.entity, known, _told(work, found))
    if new:
        references.arrived(work, found.ref, known)
    return known


def _part(work: Work, vendor: str, part: Part, body: Mapping[str, Any], version: str) -> None:
    """Take in the objects that a record holds, unless newer versions are known; they may read it as `record`."""
    template = work.settings.templates.inbound(vendor, part.object)
    if template is None:
        raise MappingError("parts", f"no mapping template reads {vendor} {part.object}; add one or remove the part")
    for item in _found(body, part.steps):
        within = {**item, "record": body} if part.steps else item
        id_ = stated_id(template, within, work.settings.values)
        own = stated_version(template, within, work.settings.values) or version
        ref = Ref(vendor, part.object, id_)
        if id_ and not work.linked(ref).newer_than(own):
            absorb_once(work, ref, within, own)


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


def _told(work: Work, found: Draft) -> Mapping[str, Ref | None]:
    """Return the links that count: that another vendor than the owner has none there says nothing."""
    owner = work.settings.policies.owner(found.entity) == found.ref.vendor
    return {path: ref for path, ref in found.links.items() if owner or ref is not None}


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
