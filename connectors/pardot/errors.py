"""What each Pardot error code means for the caller (Account Engagement API guide, "Error Codes").

The code decides; the HTTP status, which the guide leaves open, only where a code is absent or unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum, auto
from zoneinfo import ZoneInfo

import httpx

from connectors.errors import (
    ConnectorError,
    DuplicateError,
    FatalError,
    InDoubtError,
    QuotaError,
    RejectedError,
    RetryableError,
    UnauthorizedError,
)
from connectors.wire import loads, scrub

SLOW = frozenset({202, 214})
"""The query took too long; 202 says minute rate, and its explanation that a smaller window helps."""
GATEWAY_TIMEOUT = 504
MINUTE_SECONDS = 60.0
BUSY_SECONDS = 2.0
SERVER_ERROR = 500


class SlowQueryError(RetryableError):
    """The query took too long: ask for less."""


class Kind(Enum):
    """What the caller does next."""

    FATAL = auto()
    UNAUTHORIZED = auto()
    REJECTED = auto()
    DUPLICATE = auto()
    DAY = auto()  # the day's calls are spent
    MINUTE = auto()  # too much for this minute
    BUSY = auto()  # five calls are under way already
    BROKEN = auto()  # the server failed and may have acted


PLAIN: Mapping[Kind, type[ConnectorError]] = {
    Kind.FATAL: FatalError,
    Kind.UNAUTHORIZED: UnauthorizedError,
    Kind.REJECTED: RejectedError,
    Kind.DUPLICATE: DuplicateError,
}
CODES: Mapping[int, Kind] = {
    **dict.fromkeys((46, 49, 76, 181, 182, 199, 201), Kind.FATAL),  # rights, header, business unit, API off
    184: Kind.UNAUTHORIZED,
    122: Kind.DAY,
    202: Kind.MINUTE,
    66: Kind.BUSY,
    62: Kind.BUSY,  # somebody else is updating it
    **dict.fromkeys((183, 214, 244), Kind.BROKEN),  # internal, took too long, temporary
    **dict.fromkeys((9, 54, 58), Kind.DUPLICATE),
    **dict.fromkeys((4, 13, 36, 65, 153, 154, 180), Kind.REJECTED),  # a value is bad, missing or not writable
    **dict.fromkeys((3, 109, 132, 192, 219), Kind.REJECTED),  # not found, archived or in the recycle bin
    **dict.fromkeys((37, 59, 128, 129, 218), Kind.REJECTED),  # Salesforce owns it
    **dict.fromkeys((5, 23, 50, 51, 52, 55, 130, 209, 224), Kind.REJECTED),  # a filter, field or list is wrong
    **dict.fromkeys((70, 71, 150, 151, 152, 204, 205, 206, 207, 208), Kind.REJECTED),  # the request is wrong
    **dict.fromkeys((233, 234, 235), Kind.REJECTED),  # state of the Salesforce connector
}
STATUSES: Mapping[int, Kind] = {401: Kind.UNAUTHORIZED, 403: Kind.FATAL, 408: Kind.BROKEN, 429: Kind.DAY}
NOT_FOUND = frozenset({3, 109, 132, 192, 219})


@dataclass(frozen=True, slots=True)
class Problem:
    """The body of a refused request; code 0 if there is none."""

    code: int = 0
    message: str = ""


def problem_in(response: httpx.Response) -> Problem:
    """Return the error an answer carries, an empty one if it cannot be read."""
    try:
        answer = loads(response.content)
        return Problem(int(answer["code"]), str(answer.get("message", "")))
    except (ValueError, KeyError, TypeError):
        return Problem()


def about_token(response: httpx.Response) -> bool:
    """Tell whether another token may help after this 401: it does not mend a header or the business unit."""
    return CODES.get(problem_in(response).code, Kind.UNAUTHORIZED) is Kind.UNAUTHORIZED


def is_missing(response: httpx.Response) -> bool:
    """Tell whether the object asked for is not there, or only in the recycle bin."""
    problem = problem_in(response)
    return problem.code in NOT_FOUND or (response.status_code == httpx.codes.NOT_FOUND and problem.code == 0)


def is_slow(response: httpx.Response) -> bool:
    """Tell whether a query was given up because it took too long."""
    code = problem_in(response).code
    return code in SLOW or (code == 0 and response.status_code == GATEWAY_TIMEOUT)


def to_error(response: httpx.Response, *, reads: bool, now: datetime, zone: ZoneInfo) -> ConnectorError:
    """Return the error of a refused request.

    `reads` tells that nothing can have changed; `zone` is the account's, in which its day of calls ends.
    """
    problem, status = problem_in(response), response.status_code
    fallback = Kind.BROKEN if status >= SERVER_ERROR else Kind.REJECTED
    kind = CODES.get(problem.code) or STATUSES.get(status, fallback)
    code = str(problem.code or "")
    message = f"Pardot answers {code or 'no code'} (HTTP {status}); {scrub(problem.message)}"
    match kind:
        case Kind.DAY:
            return QuotaError(message, code=code, until=midnight(now, zone))
        case Kind.MINUTE:
            return RetryableError(message, code=code, retry_after=MINUTE_SECONDS)
        case Kind.BUSY:
            return RetryableError(message, code=code, retry_after=BUSY_SECONDS)
        case Kind.BROKEN:
            return (RetryableError if reads else InDoubtError)(message, code=code)
        case _:
            return PLAIN[kind](message, code=code)


def midnight(now: datetime, zone: ZoneInfo) -> datetime:
    """Return when the account's next day begins, and with it another day's calls."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(now.tzinfo)
