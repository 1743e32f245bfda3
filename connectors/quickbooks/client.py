"""QuickBooks Online's Accounting API v3 over the one HTTP stack."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from connectors.errors import ConnectorError, InDoubtError, RetryableError
from connectors.http import Http
from connectors.ports import Clock
from connectors.quickbooks.errors import to_error
from connectors.quickbooks.faults import fault_in, fault_of
from connectors.wire import dumps, iso_micros, loads, parse_instant

MINOR_VERSION = "75"
PAGE = 1000
"""Rows a query returns at most; the default is 100."""
CAPTURE_MOST = 1000
"""Objects a capture answers with at most, over all its entities; there are no further pages."""
LIST_ENTITIES = frozenset(
    {"Account", "Class", "Customer", "Department", "Employee", "Item", "PaymentMethod", "TaxCode", "Term", "Vendor"}
)
"""Never deleted, only made inactive; queries leave out the inactive ones unless asked."""

Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Capture:
    """An answer of change data capture: objects by entity, deleted ones as stubs with `status`.

    Attributes:
        at: when it was made, by QuickBooks' clock.
    """

    rows: Mapping[str, Sequence[Entity]]
    at: datetime

    @property
    def full(self) -> bool:
        """Objects may be missing, of any entity."""
        return sum(map(len, self.rows.values())) >= CAPTURE_MOST


class QuickBooksClient:
    """One company. Every method raises the ConnectorError that `errors.to_error` makes of a failed answer.

    Attributes:
        metered: reads that were answered, which Intuit counts by the month.
    """

    def __init__(self, http: Http, base_url: str, realm: str, clock: Clock) -> None:
        self._http = http
        self._base = f"{base_url.rstrip('/')}/v3/company/{realm}"
        self._clock = clock
        self._ahead = timedelta()
        self.metered = 0

    def now(self) -> datetime:
        """Return what QuickBooks' clock shows, going by its latest answer."""
        return self._clock.now() + self._ahead

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

    async def preferences(self) -> Entity:
        """Return the company's preferences."""
        return _entity(
            await self._call("read Preferences", "GET", "preferences", reads=True), "Preferences", RetryableError
        )

    async def query(self, entity: str, condition: str, *, inactive: bool = True) -> list[Entity]:
        """Return every row of `entity` that meets `condition`, customers and items that are inactive included."""
        rows: list[Entity] = []
        while True:
            page = await self.page(entity, condition, len(rows) + 1, PAGE, inactive=inactive)
            rows += page
            if len(page) < PAGE:
                return rows

    async def page(
        self, entity: str, condition: str, start: int, size: int, columns: str = "", *, inactive: bool = True
    ) -> list[Entity]:
        """Return up to `size` rows from the `start`-th on, in the order of their ids; without `columns` whole ones."""
        # `*` leaves out Sku.
        wanted = columns or ("*, Sku" if entity == "Item" else "*")
        where = _where(entity, condition, inactive=inactive)
        paging = f"STARTPOSITION {start} MAXRESULTS {size}"
        answer = await self._query(entity, f"SELECT {wanted} FROM {entity}{where} {paging}")  # noqa: S608 (values are quoted by the callers)
        return [row for row in answer.get(entity, []) if isinstance(row, dict)]

    async def count(self, entity: str, condition: str) -> int:
        """Return how many rows meet `condition`."""
        where = _where(entity, condition, inactive=True)
        answer = await self._query(entity, f"SELECT count(*) FROM {entity}{where}")  # noqa: S608 (as above)
        total = answer.get("totalCount")
        if not isinstance(total, int):
            raise RetryableError(f"QuickBooks counts no {entity}: totalCount is missing in its answer")
        return total

    async def capture(self, entities: Sequence[str], since: datetime) -> Capture:
        """Return what changed since an instant no more than 30 days ago; see `Capture.full`."""
        params = {"entities": ",".join(entities), "changedSince": f"{iso_micros(since)[:19]}Z"}
        answer = await self._call("capture", "GET", "cdc", reads=True, params=params)
        rows: dict[str, list[Entity]] = {}
        for response in answer.get("CDCResponse", []):
            for part in response.get("QueryResponse", []):
                for entity in entities:
                    rows.setdefault(entity, []).extend(part.get(entity, []))
        return Capture(rows, self.now())

    async def _query(self, entity: str, statement: str) -> dict[str, Any]:
        answer = await self._call(
            f"query {entity}",
            "POST",
            "query",
            reads=True,
            headers={"Content-Type": "application/text"},
            content=statement.encode(),
        )
        response: dict[str, Any] = answer.get("QueryResponse", {})
        return response

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
            with suppress(ValueError):
                self._learn(loads(response.content))
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
        self.metered += reads
        self._learn(answer)
        return answer

    def _learn(self, answer: Any) -> None:
        """Take QuickBooks' time from an answer or a fault."""
        if isinstance(answer, dict):
            with suppress(ValueError):
                self._ahead = parse_instant(str(answer.get("time"))) - self._clock.now()


def quoted(value: str) -> str:
    """Write a string for a query, `'` and backslash escaped."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _where(entity: str, condition: str, *, inactive: bool) -> str:
    conditions = [condition, "Active IN (true, false)" if inactive and entity in LIST_ENTITIES else ""]
    wanted = " AND ".join(filter(None, conditions))
    return f" WHERE {wanted}" if wanted else ""


def _entity(answer: Mapping[str, Any], entity: str, otherwise: type[RetryableError]) -> Entity:
    found = answer.get(entity)
    if not isinstance(found, dict):
        raise otherwise(f"QuickBooks' answer has no {entity}")
    return found
