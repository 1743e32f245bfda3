"""What each error of Shopify's Admin API means for the caller.

GraphQL tells of errors with HTTP 200 and `errors[].extensions.code` (shopify.dev, "GraphQL Admin API: status and error
codes"); statuses are those of what lies before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

import httpx

from connectors.errors import (
    ConnectorError,
    FatalError,
    InDoubtError,
    RejectedError,
    RetryableError,
    UnauthorizedError,
)
from connectors.http import retry_after
from connectors.wire import scrub

SERVER_ERROR = 500
BUSY_SECONDS = 2.0


class TooDearError(RejectedError):
    """The query costs more points than any query may; a smaller page of it may do."""

    def __init__(self, message: str, *, cost: float, most: float) -> None:
        super().__init__(message, code="MAX_COST_EXCEEDED")
        self.cost = cost
        self.most = most


class Kind(Enum):
    """What the caller does next."""

    FATAL = auto()
    UNAUTHORIZED = auto()
    REJECTED = auto()
    BUSY = auto()  # surely not carried out, may be soon
    BROKEN = auto()  # the server failed and may have acted


PLAIN: Mapping[Kind, type[ConnectorError]] = {
    Kind.FATAL: FatalError,
    Kind.UNAUTHORIZED: UnauthorizedError,
    Kind.REJECTED: RejectedError,
}
CODES: Mapping[str, Kind] = {
    "THROTTLED": Kind.BUSY,
    "ACCESS_DENIED": Kind.FATAL,
    "SHOP_INACTIVE": Kind.FATAL,
    "INTERNAL_SERVER_ERROR": Kind.BROKEN,
    "TIMEOUT": Kind.BROKEN,
}
"""Codes that are not about the document or its values; those are rejected."""
STATUSES: Mapping[int, Kind] = {
    400: Kind.REJECTED,
    401: Kind.UNAUTHORIZED,
    402: Kind.FATAL,  # the shop is frozen: it has to pay
    403: Kind.FATAL,
    404: Kind.FATAL,  # no such shop, or no such version of the API
    406: Kind.REJECTED,
    413: Kind.REJECTED,
    423: Kind.FATAL,  # the shop is locked
    429: Kind.BUSY,
    430: Kind.BUSY,  # Shopify's own: the request looks malicious; slow down
}


@dataclass(frozen=True, slots=True)
class Problem:
    """The first error of a GraphQL answer."""

    code: str
    message: str
    extensions: Mapping[str, Any]


def problem_in(answer: Mapping[str, Any]) -> Problem | None:
    """Return the first error of an answer, None if it has none."""
    errors = answer.get("errors")
    if not errors:
        return None
    plain: Mapping[str, Any] = {"message": str(errors)}
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], Mapping) else plain
    extensions = first.get("extensions") or {}
    return Problem(str(extensions.get("code") or ""), str(first.get("message") or ""), extensions)


def of_problem(problem: Problem, *, reads: bool, wait: float | None) -> ConnectorError:
    """Return the error of a GraphQL answer; `wait` is how many seconds the bucket takes to fill up."""
    message = f"Shopify answers {problem.code or 'an error'}; {scrub(problem.message)}"
    if problem.code == "MAX_COST_EXCEEDED":
        cost, most = problem.extensions.get("cost", 0), problem.extensions.get("maxCost", 0)
        return TooDearError(message, cost=float(cost), most=float(most))
    kind = CODES.get(problem.code, Kind.REJECTED)
    if kind is Kind.BUSY:
        return RetryableError(message, code=problem.code, retry_after=BUSY_SECONDS if wait is None else wait)
    if kind is Kind.BROKEN:
        return (RetryableError if reads else InDoubtError)(message, code=problem.code)
    return PLAIN[kind](message, code=problem.code)


def of_status(response: httpx.Response, *, reads: bool, now: datetime) -> ConnectorError:
    """Return the error of an answer that is no success."""
    status = response.status_code
    request_id = response.headers.get("x-request-id", "")
    message = f"Shopify answers HTTP {status}; x-request-id {request_id}"
    kind = STATUSES.get(status, Kind.BROKEN if status >= SERVER_ERROR else Kind.REJECTED)
    if kind is Kind.BUSY:
        wait = retry_after(response, now)
        return RetryableError(message, code=str(status), retry_after=BUSY_SECONDS if wait is None else wait)
    if kind is Kind.BROKEN:
        return (RetryableError if reads else InDoubtError)(message, code=str(status))
    return PLAIN[kind](message, code=str(status))
