"""`composite/sobjects`: up to 200 records of a call, a result row each; the call is a 200 even if rows fail."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.org import Unit
from connectors.sandbox.salesforce.sobjects import shown
from connectors.sandbox.salesforce.upserts import upsert

_MOST = 200
_ROLLED_BACK = ApiError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)

Row: TypeAlias = Mapping[str, Any]
# Does one row and returns its result without `success` and `errors`.
Work: TypeAlias = Callable[[Any], dict[str, Any]]


def serve(call: Call) -> Reply:
    """Answer `composite/sobjects`, `composite/sobjects/X` and `composite/sobjects/X/{external id}`."""
    steps = call.steps[2:]
    if call.method == "DELETE":
        ids = call.need("ids").split(",")
        return _rows(call.unit, ids, lambda text: _delete(call, text), call.params.get("allOrNone") == "true")
    if call.method == "GET" and steps:
        return _read(call, call.unit.org.schema.addressed(steps[0]))
    if call.method == "POST":
        return _rows(call.unit, _given(call), lambda row: _create(call, row), _all_or_none(call))
    if call.method != "PATCH":
        raise not_allowed(call.method)
    if not steps:
        return _rows(call.unit, _given(call), lambda row: _update(call, row), _all_or_none(call))
    base = call.unit.org.schema.addressed(steps[0])
    name = steps[1] if len(steps) > 1 else "Id"
    return _rows(call.unit, _given(call), lambda row: _upsert(call, base, name, row), _all_or_none(call))


def _all_or_none(call: Call) -> bool:
    return call.fields().get("allOrNone") is True


def _given(call: Call) -> Sequence[Row]:
    rows = call.fields().get("records")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ApiError("JSON_PARSER_ERROR", "records must be an array of objects", ["records"])
    return rows


def _rows(unit: Unit, rows: Sequence[Any], work: Work, all_or_none: bool) -> Reply:
    if len(rows) > _MOST:
        message = f"record limit reached. cannot submit more than {_MOST} records into this call"
        raise ApiError("EXCEEDED_ID_LIMIT", message)
    mark = unit.mark()
    results = [_row(unit, row, work) for row in rows]
    if all_or_none and not all(result["success"] for result in results):
        unit.back_to(mark)
        halted = {"success": False, "errors": [_ROLLED_BACK.row()]}
        results = [halted if result["success"] else result for result in results]
    return Reply(200, results)


def _row(unit: Unit, row: Any, work: Work) -> dict[str, Any]:
    try:
        with unit.savepoint():
            return {**work(row), "success": True, "errors": []}
    except ApiError as error:
        return {"success": False, "errors": [error.row()]}


def _typed(call: Call, row: Row) -> SObject:
    name = (row.get("attributes") or {}).get("type")
    base = call.unit.org.schema.find(str(name))
    if base is None:
        raise ApiError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return base


def _create(call: Call, row: Row) -> dict[str, Any]:
    return {"id": records.create(call.unit, _typed(call, row), row)}


def _id_of(row: Row) -> tuple[str, dict[str, Any]]:
    body = {name: value for name, value in row.items() if name.lower() != "id"}
    given = next((value for name, value in row.items() if name.lower() == "id"), None)
    if given is None:
        raise ApiError("MISSING_ARGUMENT", "Id not specified in an update call", ["Id"])
    return records.addressed_id(given), body


def _update(call: Call, row: Row) -> dict[str, Any]:
    record_id, body = _id_of(row)
    with records.as_row():
        records.update(call.unit, _typed(call, row), record_id, body)
    return {"id": record_id}


def _delete(call: Call, text: str) -> dict[str, Any]:
    record_id = records.addressed_id(text)
    base = next((found for found in call.unit.org.schema if found.prefix == record_id[:3]), None)
    if base is None:
        raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    with records.as_row():
        records.delete(call.unit, base, record_id)
    return {"id": record_id}


def _upsert(call: Call, base: SObject, name: str, row: Row) -> dict[str, Any]:
    record_id, created = upsert(call.unit, base, name, row)
    return {"id": record_id, "created": created}


def _read(call: Call, base: SObject) -> Reply:
    """Records by `ids`, null for those that are not there."""
    ids = [records.addressed_id(text) for text in call.need("ids").split(",")]
    call.need("fields")
    found = [call.unit.peek(base.name, record_id) for record_id in ids]
    return Reply(200, [shown(call, base, row) if row and not row["IsDeleted"] else None for row in found])
