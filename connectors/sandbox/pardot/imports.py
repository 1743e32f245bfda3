"""The Import API: prospects and list memberships from CSV files, some seconds after the import is ready."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from connectors.sandbox.pardot import jobs, resources, writes
from connectors.sandbox.pardot.call import Call
from connectors.sandbox.pardot.catalogue import IMPORTS, PROSPECTS
from connectors.sandbox.pardot.errors import (
    BAD_COLUMN,
    BAD_CSV,
    BAD_INPUT,
    BATCHES_TODAY,
    CLOSED,
    FILE_SIZE,
    MOST_BATCHES,
    NO_DATA,
    NO_FILE,
    NOT_OPEN,
    OPTIONS_DIFFER,
    PardotError,
    not_found,
)
from connectors.sandbox.pardot.import_rows import COLUMNS, apply
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit
from connectors.sandbox.pardot.values import written

# "Limitations" of the import page.
_MOST_BATCHES, _BATCHES_A_DAY, _LARGEST_BATCH = 10, 1000, 10_000_000
_INPUT = ("operation", "object", "restoreDeleted", "createOnNoMatch", "status", "fieldOptions", "columns")


def answer(unit: Unit, call: Call) -> Response:
    """Answer one call; raises PardotError."""
    match call.method, call.steps:
        case "POST", ():
            return jobs.shown(unit, IMPORTS, _create(unit, call), call, 201)
        case _, ():
            return resources.query(unit, IMPORTS, jobs.all_fields(call, IMPORTS), jobs.API)
        case "GET", (text,):
            return jobs.shown(unit, IMPORTS, jobs.job(unit, IMPORTS, text), call)
        case "PATCH", (text,):
            return jobs.shown(unit, IMPORTS, _submit(unit, jobs.job(unit, IMPORTS, text), call.body), call)
        case "POST", (text, "batches"):
            _add_batch(unit, jobs.job(unit, IMPORTS, text), call)
            return Response(status_code=204)
        case "POST", (text, "do", "cancel"):
            return jobs.shown(unit, IMPORTS, _cancel(unit, jobs.job(unit, IMPORTS, text)), call)
        case "GET", (text, "errors"):
            return _errors(jobs.job(unit, IMPORTS, text))
        case _, (_,):
            raise writes.method_refused()
    raise not_found()


def _create(unit: Unit, call: Call) -> Record:
    body = call.body
    jobs.check_known(body, _INPUT)
    if str(body.get("operation", "")).lower() != "upsert" or str(body.get("object", "")).lower() != "prospect":
        raise PardotError(BAD_INPUT, "operation, object: must be Upsert and Prospect")
    if body.get("status") not in {None, "Ready"}:
        raise PardotError(BAD_INPUT, "status: must be Ready or absent")
    options = body.get("fieldOptions", body.get("columns")) or []
    if not all(isinstance(option, dict) and option.get("field") for option in options):
        raise PardotError(BAD_INPUT, "fieldOptions: must be a list of objects with field")
    values = {"operation": "Upsert", "object": "Prospect", "status": jobs.OPEN, "origin": "api", "isExpired": False}
    choices = {
        "restoreDeleted": body.get("restoreDeleted") is True,
        "createOnNoMatch": body.get("createOnNoMatch") is not False,
        "options": {option["field"]: option for option in options},
    }
    row = unit.add(IMPORTS, {**values, **choices, "address": call.address, "batches": [], "batchTimes": []})
    ref = f"{call.address}{jobs.API}/imports/{row['id']}/batches"
    row = unit.change(IMPORTS, row, {"batchesRef": ref})
    if call.file is not None:
        row = _add_batch(unit, row, call)
    return _submit(unit, row, {"status": "Ready"}) if body.get("status") == "Ready" else row


def _add_batch(unit: Unit, row: Record, call: Call) -> Record:
    if row["status"] != jobs.OPEN or row["isExpired"]:
        raise PardotError(CLOSED, "The current state of the import does not allow the operation")
    if call.file is None:
        raise PardotError(NO_FILE, "No file was specified or uploaded")
    if len(call.file) > _LARGEST_BATCH:
        raise PardotError(FILE_SIZE, "File size exceeds the max post size: 10 MB a batch")
    if len(row["batches"]) >= _MOST_BATCHES:
        raise PardotError(MOST_BATCHES, "The limit of batches per import has been reached")
    if _batches_today(unit) >= _BATCHES_A_DAY:
        raise PardotError(BATCHES_TODAY, "Daily limit of import batches has been reached")
    text = call.file.decode("utf-8-sig", errors="replace")
    _check_batch(unit, row, _lines(text))
    times = [*row["batchTimes"], written(unit.ctx.clock.now())]
    return unit.change(IMPORTS, row, {"batches": [*row["batches"], text], "batchTimes": times})


def _batches_today(unit: Unit) -> int:
    since = written(unit.ctx.clock.now() - timedelta(days=1))
    rows = unit.store.table(unit.account, IMPORTS.name).rows.values()
    return sum(time > since for row in rows for time in row["batchTimes"])


def _lines(text: str) -> list[list[str]]:
    return [line for line in csv.reader(io.StringIO(text)) if line]


def _check_batch(unit: Unit, row: Record, lines: Sequence[Sequence[str]]) -> None:
    """Raise BAD_CSV, BAD_COLUMN or OPTIONS_DIFFER."""
    if len(lines) <= 1 or any(len(line) != len(lines[0]) for line in lines):
        message = "a header row, at least one data row, and as many columns in each"
        raise PardotError(BAD_CSV, f"The file is not in a valid CSV format: {message}")
    header, known = [name.strip() for name in lines[0]], {*unit.kinds(PROSPECTS), *COLUMNS}
    for name in header:
        if name not in known:
            raise PardotError(BAD_COLUMN, f"{name}: is no field of a prospect")
    if row["batches"] and header != [name.strip() for name in _lines(row["batches"][0])[0]]:
        raise PardotError(BAD_CSV, "The file is not in a valid CSV format: its header differs from the first batch's")
    if row["options"] and set(row["options"]) != set(header):
        raise PardotError(OPTIONS_DIFFER, "Mismatched CSV headers and field options")


def _submit(unit: Unit, row: Record, body: Mapping[str, Any]) -> Record:
    jobs.check_known(body, ("status",))
    if body.get("status") != "Ready":
        raise PardotError(BAD_INPUT, "status: must be Ready")
    if row["status"] != jobs.OPEN or row["isExpired"]:
        raise PardotError(NOT_OPEN, "Can't update. Import must be in Open state.")
    if not row["batches"]:
        raise PardotError(NO_DATA, "Can't start processing. Import has no associated data.")
    scheduled = jobs.scheduled(unit, IMPORTS, after_others=False)
    return unit.change(IMPORTS, row, {**scheduled, "batchesRef": None})


def _cancel(unit: Unit, row: Record) -> Record:
    if row["status"] not in {jobs.OPEN, jobs.WAITING}:
        raise PardotError(CLOSED, "The current state of the import does not allow the operation")
    return unit.change(IMPORTS, row, {"status": jobs.CANCELLED, "ready": None, "batchesRef": None})


def _errors(row: Record) -> Response:
    if row["status"] != jobs.COMPLETE or row["isExpired"]:
        raise PardotError(CLOSED, "The current state of the import does not allow the operation")
    out = io.StringIO()
    csv.writer(out).writerows(row["errors"])
    return Response(out.getvalue(), media_type="text/csv")


def _finish(unit: Unit, row: Record) -> Mapping[str, Any]:
    header = [name.strip() for name in _lines(row["batches"][0])[0]]
    errors = [[*header, "error"]]
    made = changed = 0
    for text in row["batches"]:
        for line in _lines(text)[1:]:
            try:
                created = apply(unit, row, dict(zip(header, line, strict=True)))
            except PardotError as error:
                errors.append([*line, error.message])
                continue
            made, changed = made + created, changed + (not created)
    failed = len(errors) - 1
    ref = f"{row['address']}{jobs.API}/imports/{row['id']}/errors" if failed else None
    counts = {"createdCount": made, "updatedCount": changed, "errorCount": failed}
    return {**counts, "errorsRef": ref, "errors": errors}


jobs.FINISH[IMPORTS.name] = _finish
