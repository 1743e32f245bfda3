"""What each QuickBooks error code means for the caller (Intuit's pages "Error codes" and "Handling common errors").

The code decides, the HTTP status only where a code is absent or unknown: the two are known to disagree.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto

import httpx

from connectors.errors import (
    ConnectorError,
    DuplicateError,
    FatalError,
    InDoubtError,
    MissingReferenceError,
    RejectedError,
    RetryableError,
    StaleError,
    UnauthorizedError,
)
from connectors.http import retry_after
from connectors.quickbooks.faults import Fault, fault_in
from connectors.wire import scrub

THROTTLE_SECONDS = 60.0
"""Intuit: after a 429 wait 60 seconds."""
MAINTENANCE_SECONDS = 300.0
SERVER_ERROR = 500


class Kind(Enum):
    """What the caller does next."""

    FATAL = auto()
    UNAUTHORIZED = auto()
    REJECTED = auto()
    DUPLICATE = auto()
    MISSING = auto()
    STALE = auto()
    IN_DOUBT = auto()
    LATER = auto()  # a maintenance is to end first
    THROTTLED = auto()  # the minute is to end first
    BROKEN = auto()  # the server failed and may have acted


PLAIN: Mapping[Kind, type[ConnectorError]] = {
    Kind.FATAL: FatalError,
    Kind.UNAUTHORIZED: UnauthorizedError,
    Kind.REJECTED: RejectedError,
    Kind.DUPLICATE: DuplicateError,
    Kind.MISSING: MissingReferenceError,
    Kind.STALE: StaleError,
    Kind.IN_DOUBT: InDoubtError,
}

CODES: Mapping[str, Kind] = {
    "100": Kind.FATAL,  # a good token for another realm
    "120": Kind.UNAUTHORIZED,  # the connecting user is no longer an administrator
    "130": Kind.LATER,
    "140": Kind.LATER,
    "150": Kind.LATER,
    "500": Kind.REJECTED,
    "600": Kind.IN_DOUBT,  # this request id was seen: read back
    "610": Kind.MISSING,  # also an inactive reference
    "620": Kind.REJECTED,
    "630": Kind.REJECTED,
    "800": Kind.REJECTED,
    "1040": Kind.REJECTED,
    "2010": Kind.REJECTED,
    "2020": Kind.REJECTED,
    "2030": Kind.REJECTED,
    "2040": Kind.REJECTED,
    "2050": Kind.REJECTED,
    "2130": Kind.REJECTED,
    "2170": Kind.REJECTED,
    "2200": Kind.REJECTED,
    "2210": Kind.REJECTED,
    "2500": Kind.MISSING,
    "3000": Kind.REJECTED,
    "3001": Kind.THROTTLED,
    "3100": Kind.FATAL,
    "3200": Kind.UNAUTHORIZED,
    "3202": Kind.UNAUTHORIZED,
    "4000": Kind.REJECTED,
    "4001": Kind.REJECTED,
    "4002": Kind.REJECTED,
    "5010": Kind.STALE,
    "5020": Kind.REJECTED,
    "5030": Kind.REJECTED,
    "6000": Kind.REJECTED,  # unless the text says it is transient, see TRANSIENT
    "6070": Kind.REJECTED,
    "6080": Kind.REJECTED,
    "6100": Kind.REJECTED,
    "6140": Kind.DUPLICATE,
    "6190": Kind.FATAL,  # subscription ended: the company is read-only
    "6200": Kind.REJECTED,
    "6210": Kind.REJECTED,
    "6240": Kind.DUPLICATE,
    "6250": Kind.MISSING,
    "6270": Kind.REJECTED,
    "6450": Kind.REJECTED,
    "6480": Kind.REJECTED,
    "6540": Kind.REJECTED,
    "10000": Kind.BROKEN,
    "10100": Kind.REJECTED,
    "10200": Kind.FATAL,  # the company was reset: every id is gone
}
STATUSES: Mapping[int, Kind] = {
    301: Kind.FATAL,  # redirects are not followed: the address is wrong
    302: Kind.FATAL,
    307: Kind.FATAL,
    308: Kind.FATAL,
    401: Kind.UNAUTHORIZED,
    403: Kind.FATAL,
    404: Kind.FATAL,  # missing objects are 400 with code 610; this is a wrong address
    408: Kind.BROKEN,
    429: Kind.THROTTLED,
}
TRANSIENT = ("wait a few minutes", "unexpected error", "try again later")
"""What a 6000 says when it is not about the content."""
PERSONAL = frozenset({"120", "5010", "6240"})
"""Codes whose detail names a person."""


def about_token(response: httpx.Response) -> bool:
    """Tell whether a 401 is about the token: another token does not open a wrong realm (code 100)."""
    fault = fault_in(response)
    return fault is None or fault.code != "100"


def to_error(response: httpx.Response, fault: Fault | None, *, reads: bool, now: datetime) -> ConnectorError:
    """Return the error of a failed answer; `reads` tells that nothing can have changed."""
    fault = fault or Fault()
    kind = _kind(fault, response.status_code)
    message = _message(response, fault)
    if kind is Kind.THROTTLED:
        wait = max(retry_after(response, now) or 0.0, THROTTLE_SECONDS)
        return RetryableError(message, code=fault.code, retry_after=wait)
    if kind is Kind.LATER:
        return RetryableError(message, code=fault.code, retry_after=MAINTENANCE_SECONDS)
    if kind is Kind.BROKEN:
        error = RetryableError if reads else InDoubtError
        return error(message, code=fault.code, retry_after=retry_after(response, now))
    return PLAIN[kind](message, code=fault.code)


def _kind(fault: Fault, status: int) -> Kind:
    if fault.code == "6000" and any(text in f"{fault.message} {fault.detail}".lower() for text in TRANSIENT):
        return Kind.LATER
    fallback = Kind.BROKEN if status >= SERVER_ERROR else Kind.REJECTED
    return CODES.get(fault.code) or STATUSES.get(status, fallback)


def _message(response: httpx.Response, fault: Fault) -> str:
    said = fault.message if fault.code in PERSONAL or not fault.detail else f"{fault.message}: {fault.detail}"
    parts = [f"QuickBooks answers {fault.code or 'no code'} (HTTP {response.status_code})", scrub(said)]
    if fault.element:
        parts.append(f"element {fault.element}")
    if tid := response.headers.get("intuit_tid", ""):
        parts.append(f"intuit_tid {tid}")
    return "; ".join(part for part in parts if part)
