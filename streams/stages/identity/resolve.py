"""From a draft to the entity that it speaks of."""

from collections.abc import Callable
from dataclasses import dataclass

from connectors.kafka.records import Entity
from streams.stages.identity import past
from streams.stages.identity.exact import match_keys, new_id
from streams.stages.identity.records import Records
from streams.stages.mapping import Draft, Ref
from streams.stages.matching import ORGANISATION, Band, Traits, Verdict, compare
from streams.stages.merge import siblings
from streams.stages.tables import Rows

Lookup = Callable[[str, str], Entity | None]
KEEPS_APART = frozenset({"quickbooks"})
"""Vendors whose own records of persons are never joined unasked: they carry balances."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who a draft is.

    Attributes:
        id: canonical id.
        doubt: what a person is to be asked, where the draft became an entity of its own but may be another.
    """

    id: str
    doubt: Verdict | None = None


def resolve(rows: Rows, records: Records, tenant: str, draft: Draft, get: Lookup) -> Resolution:
    """Return who a draft is: by external reference, else by exact key, else by likeness, else a new one.

    An object that is back is the record that it was, unless that went with it: then it may have become part of another.

    Args:
        rows: crosswalk and match keys.
        records: the matcher's index.
        tenant: whose.
        draft: what is to be identified.
        get: returns a record by entity and id as it stands now.
    """
    entity, own, is_gone = past.known(rows, draft.ref)
    own = own if entity == draft.entity else None
    if own is not None and not (is_gone and get(draft.entity, own) is None):
        return Resolution(own)
    for ref in draft.same_as:
        _, link = past.standing(rows, ref)
        if link.id is not None and link.entity == draft.entity:
            return Resolution(link.id)
    traits = records.traits(draft)
    verdict = records.verdict(draft.ref, traits) if traits is not None else Verdict(Band.NEW)
    for kind, value in match_keys(draft.entity, draft.fields):
        found = _exact(rows, draft, kind, value, get)
        if found is not None and (kind != "email" or (not verdict.shared and _names_agree(traits, found))):
            return Resolution(str(found["id"]))
    if verdict.band is Band.LINK and traits is not None:
        party = get("party", verdict.candidates[0].party)
        if party is not None and _may_join(draft.ref, traits, party):
            return Resolution(str(party["id"]))
    return Resolution(own or new_id(tenant, draft.ref), None if verdict.band is Band.NEW else verdict)


def _exact(rows: Rows, draft: Draft, kind: str, value: str, get: Lookup) -> Entity | None:
    """Return the first entity with the key that its vendor does not itself keep apart from this record."""
    match = rows.matches.get(kind, value)
    for id_ in match.ids if match else ():
        other = get(draft.entity, id_)
        if other is not None and not _has_other(other, draft.ref):
            return other
    return None


def _names_agree(traits: Traits | None, party: Entity) -> bool:
    """Tell whether a shared mailbox may mean one person."""
    other = Traits.of(party)
    return traits is None or other is None or compare(traits, other).names_agree


def _may_join(ref: Ref, traits: Traits, party: Entity) -> bool:
    """Tell whether likeness alone may join what one vendor keeps as two."""
    joined = traits.kind != ORGANISATION and ref.vendor not in KEEPS_APART
    return joined or not _has_other(party, ref)


def _has_other(party: Entity, mine: Ref) -> bool:
    return next(siblings(party, mine), None) is not None
