"""What each Salesforce error code means for the caller (REST API Developer Guide, "Status Codes and Error Responses").

The same table serves the envelope of a refused request, where the code is `errorCode`, and the rows of a collection,
where it is `statusCode`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

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

BUSY_SECONDS = 5.0
QUOTA_SECONDS = 900.0
"""The daily quota is a rolling window without a date: look again after so long."""
SERVER_ERROR = 500


class Kind(Enum):
    """What the caller does next."""

    FATAL = auto()
    UNAUTHORIZED = auto()
    REJECTED = auto()
    DUPLICATE = auto()
    BUSY = auto()  # surely not carried out, may be soon
    QUOTA = auto()
    BROKEN = auto()  # the server failed and may have acted


PLAIN: Mapping[Kind, type[ConnectorError]] = {
    Kind.FATAL: FatalError,
    Kind.UNAUTHORIZED: UnauthorizedError,
    Kind.REJECTED: RejectedError,
    Kind.DUPLICATE: DuplicateError,
}
CODES: Mapping[str, Kind] = {
    "INVALID_SESSION_ID": Kind.UNAUTHORIZED,
    "INVALID_AUTH_HEADER": Kind.UNAUTHORIZED,
    "REQUEST_LIMIT_EXCEEDED": Kind.QUOTA,  # unless it is about concurrency, see below
    "STORAGE_LIMIT_EXCEEDED": Kind.QUOTA,
    "API_DISABLED_FOR_ORG": Kind.FATAL,
    "FUNCTIONALITY_NOT_ENABLED": Kind.FATAL,
    "UNSUPPORTED_API_VERSION": Kind.FATAL,
    "UNABLE_TO_LOCK_ROW": Kind.BUSY,
    "QUERY_TIMEOUT": Kind.BUSY,
    "TOO_MANY_APEX_REQUESTS": Kind.BUSY,
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": Kind.BUSY,
    "PROCESSING_HALTED": Kind.BUSY,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Kind.BUSY,
    "DUPLICATES_DETECTED": Kind.DUPLICATE,
    "DUPLICATE_VALUE": Kind.DUPLICATE,
    "DUPLICATE_EXTERNAL_ID": Kind.DUPLICATE,
    "UNKNOWN_EXCEPTION": Kind.BROKEN,
    "SERVER_UNAVAILABLE": Kind.BROKEN,
    # What a person must mend in the record, its rights or the org's automation; a replay follows.
    **dict.fromkeys(
        (
            *("FIELD_CUSTOM_VALIDATION_EXCEPTION", "REQUIRED_FIELD_MISSING", "STRING_TOO_LONG"),
            *("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "INVALID_EMAIL_ADDRESS", "INVALID_FIELD"),
            *("INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_TYPE", "MALFORMED_ID", "MALFORMED_QUERY"),
            *("JSON_PARSER_ERROR", "FIELD_INTEGRITY_EXCEPTION", "INVALID_CROSS_REFERENCE_KEY"),
            *("CANNOT_UPDATE_CONVERTED_LEAD", "ENTITY_IS_DELETED", "ENTITY_IS_LOCKED", "INVALID_STATUS"),
            *("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "STANDARD_PRICE_NOT_DEFINED", "NOT_FOUND"),
            *("INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"),
        ),
        Kind.REJECTED,
    ),
}
STATUSES: Mapping[int, Kind] = {401: Kind.UNAUTHORIZED, 403: Kind.FATAL, 410: Kind.FATAL, 429: Kind.QUOTA}
CONCURRENCY = ("ConcurrentRequests", "ConcurrentPerOrgLongTxn", "Concurrent API Requests")
HOPELESS_SESSIONS = (
    "Connected app is not attached to Agent",
    "This session is not valid for use with the REST API",
)
"""401s that another token does not mend: refreshing on them loops for ever."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The first error of an answer or of a row; absent parts are empty."""

    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()


def problem_in(response: httpx.Response) -> Problem:
    """Return the error an answer carries, an empty one if it cannot be read."""
    try:
        answer = loads(response.content)
    except ValueError:
        return Problem()
    first = answer[0] if isinstance(answer, list) and answer else answer
    return problem_of(first) if isinstance(first, Mapping) else Problem()


def problem_of(error: Mapping[str, Any]) -> Problem:
    """Return one error of an envelope or of a collection's row."""
    code = str(error.get("errorCode") or error.get("statusCode") or "")
    return Problem(code, str(error.get("message") or ""), tuple(map(str, error.get("fields") or ())))


def about_token(response: httpx.Response) -> bool:
    """Tell whether another token may help after this 401."""
    message = problem_in(response).message
    return not any(text in message for text in HOPELESS_SESSIONS)


def to_error(problem: Problem, status: int, *, reads: bool, now: datetime) -> ConnectorError:
    """Return the error of a refused request or row; `reads` tells that nothing can have changed."""
    kind = _kind(problem, status)
    message = f"Salesforce answers {problem.code or 'no code'} (HTTP {status}); {scrub(problem.message)}"
    if problem.fields:
        message += f"; fields {', '.join(problem.fields)}"
    if kind is Kind.QUOTA:
        return QuotaError(message, code=problem.code, until=now + timedelta(seconds=QUOTA_SECONDS))
    if kind is Kind.BUSY:
        return RetryableError(message, code=problem.code, retry_after=BUSY_SECONDS)
    if kind is Kind.BROKEN:
        return (RetryableError if reads else InDoubtError)(message, code=problem.code)
    return PLAIN[kind](message, code=problem.code)


def _kind(problem: Problem, status: int) -> Kind:
    if any(text in problem.message for text in HOPELESS_SESSIONS):
        return Kind.FATAL
    if problem.code == "REQUEST_LIMIT_EXCEEDED" and any(text in problem.message for text in CONCURRENCY):
        return Kind.BUSY
    # An Apex trigger's error wraps the one it met.
    if problem.code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" and "UNABLE_TO_LOCK_ROW" in problem.message:
        return Kind.BUSY
    fallback = Kind.BROKEN if status >= SERVER_ERROR else Kind.REJECTED
    return CODES.get(problem.code) or STATUSES.get(status, fallback)
