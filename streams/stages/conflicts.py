"""Where systems disagree: what was refused, and who says it, beside the value that stands.

An entry goes when its system says the same as what stands, or nothing; or when its word becomes what stands. A system's
older version never takes the place of a newer one.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from connectors.kafka.records import Entity
from streams.stages.mapping import paths, schema
from streams.stages.mapping.model import Template
from streams.stages.mapping.schema import Type
from streams.stages.policies import Policy

FIELD = "conflicts"
_ENCODED = msgspec.json.Encoder(order="sorted").encode


class Source(NamedTuple):
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


def written(value: Any) -> str:
    """Return the JSON of a field's value; decimals, dates and instants as text."""
    return _ENCODED(value if value.__class__ is str else paths.plain(value)).decode()


def read(wanted: Type, value: Any) -> Any:
    """Return a value whose JSON `written` made in the codec's type."""
    if value is None:
        return None
    if wanted.kind != "record":
        return wanted.convert(value)
    return {name: read(part, value.get(name)) for name, part in (wanted.fields or {}).items()}


def typed(template: Template | None, entity: str, field: str, text: str) -> Any:
    """Return a field's value, a custom one's too, in the codec's type from its JSON.

    Args:
        template: the inbound one that says of which type a custom field is.
        entity: whose field it is.
        field: its name, `custom.<name>` of a custom one.
        text: what `written` made of it.

    Raises:
        ValueError: it does not fit any more.
    """
    value, custom = json.loads(text), field.removeprefix("custom.")
    if custom == field:
        return read(schema.entity(entity)[field], value)
    kinds = (known.type for known in (template.custom if template is not None else ()) if known.path == custom)
    kind = next(kinds, None)
    return value if kind is None else read(kind, value)


def differ(one: Any, other: Any) -> bool:
    """Tell whether two values disagree: capitals and blanks are how vendors write, an empty value says nothing."""
    return one != other and other is not None and _plain(paths.plain(one)) != _plain(paths.plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.split()).casefold()
    return {name: _plain(part) for name, part in value.items()} if isinstance(value, dict) else value


def refuse(record: Entity, field: str, policy: Policy, stands: Any, value: Any, source: Source) -> None:
    """Note that a system says something else than what stands, or that it does not any more.

    `record` is changed, its list of conflicts replaced. Of several that say the same the newest is named, with the
    version in which it first said so.
    """
    disagree = differ(stands, value)
    here = [entry for entry in record[FIELD] if entry["field"] == field]
    if not disagree and not here:
        return
    former = next((entry for entry in here if _says(entry, source)), None)
    if former is not None and source.version < Source.parse(former["refused_by"]).version:
        return
    text = written(value) if disagree else None
    if former is not None and former["refused"] == text:
        return  # said again, that is no change of the record
    entries = [entry for entry in record[FIELD] if entry is not former]
    if text is not None:
        same = next((entry for entry in here if entry["refused"] == text), None)
        if same is None or newer(source, Source.parse(same["refused_by"])):
            entry = {"field": field, "policy": policy.name, "refused": text, "refused_by": str(source)}
            entries = [*(other for other in entries if other is not same), {**entry, "review": same and same["review"]}]
    record[FIELD] = sorted(entries, key=_place)


def newer(one: Source, other: Source) -> bool:
    """Tell whether one record is newer than another; of two equally new ones always the same is."""
    return (one.version, one.vendor, one.object) > (other.version, other.vendor, other.object)


def settle(record: Entity, field: str, stands: Any, source: Source) -> None:
    """Forget what agrees with the value that stands now, and what its system said before."""
    if not any(entry["field"] == field for entry in record[FIELD]):
        return
    record[FIELD] = [
        entry
        for entry in record[FIELD]
        if entry["field"] != field or not (_says(entry, source) or not differ(stands, json.loads(entry["refused"])))
    ]


def without(record: Entity, refs: list[dict[str, str]]) -> Entity:
    """Return the record with these references, and without what vendors said that do not know it any more."""
    left = {**record, "refs": refs}
    if record.get(FIELD):
        types = {(ref["vendor"], ref["object"]) for ref in refs}
        left[FIELD] = [entry for entry in record[FIELD] if Source.parse(entry["refused_by"])[:2] in types]
    return left


def news(before: Entity | None, after: Entity) -> Iterator[dict[str, Any]]:
    """Yield the entries that were not there before."""
    known = {_same(entry) for entry in (before or {}).get(FIELD, ())}
    yield from (entry for entry in after.get(FIELD, ()) if _same(entry) not in known)


def _same(entry: dict[str, Any]) -> tuple[str, str, str]:
    by = Source.parse(entry["refused_by"])
    return entry["field"], f"{by.vendor}/{by.object}", entry["refused"]


def _says(entry: dict[str, Any], source: Source) -> bool:
    said = Source.parse(entry["refused_by"])
    return (said.vendor, said.object) == (source.vendor, source.object)


def _place(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["field"], entry["refused_by"]
