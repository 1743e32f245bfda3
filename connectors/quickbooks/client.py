"""QuickBooks Online's Accounting API v3 over the one HTTP stack."""

from collections.abc import Mapping
from typing import Any

import httpx

from connectors.errors import ConnectorError, InDoubtError, RetryableError
from connectors.http import Http
from connectors.ports import Clock
from connectors.quickbooks.errors import to_error
from connectors.quickbooks.faults import fault_in, fault_of
from connectors.wire import dumps, loads

MINOR_VERSION = "75"
PAGE = 1000
"""Rows a query returns at most; the default is 100."""
LIST_ENTITIES = frozenset({"Customer", "Item", "Vendor", "Employee"})
"""Never deleted, only made inactive; queries leave out the inactive ones unless asked."""

Entity = dict[str, Any]


class QuickBooksClient:
    """One company. Every method raises the ConnectorError that `errors.to_error` makes of a failed answer."""

    def __init__(self, http: Http, base_url: str, realm: str, clock: Clock) -> None:
        self._http = http
        self._base = f"{base_url.rstrip('/')}/v3/company/{realm}"
        self._clock = clock

    async def post(
        self, entity: str, body: Mapping[str, Any], request_id: str, params: Mapping[str, str] | None = None
    ) -> Entity:
        """Create, update, void or delete; a repeated `request_id` is answered with the first answer."""
        answer = await self._call(
            f"write {entity}",
            "POST",
            entity.lower(),
            reads=False,
            params={"requestid": request_id, **(params or {})},
            headers={"Content-Type": "application/json"},
            content=dumps(body),
        )
        return _entity(answer, entity, InDoubtError)

    async def read(self, entity: str, remote_id: str) -> Entity | None:
        """Return one object, None where there is none (610)."""
        try:
            answer = await self._call(f"read {entity}", "GET", f"{entity.lower()}/{remote_id}", reads=True)
        except ConnectorError as error:
            if error.code == "610":
                return None
            raise
        return _entity(answer, entity, RetryableError)

    async def query(self, entity: str, condition: str, *, inactive: bool = True) -> list[Entity]:
        """Return every row of `entity` that meets `condition`, customers and items that are inactive included."""
        if inactive and entity in LIST_ENTITIES:
            condition = f"{condition} AND Active IN (true, false)"
        # `*` leaves out Sku.
        columns = "*, Sku" if entity == "Item" else "*"
        rows: list[Entity] = []
        while True:
            paging = f"STARTPOSITION {len(rows) + 1} MAXRESULTS {PAGE}"
            page = await self._page(entity, f"SELECT {columns} FROM {entity} WHERE {condition} {paging}")  # noqa: S608 (values are quoted by the callers)
            rows += page
            if len(page) < PAGE:
                return rows

    async def _page(self, entity: str, statement: str) -> list[Entity]:
        answer = await self._call(
            f"query {entity}",
            "POST",
            "query",
            reads=True,
            headers={"Content-Type": "application/text"},
            content=statement.encode(),
        )
        rows = answer.get("QueryResponse", {}).get(entity, [])
        return [row for row in rows if isinstance(row, dict)]

    async def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        reads: bool,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> dict[str, Any]:
        response = await self._http.request(
            operation,
            method,
            f"{self._base}/{path}",
            reads=reads,
            params={"minorversion": MINOR_VERSION, **(params or {})},
            headers=headers,
            content=content,
        )
        if not response.is_success:
            raise to_error(response, fault_in(response), reads=reads, now=self._clock.now())
        return self._parsed(response, reads=reads)

    def _parsed(self, response: httpx.Response, *, reads: bool) -> dict[str, Any]:
        try:
            answer = loads(response.content)
        except ValueError:
            answer = None
        fault = fault_in(response) if answer is None else fault_of(answer)
        if fault is not None:
            raise to_error(response, fault, reads=reads, now=self._clock.now())
        if not isinstance(answer, dict):
            # Status 2xx: the server has acted, though its words are lost.
            tid = response.headers.get("intuit_tid", "")
            raise (RetryableError if reads else InDoubtError)(f"QuickBooks' answer is not JSON; intuit_tid {tid}")
        return answer


def quoted(value: str) -> str:
    """Write a string for a query, `'` and backslash escaped."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _entity(answer: Mapping[str, Any], entity: str, otherwise: type[RetryableError]) -> Entity:
    found = answer.get(entity)
    if not isinstance(found, dict):
        raise otherwise(f"QuickBooks' answer has no {entity}")
    return found
