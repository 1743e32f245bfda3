"""`/api/v5/objects/…`: collections, records and their actions."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from connectors.sandbox.json_text import Json
from connectors.sandbox.pardot import actions, queries, writes
from connectors.sandbox.pardot.call import Call
from connectors.sandbox.pardot.catalogue import ACTIVITIES
from connectors.sandbox.pardot.errors import MISSING, UNKNOWN_PROPERTY, PardotError, not_found
from connectors.sandbox.pardot.objects import Object
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit, target_named

BASE = "/api/v5/objects"
_WALL = "203;Record count for nextPageToken sequence has been exceeded. No page token returned."
_HIDDEN = "202;Some fields were redacted because of insufficient access"
# Visitor activity types behind the figures of a list email.
_STATS = {"sent": 6, "opens": 11, "totalClicks": 1, "hardBounced": 13, "optOuts": 12, "spamComplaints": 14}


def answer(unit: Unit, call: Call) -> Response:
    """Answer one call; raises PardotError."""
    target = target_named(call.steps[0] if call.steps else "")
    match call.steps[1:]:
        case ():
            return _create(unit, target, call) if call.method == "POST" else query(unit, target, call, BASE)
        case ("do", action):
            return _action(unit, target, None, action, call)
        case (text,) if text.isdigit():
            return _record(unit, target, int(text), call)
        case (text, "do", action) if text.isdigit():
            return _action(unit, target, int(text), action, call)
        case (text, "stats") if text.isdigit() and target.name == "list-emails":
            return _stats(unit, target, int(text), call)
    raise not_found()


def query(unit: Unit, target: Object, call: Call, base: str) -> Response:
    """Answer a query of an object below the path `base`; raises PardotError."""
    if call.method != "GET":
        raise writes.method_refused()
    paths = unit.shapes.parse(target, call.params.get("fields"))
    kinds, now = unit.kinds(target), unit.ctx.clock.now()
    table = unit.store.visible(unit.account, target.name, unit.lag)
    page = queries.page(
        target,
        kinds,
        table,
        queries.parse(target, kinds, call.params, now),
        now,
        wall=unit.setting("page_chain_records"),
        slow=unit.setting("slow_query_records"),
    )
    following = None
    if page.token is not None:
        named = urlencode({"fields": call.params["fields"], "nextPageToken": page.token}, safe=",")
        following = f"{call.address}{base}/{target.name}?{named}"
    values = [unit.shapes.show(target, row, paths) for row in page.records]
    headers = {"Pardot-Warning": _WALL} if page.walled else _warned(unit, paths)
    return Json({"nextPageToken": page.token, "nextPageUrl": following, "values": values}, headers=headers)


def shown(unit: Unit, target: Object, record: Record, call: Call, status: int = 200, default: str = "") -> Response:
    """Answer with the fields a write asks for; 204 where it asks for none."""
    listed: Any = call.body.get("fields") if "do" in call.steps else call.params.get("fields", default)
    if not listed:
        return Response(status_code=204)
    paths = unit.shapes.parse(target, listed)
    return Json(unit.shapes.show(target, record, paths), status_code=status, headers=_warned(unit, paths))


def _warned(unit: Unit, paths: list[tuple[str, ...]]) -> dict[str, str]:
    hidden = any(".".join(path) in unit.shapes.hidden for path in paths)
    return {"Pardot-Warning": _HIDDEN} if hidden else {}


def _create(unit: Unit, target: Object, call: Call) -> Response:
    if "fields" in call.params:
        unit.shapes.parse(target, call.params["fields"])
    made = writes.create(unit, target, call.body)
    response = shown(unit, target, made, call, 201, "id")
    response.headers["Location"] = f"{call.address}{BASE}/{target.name}/{made['id']}"
    return response


def _record(unit: Unit, target: Object, record_id: int, call: Call) -> Response:
    if call.method == "GET":
        return _read(unit, target, record_id, call)
    if call.method == "DELETE":
        writes.delete(unit, target, record_id)
        return Response(status_code=204)
    if call.method != "PATCH":
        raise writes.method_refused()
    if "fields" in call.params:
        unit.shapes.parse(target, call.params["fields"])
    return shown(unit, target, writes.update(unit, target, record_id, call.body), call)


def _read(unit: Unit, target: Object, record_id: int, call: Call) -> Response:
    paths = unit.shapes.parse(target, call.params.get("fields"))
    record = unit.read(target, record_id)
    headers = _warned(unit, paths)
    changed = datetime.fromisoformat(record.get("updatedAt") or record["createdAt"])
    headers["Last-Modified"] = format_datetime(changed.astimezone(UTC), usegmt=True)
    if _unchanged_since(call.headers.get("if-modified-since"), changed):
        return Response(status_code=304, headers=headers)
    return Json(unit.shapes.show(target, record, paths), headers=headers)


def _unchanged_since(header: str | None, changed: datetime) -> bool:
    try:
        return header is not None and changed <= parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return False


def _action(unit: Unit, target: Object, record_id: int | None, name: str, call: Call) -> Response:
    if call.method != "POST":
        raise writes.method_refused()
    if call.body.get("fields"):
        unit.shapes.parse(target, call.body["fields"])
    record, made = actions.act(unit, target, record_id, name, call.body)
    return shown(unit, target, record, call, 201 if made else 200)


def _stats(unit: Unit, target: Object, record_id: int, call: Call) -> Response:
    unit.read(target, record_id)
    kinds = [row["type"] for row in unit.having(ACTIVITIES, "listEmailId", record_id)]
    figures = {name: kinds.count(kind) for name, kind in _STATS.items()}
    names = [name.strip() for name in call.params.get("fields", "").split(",") if name.strip()]
    if not names:
        raise PardotError(MISSING, "fields: this parameter is required")
    for name in names:
        if name not in figures:
            raise PardotError(UNKNOWN_PROPERTY, f"fields: invalid property {name} of list email statistics")
    return Json({name: figures[name] for name in names})
