"""Pardot's API version 5 over the one HTTP stack."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from connectors.errors import InDoubtError, RetryableError
from connectors.http import Http
from connectors.pardot.errors import SlowQueryError, is_missing, is_slow, to_error
from connectors.ports import Clock
from connectors.wire import dumps, loads

PAGE = 1000
WALL = "203;"
"""Pardot-Warning: a chain of pages ended at 100,000 records though there are more."""
Record = dict[str, Any]


class PardotClient:
    """One business unit. Every method raises the ConnectorError that `errors.to_error` makes of a refused request."""

    def __init__(self, http: Http, base_url: str, business_unit: str, zone: ZoneInfo, clock: Clock) -> None:
        self._http = http
        self._base = f"{base_url.rstrip('/')}/api/v5/objects"
        self._business_unit = business_unit
        self._zone = zone
        self._clock = clock

    async def upsert_prospect(self, email: str, prospect: Mapping[str, Any], fields: Sequence[str]) -> Record:
        """Create the prospect, or update the latest one with this address, from the recycle bin if need be.

        The only write of the API that may be repeated without harm.
        """
        body = {"matchEmail": email, "prospect": prospect, "fields": list(fields), "secondaryDeletedSearch": True}
        url = f"{self._base}/prospects/do/upsertLatestByEmail"
        response = await self._send("upsert prospect", "POST", url, reads=False, body=body)
        return self._record(response, reads=False)

    async def update_prospect(self, remote_id: str, prospect: Mapping[str, Any], fields: Sequence[str]) -> Record:
        """Change one prospect by its id."""
        url, params = f"{self._base}/prospects/{remote_id}", {"fields": ",".join(fields)}
        response = await self._send("update prospect", "PATCH", url, reads=False, params=params, body=prospect)
        if response.status_code == httpx.codes.NO_CONTENT:  # the user may not read what he wrote
            return {"id": remote_id}
        return self._record(response, reads=False)

    async def read_prospect(self, remote_id: str, fields: Sequence[str]) -> Record | None:
        """Return one prospect, None when it is gone or in the recycle bin."""
        url, params = f"{self._base}/prospects/{remote_id}", {"fields": ",".join(fields)}
        response = await self._http.request(
            "read prospect", "GET", url, reads=True, params=params, headers=self._headers()
        )
        if is_missing(response):
            return None
        return self._record(self._accepted(response, reads=True), reads=True)

    async def prospects_by_email(self, email: str, fields: Sequence[str]) -> list[Record]:
        """Return the prospects with this address, the latest first; several only where the unit allows that."""
        params = {"fields": ",".join(fields), "email": email, "orderBy": "updatedAt DESC", "limit": str(PAGE)}
        response = await self._send("query prospects", "GET", f"{self._base}/prospects", reads=True, params=params)
        values = self._record(response, reads=True).get("values")
        return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []

    async def query(self, path: str, params: Mapping[str, str]) -> tuple[list[Record], bool]:
        """Return the records of one page of a query, and whether it holds more than these.

        Raises:
            SlowQueryError: it took too long; ask for a smaller window.
        """
        try:
            response = await self._http.request(
                f"query {path}", "GET", f"{self._base}/{path}", reads=True, params=params, headers=self._headers()
            )
        except RetryableError as error:
            if isinstance(error.__cause__, httpx.ReadTimeout | TimeoutError):
                raise SlowQueryError(str(error)) from error
            raise
        if is_slow(response):
            slow = to_error(response, reads=True, now=self._clock.now(), zone=self._zone)
            raise SlowQueryError(str(slow), code=slow.code)
        answer = self._record(self._accepted(response, reads=True), reads=True)
        values = answer.get("values")
        if not isinstance(values, list) or not all(isinstance(value, dict) and "id" in value for value in values):
            raise RetryableError(f"Pardot's answer to a query of {path} has no list of values")
        walled = response.headers.get("pardot-warning", "").startswith(WALL)
        return values, walled or bool(answer.get("nextPageToken"))

    async def _send(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        reads: bool,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        response = await self._http.request(
            operation,
            method,
            url,
            reads=reads,
            params=params,
            headers=self._headers(),
            content=None if body is None else dumps(body),
        )
        return self._accepted(response, reads=reads)

    def _headers(self) -> dict[str, str]:
        return {"Pardot-Business-Unit-Id": self._business_unit, "Content-Type": "application/json"}

    def _accepted(self, response: httpx.Response, *, reads: bool) -> httpx.Response:
        if not response.is_success:
            raise to_error(response, reads=reads, now=self._clock.now(), zone=self._zone)
        return response

    def _record(self, response: httpx.Response, *, reads: bool) -> Record:
        try:
            answer = loads(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise (RetryableError if reads else InDoubtError)("Pardot's answer is not a JSON object")
        return answer
