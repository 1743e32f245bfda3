"""Where the canonical ids in canonical records lead."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from connectors.kafka.records import Entity
from streams.stages.policies import REFERENCES
from tests.replay.vendors import Key

IN_LISTS = frozenset({"product_id", "invoice_id"})
"""References in the items of lists."""


def astray(latest: Mapping[tuple[str, str], Entity], held: Mapping[str, Collection[Key]]) -> list[str]:
    """Return the references of living records that do not lead where they should.

    A reader follows `merged_into`: a reference may name the loser of a merge, or what came back as part of another. It
    may end at what was deleted, as vendors still name what is gone, but not where one of its objects lives on.

    Args:
        latest: every canonical record.
        held: the vendors' objects that each has ever been.
    """
    records = {id_: record for (_, id_), record in latest.items()}
    living = [record for record in records.values() if not record["deleted"] and record["merged_into"] is None]
    there = {(ref["vendor"], ref["object"], ref["id"]): record["id"] for record in living for ref in record["refs"]}
    found = []
    for record in living:
        for path, id_ in references(record):
            reason = _astray(records, held, there, id_)
            if reason is not None:
                found.append(f"{path} of {record['id']} is {id_}, which {reason}")
    return sorted(found)


def references(record: Entity) -> Iterator[tuple[str, str]]:
    """Yield the canonical ids of other records that one holds, by path."""
    for name, value in record.items():
        if name in REFERENCES and value is not None:
            yield name, value
        for item in value if isinstance(value, list) else ():
            named: dict[str, Any] = item if isinstance(item, dict) else {}
            yield from ((f"{name}/{part}", id_) for part, id_ in named.items() if part in IN_LISTS and id_ is not None)


def _astray(
    records: Mapping[str, Entity], held: Mapping[str, Collection[Key]], there: Mapping[Key, str], id_: str
) -> str | None:
    way: dict[str, None] = {}
    while id_ in records and id_ not in way:
        way[id_] = None
        if records[id_]["merged_into"] is None:
            back = [there[ref] for ref in held[id_] if ref in there] if records[id_]["deleted"] else []
            return f"is gone, though {back[0]} has an object of it" if back else None
        id_ = records[id_]["merged_into"]
    return "goes round in a circle" if id_ in way else "was never there"
