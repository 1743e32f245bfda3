"""Custom fields of customers and persons to the prospects that Pardot has, before there is any figure to tell.

Only where a tenant writes custom fields to prospects: then it is kept who belongs to which customer, so that a
customer's field reaches all its persons. A value that only Pardot has spoken of is not told to it.
"""

from collections.abc import Iterator

from connectors.kafka.records import Entity
from streams.stages.rows import Match
from streams.stages.work import Change, Work

PLACE = "pardot/Prospect"
MEMBER = "member"
"""Kind of match rows: a person of a customer, by both ids."""


def concerned(work: Work, change: Change) -> Iterator[tuple[Entity, Entity]]:
    """Yield whose prospects a changed party concerns, persons with their customers."""
    names, party = _names(work, PLACE), change.after
    if not names or party is None:
        return
    _belong(work, change)
    if _is_prospect(party):
        customer = work.get("party", party["organisation_id"]) or party
        if _spoken(names, party, customer):
            yield party, customer
    if _spoken(names, party) and (change.before is None or change.before["custom"] != party["custom"]):
        for (id_,), _ in work.rows.matches.scan(MEMBER, party["id"]):
            person = work.get("party", id_)
            if person is not None and person["id"] != party["id"] and _is_prospect(person):
                yield person, party


def is_spoken(work: Work, place: str, party: Entity) -> bool:
    """Tell whether a party has custom fields for a vendor's object of which not only that vendor has spoken."""
    return _spoken(_names(work, place), party, vendor=place.partition("/")[0])


def _names(work: Work, place: str) -> list[str]:
    return [f"custom.{name}" for name, field in work.settings.custom_fields.items() if place in field.write]


def _belong(work: Work, change: Change) -> None:
    former = change.before["organisation_id"] if change.before is not None else None
    now = change.after["organisation_id"] if change.after is not None else None
    if former is not None and former != now:
        work.rows.matches.drop(MEMBER, work.standing("party", former), change.id)
    if now is not None:
        work.rows.matches.put(Match([change.id]), MEMBER, work.standing("party", now), change.id)


def move(work: Work, source: str, target: str, only: str | None) -> None:
    """Let the persons of a customer belong to another; `only` those whose own record leads to that one."""
    for (id_,), row in work.rows.matches.scan(MEMBER, source):
        person = work.get("party", id_)
        if only is None or (person is not None and work.standing("party", person["organisation_id"] or "") == only):
            work.rows.matches.drop(MEMBER, source, id_)
            work.rows.matches.put(row, MEMBER, target, id_)


def _is_prospect(party: Entity) -> bool:
    return any((ref["vendor"], ref["object"]) == ("pardot", "Prospect") for ref in party["refs"])


def _spoken(names: list[str], *parties: Entity, vendor: str = "pardot") -> bool:
    said = [party["provenance"].get(name, f"{vendor}/") for party in parties for name in names]
    return any(not one.startswith(f"{vendor}/") for one in said)
