"""The Export API: a window of records as CSV files, some seconds later."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from starlette.responses import Response

from connectors.sandbox.pardot import jobs, resources, writes
from connectors.sandbox.pardot.call import Call
from connectors.sandbox.pardot.catalogue import EXPORTS, OBJECTS, PROSPECTS
from connectors.sandbox.pardot.errors import (
    BAD_PROCEDURE_ARGUMENT,
    BAD_RANGE,
    BAD_TYPE,
    EXPORT_STATE,
    FILE_TOO_LARGE,
    FILE_TOO_SMALL,
    MISSING,
    NO_PROCEDURE,
    NO_PROCEDURE_ARGUMENT,
    UNKNOWN_PROCEDURE_ARGUMENT,
    PardotError,
    not_found,
)
from connectors.sandbox.pardot.objects import Object
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit
from connectors.sandbox.pardot.values import written

_MOST_FIELDS = 150
_WIDEST = timedelta(days=366)
_SMALLEST_FILE, _LARGEST_FILE = 10_000_000, 200_000_000
# Procedure -> (the field it looks at, the words its two arguments begin with).
_PROCEDURES = {
    "filter_by_created_at": ("createdAt", "created"),
    "filter_by_updated_at": ("updatedAt", "updated"),
    "filter_by_prospect_updated_at": ("prospect.updatedAt", "prospect_updated"),
}
_FURTHER = frozenset({"deleted", "type", "prospect_only"})


def answer(unit: Unit, call: Call) -> Response:
    """Answer one call; raises PardotError."""
    match call.method, call.steps:
        case "POST", ():
            return jobs.shown(unit, EXPORTS, _create(unit, call), call, 201)
        case _, ():
            return resources.query(unit, EXPORTS, jobs.all_fields(call, EXPORTS), jobs.API)
        case "GET", (text,):
            return jobs.shown(unit, EXPORTS, jobs.job(unit, EXPORTS, text), call)
        case "GET", (text, "results", number) if number.isdigit():
            return _download(unit, jobs.job(unit, EXPORTS, text), int(number))
        case _, (_,):
            raise writes.method_refused()
    raise not_found()


def _create(unit: Unit, call: Call) -> Record:
    body = call.body
    jobs.check_known(body, ("object", "fields", "procedure", "maxFileSizeBytes", "includeByteOrderMark"))
    target = _target(body.get("object"))
    listed = body.get("fields") or list(target.fields)
    if len(unit.shapes.parse(target, listed)) > _MOST_FIELDS:
        raise PardotError(BAD_RANGE, f"fields: at most {_MOST_FIELDS}")
    _check_size(body.get("maxFileSizeBytes"))
    window = _window(unit, target, body.get("procedure"))
    values = {"object": body["object"], "fields": listed, "procedure": body["procedure"], "isExpired": False}
    scheduled = jobs.scheduled(unit, EXPORTS, after_others=True)
    return unit.add(EXPORTS, {**values, **scheduled, **window, "target": target.name, "address": call.address})


def _target(name: object) -> Object:
    wanted = re.sub(r"[^a-z]", "", str(name).lower())
    for found in OBJECTS.values():
        plural = found.name.replace("-", "")
        if wanted in {plural, plural.removesuffix("ies") + "y", plural.removesuffix("s")}:
            return found
    raise PardotError(BAD_TYPE if name else MISSING, f"object: {name!r} is no object that can be exported")


def _check_size(size: object) -> None:
    if size is None:
        return
    if not isinstance(size, int) or size < _SMALLEST_FILE:
        raise PardotError(FILE_TOO_SMALL, "Maximum file size has to be at least 10,000,000 bytes")
    if size > _LARGEST_FILE:
        raise PardotError(FILE_TOO_LARGE, "Maximum file size cannot exceed 200 MB")


def _window(unit: Unit, target: Object, procedure: object) -> Record:
    """What a procedure selects: the field it looks at, from when, until when, and its further arguments."""
    if not isinstance(procedure, dict) or not procedure.get("name"):
        raise PardotError(MISSING, "procedure: this property is required")
    name = _snake(procedure["name"])
    if name not in _PROCEDURES or (name == "filter_by_prospect_updated_at" and "prospectId" not in target.fields):
        raise PardotError(NO_PROCEDURE, f"procedure.name: {procedure['name']!r} is unknown for {target.name}")
    field, words = _PROCEDURES[name]
    given = {_snake(key): value for key, value in (procedure.get("arguments") or {}).items()}
    for key in given:
        if key not in {f"{words}_after", f"{words}_before", *_FURTHER}:
            raise PardotError(UNKNOWN_PROCEDURE_ARGUMENT, f"procedure.arguments.{key}: unknown")
    if not given.get(f"{words}_after"):
        raise PardotError(NO_PROCEDURE_ARGUMENT, f"procedure.arguments.{words}_after: required")
    since = _instant(unit, given[f"{words}_after"])
    until = _instant(unit, given[f"{words}_before"]) if given.get(f"{words}_before") else unit.ctx.clock.now()
    if not since <= until <= since + _WIDEST:
        raise PardotError(BAD_PROCEDURE_ARGUMENT, f"{words}_after, {words}_before: must span at most a year")
    deleted = str(given.get("deleted", "all" if target is PROSPECTS else "false"))
    further = {"deleted": deleted, "types": given.get("type"), "prospectOnly": given.get("prospect_only") in _TRUE}
    return {"field": field, "since": written(since), "until": written(until), **further}


_TRUE = (True, "true")


def _snake(text: object) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", str(text)).lower()


def _instant(unit: Unit, text: object) -> datetime:
    """Read a time with or without an offset, or a word such as `yesterday`; raises BAD_PROCEDURE_ARGUMENT."""
    today = unit.ctx.clock.now().astimezone(unit.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.replace(day=1)
    words = {
        "today": today,
        "yesterday": today - timedelta(days=1),
        "last_7_days": today - timedelta(days=7),
        "this_month": month,
        "last_month": (month - timedelta(days=1)).replace(day=1),
    }
    if text in words:
        return words[str(text)]
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise PardotError(BAD_PROCEDURE_ARGUMENT, f"procedure.arguments: {text!r} is no time") from None
    return found if found.tzinfo else found.replace(tzinfo=unit.zone)


def _finish(unit: Unit, row: Record) -> Mapping[str, Any]:
    count = sum(1 for _ in _rows(unit, row))
    files = -(-count // unit.setting("export_file_records"))
    base = f"{row['address']}{jobs.API}/exports/{row['id']}/results"
    return {"resultRefs": [f"{base}/{number}" for number in range(1, files + 1)]}


def _rows(unit: Unit, row: Record) -> Iterator[Record]:
    of = _field_of(unit, row["field"])
    for found in unit.store.table(unit.account, row["target"]).rows.values():
        moment = of(found)
        if (
            moment is not None
            and row["since"] <= moment <= row["until"]
            and row["deleted"] in {"all", str(bool(found.get("isDeleted"))).lower()}
            and (not row["prospectOnly"] or found.get("prospectId"))
            and (row["types"] is None or found.get("type") in _listed(row["types"]))
        ):
            yield found


def _field_of(unit: Unit, field: str) -> Callable[[Record], Any]:
    if field != "prospect.updatedAt":
        return lambda found: found.get(field)
    prospects = unit.store.table(unit.account, PROSPECTS.name)
    return lambda found: (prospects.get(found.get("prospectId") or 0) or {}).get("updatedAt")


def _listed(types: object) -> list[Any]:
    return types if isinstance(types, list) else [types]


def _download(unit: Unit, row: Record, number: int) -> Response:
    if row["status"] != jobs.COMPLETE or row["isExpired"]:
        raise PardotError(EXPORT_STATE, "The current state of the export does not allow the operation")
    if not 1 <= number <= len(row["resultRefs"]):
        raise not_found()
    found = list(_rows(unit, row))
    Random(row["id"]).shuffle(found)  # noqa: S311 - no order is promised
    most = unit.setting("export_file_records")
    target, listed = OBJECTS[row["target"]], row["fields"]
    paths = unit.shapes.parse(target, listed)
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow([".".join(path) for path in paths])
    for each in found[(number - 1) * most : number * most]:
        shown = unit.shapes.show(target, each, paths)
        lines.writerow([_cell(_at(shown, path)) for path in paths])
    return Response(out.getvalue(), media_type="text/csv")


def _at(body: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        body = body.get(step) if isinstance(body, dict) else None
    return body


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


jobs.FINISH[EXPORTS.name] = _finish
