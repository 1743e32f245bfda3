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


def verdict(rows: Rows, ref: Ref, traits: Traits, own: str | None = None) -> Verdict:
    """Ask the matcher who a record is; `own` is the party that it already belongs to, which is not asked about."""
    name = named(ref)
    others = Index(rows.blocks, rows.traits).candidates(name, traits)

    def party_of(other: str) -> str | None:
        link = rows.links.get(other)
        if link is None or link.id is None or link.entity != "party" or link.id == own:
            return None
        return None if own is not None and rows.apart.get(*sorted((own, link.id))) is not None else link.id

    return judge(traits, others, party_of)


def stand(rows: Rows, draft: Draft) -> Traits | None:
    """Let a record be found by what its draft says; return that if it is news."""
    index, name = Index(rows.blocks, rows.traits), named(draft.ref)
    former = index.traits(name)
    traits = traits_of(draft) if former is None else former.after(draft.fields, draft.custom)
    if traits is None or traits == former:
        return None
    index.put(name, traits)
    return traits


def leave(rows: Rows, ref: Ref) -> None:
    """Take a record out of the index."""
    Index(rows.blocks, rows.traits).drop(named(ref))
