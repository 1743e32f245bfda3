"""Our own words, as vendors spell them: nobody's statement, and so no reason to change anything.

A vendor may store what we wrote in capitals, cut, rounded or in another form. Taken for its own statement, two such
vendors would correct each other through us for ever. What the answer to a write says of the fields that we wrote is
kept, and the same said again is passed over; once the vendor says something else, it speaks for itself.
"""

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from streams.stages import conflicts
from streams.stages.mapping import Draft
from streams.stages.mapping.model import Field, Template
from streams.stages.rows import Echo
from streams.stages.tables import Rows

CUSTOM = "custom."


def note(rows: Rows, template: Template, draft: Draft, written: Collection[str]) -> None:
    """Keep how a vendor spells the fields that we have just written, and what it still says of those written before.

    Args:
        rows: of the tenant.
        template: the inbound one, by which the answer was read.
        draft: what the answer says.
        written: the vendor's fields that the write had.
    """
    ours = {field.path.partition(".")[0] for field in _reading(template.fields, written)}
    ours |= {f"{CUSTOM}{field.path}" for field in _reading(template.custom, written)}
    row = rows.echoes.get(*_key(draft))
    former = row.fields if row is not None else {}
    said = {name: conflicts.written(value) for name, value in draft.fields.items() if name in ours or name in former}
    for name, value in draft.custom.items():
        if f"{CUSTOM}{name}" in ours or f"{CUSTOM}{name}" in former:
            said[f"{CUSTOM}{name}"] = conflicts.written(value)
    kept = {name: text for name, text in said.items() if name in ours or former[name] == text}
    rows.echoes.put(Echo(kept), *_key(draft))


def _reading(fields: Collection[Field], written: Collection[str]) -> Iterator[Field]:
    return (field for field in fields if not field.reads.isdisjoint(written))


def heard(rows: Rows, draft: Draft) -> Draft:
    """Return what a record says of itself, without our own words."""
    row = rows.echoes.get(*_key(draft))
    if row is None:
        return draft
    said = {name: conflicts.written(value) for name, value in draft.fields.items() if name in row.fields}
    said |= {
        CUSTOM + name: conflicts.written(value) for name, value in draft.custom.items() if CUSTOM + name in row.fields
    }
    ours = {name for name, text in said.items() if row.fields[name] == text}
    left = {name: text for name, text in row.fields.items() if name in ours or name not in said}
    if len(left) < len(row.fields):
        rows.echoes.put(Echo(left), *_key(draft))
    return replace(
        draft,
        fields={name: value for name, value in draft.fields.items() if name not in ours},
        custom={name: value for name, value in draft.custom.items() if CUSTOM + name not in ours},
    )


def _key(draft: Draft) -> tuple[str, str, str]:
    return draft.ref.vendor, draft.ref.object, draft.ref.id
