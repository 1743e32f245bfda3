"""Stripe's API over the one HTTP stack; reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import httpx

from connectors.errors import RetryableError
from connectors.keys import Keyed
from connectors.ports import Clock
from connectors.stripe.errors import fault_in, to_error
from connectors.stripe.objects import EVERY, PATHS, WHOLE, Entity
from connectors.wire import loads

PAGE = 100
"""Rows a list returns at most; the default is 10."""
GONE = "resource_missing"
INVOICE = "invoice"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, newest first; `read` is our time when it was asked for."""

    rows: Sequence[Entity]
    more: bool
    read: datetime


class StripeClient:
    """One account. Every method raises the ConnectorError that `errors.to_error` makes of a failed answer."""

    def __init__(self, keyed: Keyed, base_url: str, headers: Mapping[str, str], clock: Clock) -> None:
        self._keyed = keyed
        self._base = f"{base_url.rstrip('/')}/v1"
        self._headers = headers
        self._clock = clock

    async def objects(self, object_type: str, after: str | None) -> Page:
        """Return the objects that are older than the one with id `after`; None: from the newest."""
        params = {**EVERY.get(object_type, {}), **({"starting_after": after} if after else {})}
        page = await self._page(PATHS[object_type], params)
        return replace(page, rows=[await self._complete(object_type, row) for row in page.rows])

    async def events(self, **params: str) -> Page:
        """Return a page of events; Stripe keeps them for thirty days."""
        return await self._page("events", params)

    async def read(self, object_type: str, id_: str) -> tuple[Entity | None, datetime]:
        """Return one object, None where there is none, and our time when it was asked for."""
        read = self._clock.now()
        response = await self._get(f"read {object_type}", f"{PATHS[object_type]}/{id_}", WHOLE.get(object_type, {}))
        if response.status_code == httpx.codes.NOT_FOUND and fault_in(response).code == GONE:
            return None, read
        return await self._complete(object_type, self._parsed(response)), read

    async def _complete(self, object_type: str, entity: Entity) -> Entity:
        """Return an invoice with all its lines: it comes with ten (page "Retrieve an invoice's line items")."""
        lines = entity.get("lines")
        if object_type != INVOICE or not isinstance(lines, dict) or not lines.get("has_more"):
            return entity
        rows, more = list(lines["data"]), True
        while more:
            after = {"starting_after": str(rows[-1]["id"])} if rows else {}
            page = await self._page(f"{PATHS[INVOICE]}/{entity['id']}/lines", after)
            rows, more = [*rows, *page.rows], page.more and bool(page.rows)
        return {**entity, "lines": {**lines, "data": rows, "has_more": False}}

    async def _page(self, path: str, params: Mapping[str, str]) -> Page:
        read = self._clock.now()
        answer = self._parsed(await self._get(f"list {path}", path, {"limit": str(PAGE), **params}))
        rows = answer.get("data")
        if not isinstance(rows, list):
            raise RetryableError("Stripe's answer is no list")
        return Page([row for row in rows if isinstance(row, dict)], bool(answer.get("has_more")), read)

    async def _get(self, operation: str, path: str, params: Mapping[str, str]) -> httpx.Response:
        return await self._keyed.get(operation, f"{self._base}/{path}", params, **self._headers)

    def _parsed(self, response: httpx.Response) -> Entity:
        if not response.is_success:
            raise to_error(response, self._clock.now())
        try:
            answer = loads(response.content)
        except ValueError as error:
            raise RetryableError("Stripe's answer is not JSON") from error
        if not isinstance(answer, dict):
            raise RetryableError("Stripe's answer is no object")
        return answer
