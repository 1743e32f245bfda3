"""Salesforce's REST API over the one HTTP stack."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from connectors.errors import InDoubtError, RetryableError, UnauthorizedError
from connectors.http import Http
from connectors.metrics import note_remaining
from connectors.ports import Account, Clock
from connectors.salesforce.errors import problem_in, to_error
from connectors.salesforce.objects import quoted
from connectors.wire import dumps, loads

CLIENT = "sluiceway"
"""Comes back in the change events of our own writes, so that they can be told apart."""
PAGE = 2000
IDS = 200
"""In one query: address and headers must stay below 16,384 bytes."""
_USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a query; `pinned` is the session that may read on, `last` says that there is no more."""

    records: Sequence[Record]
    last: bool
    pinned: str


class SalesforceClient:
    """One org. Every method raises the ConnectorError that `errors.to_error` makes of a refused request."""

    def __init__(self, http: Http, account: Account, version: str, clock: Clock) -> None:
        self._http = http
        self._host = account.base_url.rstrip("/")
        self._base = f"{self._host}/services/data/v{version}"
        self._tenant = account.tenant
        self._clock = clock

    async def query(self, soql: str, *, deleted: bool = False) -> AsyncGenerator[Page]:
        """Yield the pages of a query, all read in one session: a locator dies with the session that made it.

        Raises:
            RetryableError: the session ended between two pages; begin anew.
        """
        url = f"{self._base}/{'queryAll' if deleted else 'query'}/"
        headers = {"Sforce-Query-Options": f"batchSize={PAGE}"}
        response = await self._send("query", "GET", url, reads=True, params={"q": soql}, headers=headers)
        pinned = response.request.headers["Authorization"]
        while True:
            answer = self._parsed(response, reads=True)
            more = answer.get("nextRecordsUrl")
            yield Page(answer.get("records", []), not more, pinned)
            if not more:
                return
            response = await self._more(more, pinned)

    async def rows(self, soql: str, *, deleted: bool = False) -> list[Record]:
        """Return all rows of a query, the rows of its sub-queries completed."""
        found: list[Record] = []
        async for page in self.query(soql, deleted=deleted):
            for record in page.records:
                await self._complete(record, page.pinned)
                found.append(record)
        return found

    async def by_ids(
        self, object_type: str, columns: Sequence[str], ids: Sequence[str], *, deleted: bool
    ) -> dict[str, Record]:
        """Return records by the first 15 characters of their ids, which identify; `deleted` finds the bin's as well."""
        found: dict[str, Record] = {}
        for start in range(0, len(ids), IDS):
            wanted = quoted(ids[start : start + IDS])
            statement = f"SELECT {', '.join(columns)} FROM {object_type} WHERE Id IN {wanted}"  # noqa: S608 (escaped)
            found |= {row["Id"][:15]: row for row in await self.rows(statement, deleted=deleted)}
        return found

    async def count(self, soql: str) -> int:
        """Return the number of a `SELECT COUNT() …`."""
        response = await self._send("count", "GET", f"{self._base}/query/", reads=True, params={"q": soql})
        return int(self._parsed(response, reads=True)["totalSize"])

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return the JSON of a resource below the version, e.g. `sobjects/Account/describe`."""
        response = await self._send(_operation(path), "GET", f"{self._base}/{path}", reads=True, params=params)
        return self._parsed(response, reads=True)

    async def text(self, path: str, params: Mapping[str, str], media_type: str) -> httpx.Response:
        """Return a resource that is no JSON."""
        headers = {"Accept": media_type}
        return await self._send(
            _operation(path), "GET", f"{self._base}/{path}", reads=True, params=params, headers=headers
        )

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Create something below the version and return what the vendor says of it."""
        headers = {"Content-Type": "application/json"}
        response = await self._send(
            _operation(path), "POST", f"{self._base}/{path}", reads=False, headers=headers, content=dumps(body)
        )
        return self._parsed(response, reads=False)

    async def read(self, object_type: str, remote_id: str, fields: Sequence[str]) -> Record:
        """Return these fields of one record."""
        url = f"{self._base}/sobjects/{object_type}/{remote_id}"
        response = await self._send(f"read {object_type}", "GET", url, reads=True, params={"fields": ",".join(fields)})
        record: Record = self._parsed(response, reads=True)
        return record

    async def update(self, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Update up to 200 records, each with `attributes.type` and `id`; return a result row each, same order."""
        content = dumps({"allOrNone": False, "records": records})
        headers = {"Content-Type": "application/json"}
        url = f"{self._base}/composite/sobjects"
        response = await self._send("update", "PATCH", url, reads=False, headers=headers, content=content)
        rows = self._parsed(response, reads=False)
        if not isinstance(rows, list) or len(rows) != len(records):
            raise InDoubtError("Salesforce's answer has another number of rows than the request")
        return rows

    async def _complete(self, record: Record, pinned: str) -> None:
        for value in record.values():
            if not isinstance(value, dict) or "records" not in value:
                continue
            while more := value.pop("nextRecordsUrl", None):
                answer = self._parsed(await self._more(more, pinned), reads=True)
                value["records"] += answer["records"]
                if "nextRecordsUrl" in answer:
                    value["nextRecordsUrl"] = answer["nextRecordsUrl"]

    async def _more(self, path: str, pinned: str) -> httpx.Response:
        try:
            return await self._send("query more", "GET", f"{self._host}{path}", reads=True, pinned=pinned)
        except UnauthorizedError as error:
            raise RetryableError("Salesforce: the session ended between two pages", code=error.code) from error

    async def _send(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        reads: bool,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        pinned: str | None = None,
    ) -> httpx.Response:
        response = await self._http.request(
            operation,
            method,
            url,
            reads=reads,
            params=params,
            headers={"Sforce-Call-Options": f"client={CLIENT}", **(headers or {})},
            content=content,
            pinned=pinned,
        )
        self._note_usage(response)
        if not response.is_success:
            raise to_error(problem_in(response), response.status_code, reads=reads, now=self._clock.now())
        return response

    def _note_usage(self, response: httpx.Response) -> None:
        usage = _USAGE.search(response.headers.get("sforce-limit-info", ""))
        if usage:
            note_remaining("salesforce", self._tenant, int(usage[2]) - int(usage[1]))

    def _parsed(self, response: httpx.Response, *, reads: bool) -> Any:
        try:
            return loads(response.content)
        except ValueError:
            raise (RetryableError if reads else InDoubtError)("Salesforce's answer is not JSON") from None


def _operation(path: str) -> str:
    """Name a resource for the metrics: ids, which have digits, left out."""
    return " ".join(step for step in path.split("/") if step.isalpha())
