"""Vendors' records of parties in the matcher's index, and what the matcher says of a new one."""

from streams.stages.mapping import Draft, Ref
from streams.stages.matching import Index, Traits, Verdict, judge
from streams.stages.tables import SEPARATOR, Rows


class Records:
    """Vendors' records of parties, for the work on one inbox record."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._index = Index(rows.blocks, rows.links)
        self._last: tuple[Draft, Traits | None] | None = None

    def traits(self, draft: Draft) -> Traits | None:
        """Return what a draft is compared by; None: it is no party, or says too little of what it is."""
        if self._last is None or self._last[0] is not draft:
            self._last = draft, Traits.of(draft.fields, draft.custom) if draft.entity == "party" else None
        return self._last[1]

    def verdict(self, ref: Ref, traits: Traits, own: str | None = None) -> Verdict:
        """Ask the matcher who a record is; `own` is the party that it already belongs to, which is not asked about."""
        others = self._index.candidates(_name(ref), traits)
        return judge(traits, others, lambda name: self._party(name, own))

    def _party(self, name: str, own: str | None) -> str | None:
        link = self._index.link(name)
        if link is None or link.id is None or link.entity != "party" or link.id == own:
            return None
        apart = own is not None and self._rows.apart.get(*sorted((own, link.id))) is not None
        return None if apart else link.id

    def stand(self, draft: Draft) -> Traits | None:
        """Let a record be found by what its draft says from now on; return that if it was known as somebody else.

        New telephones and addresses alone raise no new question: they come often and prove little.
        """
        name = _name(draft.ref)
        former = self._index.traits(name)
        traits = self.traits(draft) if former is None else former.after(draft.fields, draft.custom)
        if traits is None or traits == former:
            return None
        self._index.put(name, traits)
        return traits if former is not None and _who(traits) != _who(former) else None

    def leave(self, ref: Ref) -> None:
        """Take a record out of the index."""
        self._index.drop(_name(ref))


def _who(traits: Traits) -> tuple[object, ...]:
    return traits.given, traits.family, traits.company, traits.emails, traits.numbers


def _name(ref: Ref) -> str:
    """Return a record's name in the index: the key of its crosswalk row."""
    return SEPARATOR.join((ref.vendor, ref.object, ref.id))
