"""Our own words, as vendors spell them: nobody's statement, and so no reason to change anything.

A vendor may store what we wrote in capitals, cut, rounded or in another form. Taken for its own statement, two such
vendors would correct each other through us for ever. What the answer to a write says of the fields that we wrote is
kept, and the same said again is passed over; once the vendor says something else, it speaks for itself.
"""

from collections.abc import Collection, Container, Iterator, Mapping

from msgspec.structs import replace

from streams.stages import conflicts
from streams.stages.mapping import Draft, Ref
from streams.stages.mapping.model import Field, Template
from streams.stages.rows import Echo
from streams.stages.tables import Rows

CUSTOM = "custom."


def ours(template: Template, written: Collection[str]) -> set[str]:
    """Return the canonical fields, custom ones marked, that an inbound template makes of these vendor's fields."""
    found = {field.path.partition(".")[0] for field in _reading(template.fields, written)}
    return found | {f"{CUSTOM}{field.path}" for field in _reading(template.custom, written)}


def _reading(fields: Collection[Field], written: Collection[str]) -> Iterator[Field]:
    return (field for field in fields if not field.reads.isdisjoint(written))


def said(draft: Draft, names: Container[str]) -> dict[str, str]:
    """Return the JSON of what a draft says in some fields."""
    found = {name: conflicts.written(value) for name, value in draft.fields.items() if name in names}
    for name, value in draft.custom.items():
        if f"{CUSTOM}{name}" in names:
            found[f"{CUSTOM}{name}"] = conflicts.written(value)
    return found


def without(draft: Draft, names: Container[str]) -> Draft:
    """Return what a draft says in other fields."""
    return replace(
        draft,
        fields={name: value for name, value in draft.fields.items() if name not in names},
        custom={name: value for name, value in draft.custom.items() if CUSTOM + name not in names},
    )


def known(rows: Rows, ref: Ref) -> Mapping[str, str]:
    """Return how a vendor spells our words, by field."""
    row = rows.echoes.get(ref.vendor, ref.object, ref.id)
    return row.fields if row is not None else {}


def keep(rows: Rows, ref: Ref, fields: Mapping[str, str]) -> None:
    """Let these be our words, and no others."""
    if fields != known(rows, ref):
        rows.echoes.set(Echo(fields), ref.vendor, ref.object, ref.id)


def note(rows: Rows, template: Template, draft: Draft, written: Collection[str]) -> None:
    """Keep how a vendor spells the fields that we have just written, and what it still says of those written before.

    Args:
        rows: of the tenant.
        template: the inbound one, by which the answer was read.
        draft: what the answer says.
        written: the vendor's fields that the write had.
    """
    names, former = ours(template, written), known(rows, draft.ref)
    texts = said(draft, names | former.keys())
    keep(rows, draft.ref, {name: text for name, text in texts.items() if name in names or former[name] == text})


def heard(rows: Rows, draft: Draft) -> Draft:
    """Return what a record says of itself, without our own words."""
    former = known(rows, draft.ref)
    if not former:
        return draft
    texts = said(draft, former)
    again = {name for name, text in texts.items() if former[name] == text}
    keep(rows, draft.ref, {name: text for name, text in former.items() if name in again or name not in texts})
    return without(draft, again)
