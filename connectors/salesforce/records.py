"""What a source asks for, and how a record as it was read becomes what goes into the inbox."""

from collections.abc import Sequence
from datetime import datetime

from connectors.ports import Account, Raw
from connectors.salesforce.client import Record
from connectors.salesforce.objects import HINTS, MERGED, SYSTEM, fields_of, version_of
from connectors.wire import dumps


def columns_of(account: Account, object_type: str) -> tuple[str, ...]:
    """Return what a source reads of an object: of parts only whose they are."""
    if object_type in HINTS:
        return (*SYSTEM, HINTS[object_type][1])
    return (*fields_of(account, object_type), *((MERGED[object_type],) if object_type in MERGED else ()))


def raw_of(object_type: str, record: Record, *, undeleted: bool = False, ours: bool = False) -> Raw | None:
    """Return the record for the inbox; None where it tells nothing: a part that is gone changes its object's amount."""
    version, deleted = version_of(record["SystemModstamp"]), bool(record.get("IsDeleted"))
    if object_type in HINTS:
        whole, reference = HINTS[object_type]
        return None if deleted or not record[reference] else Raw(whole, record[reference], version, b"{}", hint=True)
    merged_into = str(record.get(MERGED.get(object_type, "")) or "") if deleted else ""
    return Raw(
        object_type,
        record["Id"],
        version,
        b"{}" if deleted else dumps(record),
        deleted=deleted,
        merged_into=merged_into,
        undeleted=undeleted and not deleted,
        ours=ours,
    )


def window(object_type: str, columns: Sequence[str], since: datetime | None, until: datetime) -> str:
    """Return the query for records whose SystemModstamp is in [since, until)."""
    condition = f"SystemModstamp < {literal(until)}"
    if since is not None:
        condition = f"SystemModstamp >= {literal(since)} AND {condition}"
    return f"SELECT {', '.join(columns)} FROM {object_type} WHERE {condition}"  # noqa: S608 (names are the operator's)


def literal(instant: datetime) -> str:
    """Write an instant as SOQL and the deletions' list want it: whole seconds."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
