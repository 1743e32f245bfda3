"""What each Stripe error means for the caller (docs.stripe.com: errors, error codes, low-level handling)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from connectors.errors import (
    ConnectorError,
    FatalError,
    MissingReferenceError,
    RejectedError,
    RetryableError,
    UnauthorizedError,
)
from connectors.http import retry_after
from connectors.wire import loads, scrub

SERVER_ERROR = 500
CODES: Mapping[str, type[ConnectorError]] = {
    "rate_limit": RetryableError,
    "lock_timeout": RetryableError,  # another request works on the object
    "idempotency_key_in_use": RetryableError,
    "api_key_expired": UnauthorizedError,
    "secret_key_required": FatalError,  # a publishable key
    "platform_api_key_expired": UnauthorizedError,
    "account_invalid": FatalError,
    "testmode_charges_only": FatalError,
    "resource_missing": MissingReferenceError,
    "parameter_missing": RejectedError,
    "parameter_unknown": RejectedError,
    "parameter_invalid_integer": RejectedError,
    "invoice_not_editable": RejectedError,
    "card_declined": RejectedError,
}
TYPES: Mapping[str, type[ConnectorError]] = {
    "api_error": RetryableError,
    "card_error": RejectedError,
    "idempotency_error": RejectedError,
}
STATUSES: Mapping[int, type[ConnectorError]] = {
    301: FatalError,  # redirects are not followed: the address is wrong
    302: FatalError,
    401: UnauthorizedError,
    403: FatalError,  # a restricted key without the right
    404: MissingReferenceError,
    408: RetryableError,
    409: RetryableError,
    429: RetryableError,
}
THROTTLE_SECONDS = 2.0
"""Where a 429 does not say how long; Stripe asks for growing waits."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The error object of an answer; absent parts are empty."""

    type: str = ""
    code: str = ""
    message: str = ""
    param: str = ""


def fault_in(response: httpx.Response) -> Fault:
    """Return the error an answer carries."""
    try:
        body = loads(response.content)
    except ValueError:
        return Fault()
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return Fault()
    return Fault(**{name: str(error.get(name) or "") for name in ("type", "code", "message", "param")})


def to_error(response: httpx.Response, now: datetime) -> ConnectorError:
    """Return the error of a failed read."""
    fault = fault_in(response)
    fallback: type[ConnectorError] = RetryableError if response.status_code >= SERVER_ERROR else RejectedError
    kind = CODES.get(fault.code) or TYPES.get(fault.type) or STATUSES.get(response.status_code, fallback)
    parts: list[Any] = [f"Stripe answers {fault.code or fault.type or 'no code'} (HTTP {response.status_code})"]
    parts += [scrub(fault.message)] if kind is not UnauthorizedError else []  # it quotes the key
    parts += [f"parameter {fault.param}"] if fault.param else []
    if id_ := response.headers.get("request-id", ""):
        parts.append(f"request-id {id_}")
    message = "; ".join(part for part in parts if part)
    if issubclass(kind, RetryableError):
        wait = retry_after(response, now)
        throttled = response.status_code == 429  # noqa: PLR2004 - too many requests
        return RetryableError(
            message, code=fault.code, retry_after=THROTTLE_SECONDS if throttled and not wait else wait
        )
    return kind(message, code=fault.code)
