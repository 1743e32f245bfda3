"""What exports, imports and bulk actions have in common: they are done some seconds later, when a call looks.

A job is a record with `ready`, the time at which it is done, and `address`, the caller's way to the sandbox.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from connectors.sandbox.json_text import Json
from connectors.sandbox.pardot.call import Call
from connectors.sandbox.pardot.catalogue import BULK_ACTIONS, EXPORTS, IMPORTS
from connectors.sandbox.pardot.errors import UNKNOWN_PROPERTY, PardotError, not_found
from connectors.sandbox.pardot.objects import Object
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit
from connectors.sandbox.pardot.values import written

OPEN, WAITING, PROCESSING, COMPLETE, CANCELLED = "Open", "Waiting", "Processing", "Complete", "Cancelled"
API = "/api/v5"
# "Expiration" of the import and export pages.
_OPEN_LIFE, _RESULTS_LIFE = timedelta(hours=24), timedelta(days=7)

Finish = Callable[[Unit, Record], Mapping[str, Any]]
FINISH: dict[str, Finish] = {}
"""By object: does the work of a job that is ready, and returns what its record says from then on."""


def settle(unit: Unit) -> bool:
    """Bring every job to where it should be by now; tell whether anything was written."""
    now, changed = unit.ctx.clock.now(), False
    for target in (EXPORTS, IMPORTS, BULK_ACTIONS):
        for row in list(unit.store.table(unit.account, target.name).rows.values()):
            values = _moved(unit, target, row, now)
            if values:
                unit.change(target, row, values)
                changed = True
    return changed


def _moved(unit: Unit, target: Object, row: Record, now: datetime) -> Record:
    """What has become of a job by now; nothing where it stands as it stood."""
    moved = _worked(unit, target, row, now)
    return {**moved, **_aged({**row, **moved}, now)}


def _worked(unit: Unit, target: Object, row: Record, now: datetime) -> Record:
    if row["status"] not in {WAITING, PROCESSING}:
        return {}
    ready = datetime.fromisoformat(row["ready"])
    if now >= ready:
        return {"status": COMPLETE, "state": COMPLETE, **FINISH[target.name](unit, row)}
    if row["status"] == WAITING and now >= ready - timedelta(seconds=unit.setting("job_seconds") / 2):
        return {"status": PROCESSING, "state": PROCESSING}
    return {}


def _aged(row: Record, now: datetime) -> Record:
    if row["status"] not in {OPEN, COMPLETE}:
        return {}
    since, life = (row["createdAt"], _OPEN_LIFE) if row["status"] == OPEN else (row["ready"], _RESULTS_LIFE)
    if row.get("isExpired") or now < datetime.fromisoformat(since) + life:
        return {}
    return {"isExpired": True, "batchesRef": None, "errorsRef": None, "resultRefs": []}


def scheduled(unit: Unit, target: Object, *, after_others: bool) -> Record:
    """What a job's record says from the moment on that it waits to be done."""
    start = written(unit.ctx.clock.now())
    if after_others:
        rows = unit.store.table(unit.account, target.name).rows.values()
        start = max([start, *(row["ready"] for row in rows if row.get("ready"))])
    ready = datetime.fromisoformat(start) + timedelta(seconds=unit.setting("job_seconds"))
    return {"status": WAITING, "state": WAITING, "ready": written(ready)}


def job(unit: Unit, target: Object, text: str) -> Record:
    """The job of an id; raises NOT_FOUND."""
    found = unit.now(target, int(text)) if text.isdigit() else None
    if found is None:
        raise not_found()
    return found


def shown(unit: Unit, target: Object, row: Record, call: Call, status: int = 200) -> Response:
    """A job, with the fields asked for or all."""
    listed = call.params.get("fields") or list(target.fields)
    return Json(unit.shapes.show(target, row, unit.shapes.parse(target, listed)), status_code=status)


def all_fields(call: Call, target: Object) -> Call:
    """The call, with all fields asked for where it asks for none."""
    if call.params.get("fields"):
        return call
    named = {**call.params, "fields": ",".join(target.fields)}
    return Call(call.method, call.steps, named, call.body, call.address, call.headers)


def check_known(body: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise UNKNOWN_PROPERTY for a property that a job does not take."""
    for name in body:
        if name not in known:
            raise PardotError(UNKNOWN_PROPERTY, f"{name}: invalid property in request; known: {', '.join(known)}")
