"""Names for customers in the accounts, where no two customers, vendors or employees may have the same.

A clash is settled here, before a customer is asked for. Of vendors and employees nothing but their names is kept; a
sweep reads them in the same call as all else. A customer's own is kept beside its party's, which may be the company's.
What was made since the last sweep QuickBooks refuses (6240): to review.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.kafka.records import Entity, VendorRecord
from streams.stages.absorb import parsed
from streams.stages.mapping import Ref
from streams.stages.rows import Link, Match
from streams.stages.work import Work

TAKEN, HELD = "display", "displayed"
"""Kinds of match rows: parties, and objects of the accounts, that have a name; which name one of these has."""
CRM = "salesforce"
ACCOUNTS, CUSTOMER, OTHERS = "quickbooks", "Customer", frozenset({"Vendor", "Employee"})
"""Who has a name in the accounts: customers, and who else no customer may be named like."""


def is_other(record: VendorRecord) -> bool:
    """Tell whether a record is of somebody who is no customer, but has a name."""
    return record.vendor == ACCOUNTS and record.object in OTHERS and not record.hint


def take(work: Work, record: VendorRecord) -> None:
    """Note the name of a vendor or employee, or that it is free again.

    Raises:
        MappingError: the body is no JSON object.
    """
    ref = Ref(record.vendor, record.object, record.remote_id)
    if work.linked(ref).newer_than(record.source_version):
        return
    work.rows.links.put(Link(source_version=record.source_version), ref.vendor, ref.object, ref.id)
    _note(work, ref, {} if record.deleted else parsed(record.body))


def follow(work: Work, ref: Ref, body: Mapping[str, Any]) -> None:
    """Note the name that a customer has in the accounts, empty once it is gone; its party may have another."""
    if (ref.vendor, ref.object) == (ACCOUNTS, CUSTOMER):
        _note(work, ref, body)


def _note(work: Work, ref: Ref, body: Mapping[str, Any]) -> None:
    name = str(body.get("DisplayName") or "") if body.get("Active", True) is not False else ""
    _hold(work, f"{ref.vendor}/{ref.object}/{ref.id}", name.casefold())


def name_for(work: Work, party: Entity) -> str | None:
    """Return the name under which a party stands in the accounts, its own from now on.

    Its name; if another customer has that, with the first part of its address, else with its id in the CRM, added.
    """
    if not party["name"]:
        return None
    wanted = next(name for name in _names(party) if _free(work, name, party["id"]))
    _hold(work, party["id"], wanted.casefold())
    return wanted


def _hold(work: Work, holder: str, key: str) -> None:
    """Let somebody have a name, "" for none, instead of the one that it had."""
    former = work.rows.matches.get(HELD, holder)
    if former is not None and former.ids[0] == key:
        return
    if former is not None:
        _share(work, former.ids[0], [other for other in _holders(work, former.ids[0]) if other != holder])
        work.rows.matches.drop(HELD, holder)
    if key:
        _share(work, key, [*_holders(work, key), holder])
        work.rows.matches.put(Match([key]), HELD, holder)


def _holders(work: Work, key: str) -> Sequence[str]:
    taken = work.rows.matches.get(TAKEN, key)
    return taken.ids if taken is not None else ()


def _share(work: Work, key: str, holders: Sequence[str]) -> None:
    if holders:
        work.rows.matches.put(Match(holders), TAKEN, key)
    else:
        work.rows.matches.drop(TAKEN, key)


def _names(party: Entity) -> Iterator[str]:
    name = party["name"]
    yield name
    for email in party["emails"]:
        if "@" in email:
            yield f"{name} ({email.partition('@')[0]})"
    yield from (f"{name} ({ref['id']})" for ref in party["refs"] if ref["vendor"] == CRM)
    yield f"{name} ({party['id']})"


def _free(work: Work, name: str, id_: str) -> bool:
    """Tell whether nobody else who still stands has the name."""
    return all(_is(work, holder, id_) for holder in _holders(work, name.casefold()))


def _is(work: Work, holder: str, id_: str) -> bool:
    """Tell whether who has a name is a party, or is gone."""
    if not holder.startswith(f"{ACCOUNTS}/"):
        other = work.get("party", holder)
        return other is None or other["id"] == id_
    link = work.linked(Ref(*holder.split("/", 2)))
    return link.id is not None and work.standing("party", link.id) == id_
