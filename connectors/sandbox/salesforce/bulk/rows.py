"""One row of an upload: its values, and what becomes of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.bulk.jobs import Job
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.org import Unit
from connectors.sandbox.salesforce.upserts import upsert

INSERT, UPDATE, UPSERT, DELETE, HARD_DELETE = "insert", "update", "upsert", "delete", "hardDelete"
OPERATIONS = (INSERT, UPDATE, UPSERT, DELETE, HARD_DELETE)
_NULL = "#N/A"
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def check_header(base: SObject, job: Job, header: Sequence[str]) -> None:
    """Raise InvalidBatch when a column names no field."""
    for name in header:
        own, _, other = name.partition(".")
        known = base.parent(own) is not None if other else base.field(own) is not None
        if not known:
            raise ApiError("InvalidBatch", f"Field name not found : {name}")
    names = {name.lower() for name in header}
    if job.operation in {UPDATE, DELETE, HARD_DELETE} and "id" not in names:
        raise ApiError("InvalidBatch", "Field name not found : Id")
    if job.operation == UPSERT and job.external_id.lower() not in names:
        raise ApiError("InvalidBatch", f"Field name not found : {job.external_id}")


def body_of(base: SObject, header: Sequence[str], row: Sequence[str]) -> dict[str, Any]:
    """A row as a record's body: empty values left out, `#N/A` null; raises InvalidBatch."""
    if len(row) != len(header):
        raise ApiError("InvalidBatch", f"The row has {len(row)} values, the header {len(header)}")
    body: dict[str, Any] = {}
    for name, value in zip(header, row, strict=True):
        if value == "":
            continue
        own, _, other = name.partition(".")
        if other:
            body[own] = {other: value}
            continue
        field = base.field(own)
        given: Any = None if value == _NULL else value
        if field is not None and field.kind == "boolean" and given is not None:
            given = _BOOLEANS.get(value.lower(), value)
        body[name] = given
    return body


def work(unit: Unit, base: SObject, job: Job, body: Mapping[str, Any]) -> tuple[str, bool]:
    """Carry out one row; returns the record's id and whether it was made. Raises ApiError, a row's code."""
    rest = {name: value for name, value in body.items() if name.lower() != "id"}
    given = next((value for name, value in body.items() if name.lower() == "id"), None)
    if job.operation == INSERT:
        return records.create(unit, base, body), True
    if job.operation == UPSERT:
        return upsert(unit, base, job.external_id, body)
    record_id = records.addressed_id(given or "")
    with records.as_row():
        if job.operation == UPDATE:
            records.update(unit, base, record_id, rest)
        elif job.operation == DELETE:
            records.delete(unit, base, record_id)
        else:
            records.purge(unit, base, record_id)
    return record_id, False


def error_text(error: ApiError) -> str:
    """An error in the column `sf__Error`."""
    return f"{error.code}:{error.message}:{' '.join(error.fields)} --"
