"""`sobjects/`: single records, by id or external id, and describe."""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed, not_found
from connectors.sandbox.salesforce.changes import Record
from connectors.sandbox.salesforce.describe import describe, describe_all, summary
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field, moment_of, stamp, write_value
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.soql.select import attributes
from connectors.sandbox.salesforce.upserts import external_key

# "getUpdated(): date span"; and since which version an upsert's update has a body.
_LONGEST_SPAN = timedelta(days=30)
_BODY_SINCE = 46.0


def serve(call: Call) -> Reply:
    """Answer `sobjects` and everything below it."""
    steps = call.steps[1:]
    if not steps:
        return Reply(200, describe_all(call.unit, call.version))
    base = call.unit.org.schema.addressed(steps[0])
    if len(steps) == 1:
        return _object(call, base)
    special = {"describe": _describe, "deleted": _deleted, "updated": _updated}.get(steps[1].lower())
    if len(steps) == 2 and special is not None:  # noqa: PLR2004
        return special(call, base)
    if len(steps) == 2:  # noqa: PLR2004
        return Reply(201, _created(call, base)) if steps[1].lower() == "id" else _by_id(call, base, steps[1])
    if len(steps) == 3:  # noqa: PLR2004
        return _by_id(call, base, steps[2]) if steps[1].lower() == "id" else _by_key(call, base, steps[1], steps[2])
    raise not_found()


def _object(call: Call, base: SObject) -> Reply:
    if call.method == "GET":
        return Reply(200, {"objectDescribe": summary(base, call.version), "recentItems": []})
    if call.method != "POST":
        raise not_allowed(call.method)
    body = _created(call, base)
    return Reply(201, body, {"Location": call.url("sobjects", base.name, body["id"])})


def _created(call: Call, base: SObject) -> dict[str, Any]:
    record_id = records.create(call.unit, base, call.fields())
    queued = ApiError("OPERATION_ENQUEUED", record_id)
    return {"id": record_id, "success": True, "errors": [queued.row()] if base.platform_event else []}


def _describe(call: Call, base: SObject) -> Reply:
    return Reply(200, describe(call.unit, base, call.version))


def _by_id(call: Call, base: SObject, text: str) -> Reply:
    record_id = records.addressed_id(text)
    if call.method == "GET":
        record = records.existing(call.unit, base, record_id)
        return Reply(304) if _unchanged(call, record) else Reply(200, shown(call, base, record))
    if call.method == "PATCH":
        records.update(call.unit, base, record_id, call.fields())
    elif call.method == "DELETE":
        records.delete(call.unit, base, record_id)
    else:
        raise not_allowed(call.method)
    return Reply(204)


def _unchanged(call: Call, record: Record) -> bool:
    """Whether `If-Modified-Since` names a later second than the record's last change."""
    try:
        since = parsedate_to_datetime(call.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return moment_of(record["LastModifiedDate"]).replace(microsecond=0) <= since


def shown(call: Call, base: SObject, record: Record) -> dict[str, Any]:
    """A record as a read answers it, narrowed by `fields`; raises INVALID_FIELD."""
    fields = list(base.fields.values())
    if call.params.get("fields"):
        fields = [_named(base, name.strip()) for name in call.params["fields"].split(",")]
    body = {field.name: write_value(field, record.get(field.name)) for field in fields}
    return {"attributes": attributes(base.name, record["Id"], call.version), **body, "Id": record["Id"]}


def _named(base: SObject, name: str) -> Field:
    field = base.field(name)
    if field is None:
        raise ApiError("INVALID_FIELD", f"No such column '{name}' on sobject of type {base.name}")
    return field


def _by_key(call: Call, base: SObject, name: str, value: str) -> Reply:
    field = external_key(base, name)
    found = records.matching(call.unit, base, field, value)
    if len(found) > 1:
        return Reply(300, [call.url("sobjects", base.name, record["Id"]) for record in found])
    if call.method == "PATCH":
        return _upsert(call, base, field, value, found[0]["Id"] if found else None)
    if not found:
        raise not_found()
    return _by_id(call, base, found[0]["Id"])


def _upsert(call: Call, base: SObject, field: Field, value: str, record_id: str | None) -> Reply:
    body = call.fields()
    if field.name.lower() in {name.lower() for name in body}:
        message = f"The {field.name} field should not be specified in the sobject data."
        raise ApiError("INVALID_FIELD", message, [field.name])
    if record_id is None:
        if call.params.get("updateOnly") == "true":
            raise not_found()
        made = records.create(call.unit, base, {**body, field.name: value})
        return Reply(201, {"id": made, "success": True, "errors": [], "created": True})
    records.update(call.unit, base, record_id, body)
    if float(call.version) < _BODY_SINCE:
        return Reply(204)
    return Reply(200, {"id": record_id, "success": True, "errors": [], "created": False})


def _span(call: Call) -> tuple[str, str]:
    try:
        start, end = moment_of(call.need("start")), moment_of(call.need("end"))
    except ValueError:
        raise ApiError("INVALID_REPLICATION_DATE", "start and end must be ISO 8601 with an offset") from None
    if not start < end or end - start > _LONGEST_SPAN:
        raise ApiError("INVALID_REPLICATION_DATE", "end must be after start and at most 30 days later")
    return stamp(start), stamp(end)


def _deleted(call: Call, base: SObject) -> Reply:
    start, end = _span(call)
    found = [(row["SystemModstamp"], row["Id"]) for row in call.unit.rows(base.name) if row["IsDeleted"]]
    found += [(gone.deleted, gone.id) for gone in call.unit.org.purged if gone.name == base.name]
    rows = sorted(row for row in found if start <= row[0] < end)
    return Reply(
        200,
        {
            "deletedRecords": [{"id": record_id, "deletedDate": deleted} for deleted, record_id in rows],
            "earliestDateAvailable": stamp(call.unit.now - timedelta(days=30)),
            "latestDateCovered": min(end, stamp(call.unit.now)),
        },
    )


def _updated(call: Call, base: SObject) -> Reply:
    start, end = _span(call)
    rows = call.unit.rows(base.name)
    ids = [row["Id"] for row in rows if not row["IsDeleted"] and start <= row["SystemModstamp"] < end]
    return Reply(200, {"ids": ids, "latestDateCovered": min(end, stamp(call.unit.now))})
