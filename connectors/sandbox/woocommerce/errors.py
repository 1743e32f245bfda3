"""WooCommerce's error envelope: `{"code", "message", "data": {"status", ...}}` (WP_Error over REST)."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.woocommerce.values import PhpJson


class WooError(Exception):
    """Ends a request with an error; `data` goes beside the status."""

    def __init__(self, code: str, message: str, status: int = 400, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data

    def body(self) -> dict[str, Any]:
        """The envelope; in a batch it stands under `error` of its row."""
        return {"code": self.code, "message": self.message, "data": {"status": self.status, **self.data}}

    def response(self) -> PhpJson:
        """The envelope as an answer."""
        return PhpJson(self.body(), status_code=self.status)


def invalid(params: Mapping[str, str]) -> WooError:
    """Parameters that do not fit their schema; name -> what is wrong."""
    details = {
        name: {"code": "rest_invalid_type", "message": message, "data": {"param": name}}
        for name, message in params.items()
    }
    message = f"Invalid parameter(s): {', '.join(params)}"
    return WooError("rest_invalid_param", message, params=dict(params), details=details)


def missing(*names: str) -> WooError:
    """Required parameters that were not sent."""
    return WooError("rest_missing_callback_param", f"Missing parameter(s): {', '.join(names)}", params=list(names))


def no_route() -> WooError:
    """No such path, or not with this method."""
    return WooError("rest_no_route", "No route was found matching the URL and request method.", 404)


def unauthenticated(message: str) -> WooError:
    """The credentials are wrong."""
    return WooError("woocommerce_rest_authentication_error", message, 401)
