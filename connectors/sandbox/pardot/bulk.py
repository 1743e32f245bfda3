"""Bulk actions: delete prospects by a file of ids, from the bin for good or into it."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from connectors.sandbox.pardot import jobs, resources, writes
from connectors.sandbox.pardot.call import Call
from connectors.sandbox.pardot.catalogue import BULK_ACTIONS, PROSPECTS
from connectors.sandbox.pardot.errors import (
    BAD_CSV,
    BAD_RANGE,
    BAD_TYPE,
    CLOSED,
    NO_FILE,
    PardotError,
    not_found,
)
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit

_DELETE, _PURGE = "delete", "permanentlydelete"
_MOST_IDS = 100_000
_PAUSED = "Paused"


def answer(unit: Unit, call: Call) -> Response:
    """Answer one call; raises PardotError."""
    match call.method, call.steps:
        case "POST", ():
            return jobs.shown(unit, BULK_ACTIONS, _create(unit, call), call, 201)
        case _, ():
            return resources.query(unit, BULK_ACTIONS, jobs.all_fields(call, BULK_ACTIONS), jobs.API)
        case "GET", (text,):
            return jobs.shown(unit, BULK_ACTIONS, jobs.job(unit, BULK_ACTIONS, text), call)
        case "PATCH", (text,):
            return jobs.shown(unit, BULK_ACTIONS, _steer(unit, jobs.job(unit, BULK_ACTIONS, text), call), call)
        case "GET", (text, "errors"):
            return Response("\n".join(jobs.job(unit, BULK_ACTIONS, text).get("errors", ())), media_type="text/csv")
        case _, (_,):
            raise writes.method_refused()
    raise not_found()


def _create(unit: Unit, call: Call) -> Record:
    jobs.check_known(call.body, ("object", "bulkAction"))
    if str(call.body.get("object", "")).lower().rstrip("s") != "prospect":
        raise PardotError(BAD_TYPE, "object: must be Prospect")
    if str(call.body.get("bulkAction", "")).lower() not in {_DELETE, _PURGE}:
        raise PardotError(BAD_RANGE, "bulkAction: must be delete or permanentlyDelete")
    if call.file is None:
        raise PardotError(NO_FILE, "No file was specified or uploaded")
    ids = _ids(call.file)
    counts = {"count": len(ids), "processedCount": 0, "errorCount": 0, "percentComplete": 0}
    values = {**call.body, "origin": "api", "fileName": call.file_name, "ids": ids, "address": call.address}
    return unit.add(BULK_ACTIONS, {**values, **counts, **jobs.scheduled(unit, BULK_ACTIONS, after_others=False)})


def _ids(file: bytes) -> list[int]:
    cells = [row[0].strip() for row in csv.reader(io.StringIO(file.decode("utf-8-sig"))) if row]
    if cells and not cells[0].isdigit():
        cells = cells[1:]
    if not cells or not all(cell.isdigit() for cell in cells):
        raise PardotError(BAD_CSV, "The file is not in a valid CSV format: one id a row")
    if len(cells) > _MOST_IDS:
        raise PardotError(BAD_RANGE, f"at most {_MOST_IDS} ids")
    return [int(cell) for cell in cells]


def _steer(unit: Unit, row: Record, call: Call) -> Record:
    jobs.check_known(call.body, ("status",))
    wanted = str(call.body.get("status", ""))
    if row["status"] not in {jobs.WAITING, jobs.PROCESSING, _PAUSED}:
        raise PardotError(CLOSED, "The current state of the bulk action does not allow the operation")
    if wanted in {_PAUSED, jobs.CANCELLED}:
        return unit.change(BULK_ACTIONS, row, {"status": wanted, "ready": None})
    if wanted in {"Ready", jobs.WAITING}:
        return unit.change(BULK_ACTIONS, row, jobs.scheduled(unit, BULK_ACTIONS, after_others=False))
    raise PardotError(BAD_RANGE, f"status: must be Paused, Ready or Cancelled, not {wanted!r}")


def _finish(unit: Unit, row: Record) -> Mapping[str, Any]:
    errors = ["id,error"]
    for record_id in row["ids"]:
        found = unit.now(PROSPECTS, record_id)
        purge = row["bulkAction"].lower() == _PURGE
        if found is None or found["isDeleted"] != purge:
            errors.append(f"{record_id},{'not in the recycle bin' if purge else 'no such prospect'}")
        elif purge:
            unit.store.remove(unit.account, PROSPECTS.name, found)
        else:
            unit.delete(PROSPECTS, record_id)
    failed = len(errors) - 1
    ref = f"{row['address']}{jobs.API}/bulk-actions/{row['id']}/errors" if failed else None
    counts = {"processedCount": len(row["ids"]), "errorCount": failed, "percentComplete": 100}
    return {**counts, "errorsRef": ref, "errors": errors}


jobs.FINISH[BULK_ACTIONS.name] = _finish
