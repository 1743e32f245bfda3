"""`query`, `queryAll` and their locators."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.sandbox.salesforce.calls import Call, Reply, not_found
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Unit, View
from connectors.sandbox.salesforce.soql.literals import Today
from connectors.sandbox.salesforce.soql.select import Table, run, table

# "Query Options Header" and "Query" (REST API Developer Guide).
_SMALLEST, _LARGEST = 200, 2_000
_LIFETIME = timedelta(days=2)
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Cursor:
    token: str
    records: Sequence[dict[str, Any]]
    size: int
    born: datetime


class Queries:
    """Runs queries; results longer than a batch wait behind a locator, in memory."""

    def __init__(self) -> None:
        self._cursors: dict[str, _Cursor] = {}

    def serve(self, call: Call) -> Reply:
        """Answer `query?q=`, `queryAll?q=` or `query/{locator}`."""
        if len(call.steps) == 1:
            return self._begin(call)
        return self._resume(call, call.steps[1])

    def _begin(self, call: Call) -> Reply:
        unit = call.unit
        view = View(unit, deleted=call.steps[0].lower() == "queryall")
        result = run(call.need("q"), unit.org.schema, view, _today(unit), call.version)
        size = _batch_size(call)
        if len(result.records) <= size:
            return Reply(200, {"totalSize": result.total, "done": True, "records": result.records})
        locator = unit.org.next_id("01g")
        self._forget(unit.now)
        self._cursors[locator] = _Cursor(call.token, result.records, size, unit.now)
        return self._page(call, locator, 0)

    def _forget(self, now: datetime) -> None:
        self._cursors = {key: cursor for key, cursor in self._cursors.items() if now - cursor.born < _LIFETIME}

    def _resume(self, call: Call, text: str) -> Reply:
        locator, _, start = text.rpartition("-")
        if not locator or not start.isdigit():
            raise not_found()
        self._forget(call.unit.now)
        cursor = self._cursors.get(locator)
        if cursor is None:
            raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
        if cursor.token != call.token:
            # A locator belongs to the session that made it.
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid")
        return self._page(call, locator, int(start))

    def _page(self, call: Call, locator: str, start: int) -> Reply:
        cursor = self._cursors[locator]
        end = start + cursor.size
        body: dict[str, Any] = {"totalSize": len(cursor.records), "done": end >= len(cursor.records)}
        if not body["done"]:
            body["nextRecordsUrl"] = call.url("query", f"{locator}-{end}")
        return Reply(200, {**body, "records": list(cursor.records[start:end])})


def table_of(unit: Unit, text: str, version: str, *, deleted: bool) -> Table:
    """A query for a bulk job; raises ApiError."""
    return table(text, unit.org.schema, View(unit, deleted=deleted), _today(unit), version)


def _today(unit: Unit) -> Today:
    return Today(unit.now, ZoneInfo(unit.user["TimeZoneSidKey"]))


def _batch_size(call: Call) -> int:
    match = _BATCH.search(call.headers.get("sforce-query-options", ""))
    return min(max(int(match.group(1)), _SMALLEST), _LARGEST) if match else _LARGEST
