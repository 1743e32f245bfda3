"""Vendors' records of parties in the matcher's index, and what the matcher says of a new one."""

from streams.stages.mapping import Draft, Ref
from streams.stages.matching import Index, Traits, Verdict, judge
from streams.stages.rows import SEPARATOR, Rows


def named(ref: Ref) -> str:
    """Return a record's name in the index."""
    return SEPARATOR.join((ref.vendor, ref.object, ref.id))


def traits_of(draft: Draft) -> Traits | None:
    """Return what a draft is compared by; None: it is no party, or says too little of what it is."""
    return Traits.of(draft.fields, draft.custom) if draft.entity == "party" else None


def verdict(rows: Rows, ref: Ref, traits: Traits) -> Verdict:
    """Ask the matcher who a record is."""
    name = named(ref)
    others = Index(rows.blocks, rows.traits).candidates(name, traits)

    def party_of(other: str) -> str | None:
        link = rows.links.get(other)
        return link.id if link is not None and link.entity == "party" else None

    return judge(traits, others, party_of)


def stand(rows: Rows, ref: Ref, traits: Traits) -> None:
    """Let a record be found by these traits from now on."""
    Index(rows.blocks, rows.traits).put(named(ref), traits)


def leave(rows: Rows, ref: Ref) -> None:
    """Take a record out of the index."""
    Index(rows.blocks, rows.traits).drop(named(ref))
