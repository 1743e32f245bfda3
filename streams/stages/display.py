"""Names for customers in the accounts, where no two customers, vendors or employees may have the same.

A clash with a customer is settled here, before it is asked for. Vendors and employees are not read: QuickBooks refuses
their names (6240), and what is refused goes to review.
"""

from collections.abc import Iterator

from connectors.kafka.records import Entity
from streams.stages.rows import Match
from streams.stages.work import Work

TAKEN, HELD = "display", "displayed"
"""Kinds of match rows: who has a name; which name somebody has."""
CRM = "salesforce"


def name_for(work: Work, party: Entity) -> str | None:
    """Return the name under which a party stands in the accounts, its own from now on.

    Its name; if another customer has that, with the first part of its address, else with its id in the CRM, added.
    """
    if not party["name"]:
        return None
    wanted = next(name for name in _names(party) if _free(work, name, party["id"]))
    key = wanted.casefold()
    former = work.rows.matches.get(HELD, party["id"])
    if former is None or former.ids[0] != key:
        if former is not None:
            work.rows.matches.drop(TAKEN, former.ids[0])
        work.rows.matches.put(Match([party["id"]]), TAKEN, key)
        work.rows.matches.put(Match([key]), HELD, party["id"])
    return wanted


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
    other = work.get("party", holder.ids[0])
    return other is None or other["id"] == id_
