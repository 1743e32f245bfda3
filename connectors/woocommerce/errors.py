"""What each WooCommerce error code means for the caller (codes of the REST API's controllers and of WordPress).

The code decides, the HTTP status only where a code is absent or unknown: hosts and caches in front of a shop answer
with pages of their own.
"""

from collections.abc import Mapping
from datetime import datetime

import httpx

from connectors.errors import (
    ConnectorError,
    DuplicateError,
    FatalError,
    MissingReferenceError,
    RejectedError,
    RetryableError,
    UnauthorizedError,
)
from connectors.http import retry_after
from connectors.wire import loads, scrub

SERVER_ERROR = 500
THROTTLE_SECONDS = 10.0
"""Where a host refuses by 429 without saying how long."""

CODES: Mapping[str, type[ConnectorError]] = {
    "woocommerce_rest_authentication_error": UnauthorizedError,
    "woocommerce_rest_authentication_missing_parameter": UnauthorizedError,
    "woocommerce_rest_cannot_view": UnauthorizedError,  # nobody was recognised, or the key's user lacks the right
    "woocommerce_rest_cannot_create": UnauthorizedError,
    "woocommerce_rest_cannot_edit": UnauthorizedError,
    "woocommerce_rest_cannot_delete": UnauthorizedError,
    "woocommerce_rest_cannot_batch": UnauthorizedError,
    "rest_no_route": FatalError,  # the plugin is off, too old, or the address is wrong
    "rest_disabled": FatalError,
    "rest_invalid_param": RejectedError,
    "rest_missing_callback_param": RejectedError,
    "rest_invalid_json": RejectedError,
    "woocommerce_rest_trash_not_supported": RejectedError,
    "woocommerce_rest_request_entity_too_large": RejectedError,
    "product_invalid_sku": DuplicateError,
    "registration-error-email-exists": DuplicateError,
    "registration-error-username-exists": DuplicateError,
    "woocommerce_rest_customer_invalid_email": DuplicateError,
    "woocommerce_rest_invalid_product_id": MissingReferenceError,
    "woocommerce_rest_invalid_customer_id": MissingReferenceError,
    "woocommerce_rest_invalid_order_id": MissingReferenceError,
    "internal_server_error": RetryableError,  # a plugin of the shop failed
}
STATUSES: Mapping[int, type[ConnectorError]] = {
    301: FatalError,  # redirects are not followed: the address is wrong
    302: FatalError,
    307: FatalError,
    308: FatalError,
    401: UnauthorizedError,
    403: FatalError,  # a firewall of the shop
    404: FatalError,
    408: RetryableError,
    429: RetryableError,
}
GONE = "_invalid_id"
"""How the codes end that say an object is not there."""


def code_of(response: httpx.Response) -> str:
    """Return the error code of an answer, `""` if it has none that can be read."""
    try:
        body = loads(response.content)
    except ValueError:
        return ""
    return str(body.get("code", "")) if isinstance(body, dict) else ""


def to_error(response: httpx.Response, now: datetime) -> ConnectorError:
    """Return the error of a failed read."""
    code = code_of(response)
    fallback = RetryableError if response.status_code >= SERVER_ERROR else RejectedError
    kind = CODES.get(code) or STATUSES.get(response.status_code, fallback)
    if kind is RejectedError and code.endswith(GONE):
        kind = MissingReferenceError
    message = f"WooCommerce answers {code or 'no code'} (HTTP {response.status_code}){_said(response)}"
    if issubclass(kind, RetryableError):
        wait = retry_after(response, now)
        if wait is None and response.status_code == 429:  # noqa: PLR2004 - too many requests
            wait = THROTTLE_SECONDS
        return RetryableError(message, code=code, retry_after=wait)
    return kind(message, code=code)


def _said(response: httpx.Response) -> str:
    try:
        body = loads(response.content)
    except ValueError:
        return ""
    text = scrub(str(body.get("message", ""))) if isinstance(body, dict) else ""
    return f"; {text}" if text else ""
