"""Shopify's GraphQL Admin API over the one HTTP stack, no faster than its points allow."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.errors import ConnectorError, InDoubtError, RetryableError
from connectors.http import Http
from connectors.ports import Clock
from connectors.shopify.errors import of_problem, of_status, problem_in
from connectors.wire import dumps, loads

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was left when it was last heard of; it fills up by `rate` points a second."""

    left: float
    rate: float
    at: datetime

    def wait(self, points: float, now: datetime) -> float:
        """Return the seconds until so many points are there."""
        if self.rate <= 0:
            return 0.0
        there = self.left + (now - self.at).total_seconds() * self.rate
        return max(0.0, (points - there) / self.rate)


class ShopifyClient:
    """One shop. Every method raises the ConnectorError that `errors.py` makes of a refused request.

    Shopify counts points, and only it knows what a query costs: each answer tells what the query took and what is left.
    A query whose cost is known from before waits until the bucket holds so much.
    """

    def __init__(self, http: Http, base_url: str, version: str, clock: Clock) -> None:
        self._http = http
        self._url = f"{base_url.rstrip('/')}/admin/api/{version}/graphql.json"
        self._clock = clock
        self._bucket: Bucket | None = None
        self._costs: dict[str, float] = {}

    async def query(self, operation: str, document: str, variables: Mapping[str, Any] | None = None) -> Answer:
        """Run a query and return its `data`; `operation` names it for metrics and costs."""
        return await self._send(operation, document, variables or {}, reads=True)

    async def mutate(self, operation: str, document: str, variables: Mapping[str, Any]) -> Answer:
        """Run a mutation and return its `data`, user errors included."""
        return await self._send(operation, document, variables, reads=False)

    async def part(self, url: str, begin: int, size: int) -> bytes:
        """Return at most `size` bytes of a bulk result from `begin` on, nothing at its end; it is not metered."""
        headers = {"Range": f"bytes={begin}-{begin + size - 1}", "Accept-Encoding": "identity"}
        plain = replace(self._http, tokens=None)
        response = await plain.request("bulk result", "GET", url, reads=True, headers=headers)
        match response.status_code:
            case 206:
                return response.content
            case 200:  # a server without ranges sends everything
                return response.content[begin : begin + size]
            case 416:
                return b""
            case _:
                # Signed addresses end after a week: the next read asks for a new one.
                raise RetryableError(f"Shopify: the bulk result answers HTTP {response.status_code}")

    async def _send(self, operation: str, document: str, variables: Mapping[str, Any], *, reads: bool) -> Answer:
        await self._pace(self._costs.get(operation, 0.0))
        response = await self._http.request(
            operation,
            "POST",
            self._url,
            reads=reads,
            headers={"Content-Type": "application/json"},
            content=dumps({"query": document, "variables": variables}),
        )
        if not response.is_success:
            raise of_status(response, reads=reads, now=self._clock.now())
        try:
            answer = loads(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise (RetryableError if reads else InDoubtError)("Shopify's answer is not JSON")
        wait = self._note(operation, answer)
        problem = problem_in(answer)
        if problem is not None:
            raise of_problem(problem, reads=reads, wait=wait)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise (RetryableError if reads else InDoubtError)("Shopify's answer has no data")
        return data

    async def _pace(self, points: float) -> None:
        if self._bucket is None:
            return
        wait = self._bucket.wait(points, self._clock.now())
        # Taken at once, so that calls side by side do not count on the same points.
        self._bucket = replace(self._bucket, left=self._bucket.left - points)
        if wait:
            await self._clock.sleep(wait)

    def _note(self, operation: str, answer: Answer) -> float | None:
        """Remember cost and bucket; return the seconds until the bucket holds what this query asks for."""
        cost = (answer.get("extensions") or {}).get("cost") or {}
        requested, status = cost.get("requestedQueryCost"), cost.get("throttleStatus")
        if requested is not None:
            self._costs[operation] = float(requested)
        if not isinstance(status, Mapping):
            return None
        now = self._clock.now()
        self._bucket = Bucket(float(status["currentlyAvailable"]), float(status["restoreRate"]), now)
        return self._bucket.wait(float(requested or 0), now)


def payload(data: Answer, mutation: str, error: type[ConnectorError]) -> Answer:
    """Return what a mutation answered.

    Raises:
        ConnectorError: the given one, with the user errors.
    """
    answer: Answer = data.get(mutation) or {}
    if problems := answer.get("userErrors"):
        code = str(problems[0].get("code") or "")
        raise error(f"Shopify refuses {mutation}: {problems[0].get('message')}", code=code)
    return answer
