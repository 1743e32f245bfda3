"""Merging records: up to two duplicates end in a master, which takes over what belonged to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Unit

MERGEABLE = ("Account", "Contact", "Lead")
MASTER = "MasterRecordId"
# "merge()": a request merges at most two records into the master.
_MOST = 2


def merge(
    unit: Unit, name: str, master_id: str, fields: Mapping[str, Any], others: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Merge `others` into the master and set the master's `fields`.

    The others go to the recycle bin with the master's id in `MasterRecordId`; records that referred to them refer to
    the master.

    Returns:
        Ids of the merged records and of those that now refer to the master.

    Raises:
        ApiError: INVALID_TYPE, INVALID_ID_FIELD, NOT_FOUND, ENTITY_IS_DELETED or a row error.
    """
    if name not in MERGEABLE:
        raise ApiError("INVALID_TYPE", f"merge is supported for {', '.join(MERGEABLE)}, not for {name}")
    base = unit.org.schema.addressed(name)
    if not others or len(others) > _MOST or master_id in others:
        raise ApiError("INVALID_ID_FIELD", f"recordToMergeIds: 1 to {_MOST} ids other than the master's")
    for record_id in (master_id, *others):
        records.existing(unit, base, record_id)
    related = [moved for record_id in others for moved in _move_references(unit, name, record_id, master_id)]
    for record_id in others:
        records.delete(unit, base, record_id)
        unit.put(name, (unit.get(name, record_id) or {}) | {MASTER: master_id})
    records.update(unit, base, master_id, fields)
    return list(others), related


def _move_references(unit: Unit, name: str, old: str, new: str) -> list[str]:
    moved = []
    for other in unit.org.schema:
        fields = [field.name for field in other.fields.values() if field.refers == name and field.name != MASTER]
        for field in fields:
            for row in list(unit.scan(other.name, **{field: old})):
                unit.put(other.name, row | {field: new, "LastModifiedById": unit.user["Id"]})
                moved.append(row["Id"])
    return moved
