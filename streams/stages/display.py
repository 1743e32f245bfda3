"""Names for customers in the accounts, where no two customers, vendors or employees may have the same.

A clash is settled here, before a customer is asked for. Of vendors and employees nothing but their names is kept; a
sweep reads them in the same call as all else. What was made since the last one QuickBooks refuses (6240): to review.
"""

from collections.abc import Iterator

from connectors.kafka.records import Entity, VendorRecord
from streams.stages.absorb import parsed
from streams.stages.mapping import Ref
from streams.stages.rows import Link, Match
from streams.stages.work import Work

TAKEN, HELD = "display", "displayed"
"""Kinds of match rows: who has a name; which name somebody has."""
CRM = "salesforce"
ACCOUNTS, OTHERS = "quickbooks", frozenset({"Vendor", "Employee"})
"""Who else has a name in the accounts that no customer may have."""


def is_other(record: VendorRecord) -> bool:
    """Tell whether a record is of somebody who is no customer, but has a name."""
    return record.vendor == ACCOUNTS and record.object in OTHERS and not record.hint


def take(work: Work, record: VendorRecord) -> None:
    """Note the name of a vendor or employee, or that it is free again.

    Raises:
        MappingError: the body is no JSON object.
    """
    link = work.linked(Ref(record.vendor, record.object, record.remote_id))
    if link.newer_than(record.source_version):
        return
    work.rows.links.put(Link(source_version=record.source_version), record.vendor, record.object, record.remote_id)
    body = {} if record.deleted else parsed(record.body)
    holder = f"{record.vendor}/{record.object}/{record.remote_id}"
    name = str(body.get("DisplayName") or "") if body.get("Active", True) is not False else ""
    _hold(work, holder, name.casefold())


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
        taken = work.rows.matches.get(TAKEN, former.ids[0])
        if taken is not None and taken.ids[0] == holder:
            work.rows.matches.drop(TAKEN, former.ids[0])
        work.rows.matches.drop(HELD, holder)
    if key:
        work.rows.matches.put(Match([holder]), TAKEN, key)
        work.rows.matches.put(Match([key]), HELD, holder)


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
    holder = work.rows.matches.get(TAKEN, name.casefold())
    if holder is None:
        return True
    if holder.ids[0].startswith(f"{ACCOUNTS}/"):
        return False
    other = work.get("party", holder.ids[0])
    return other is None or other["id"] == id_
