"""Stripe's error envelope: `{"error": {"type", "code", "message", "param", ...}}` (docs.stripe.com, "Errors")."""

from typing import Any

from connectors.sandbox.json_text import Json


class StripeError(Exception):
    """Ends a request; `more` goes into the error object."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        param: str = "",
        status: int = 400,
        type_: str = "invalid_request_error",
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.status = status
        self.type = type_
        self.more = more

    def body(self) -> dict[str, Any]:
        """The envelope."""
        error: dict[str, Any] = {"message": self.message, "type": self.type, **self.more}
        if self.code:
            error |= {
                "code": self.code,
                "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}",
            }
        if self.param:
            error["param"] = self.param
        return {"error": error}

    def response(self) -> Json:
        """The envelope as an answer."""
        return Json(self.body(), status_code=self.status)


def missing_object(what: str, id_: str, param: str, status: int = 404) -> StripeError:
    """An id that is not there: 404 in the address, 400 in a parameter."""
    return StripeError(f"No such {what}: '{id_}'", code="resource_missing", param=param, status=status)


def missing_param(name: str) -> StripeError:
    """A required parameter that was not sent."""
    return StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unknown_param(name: str) -> StripeError:
    """A parameter that the call does not have."""
    return StripeError(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def rate_limited() -> Json:
    """The answer to a caller that is too fast; clients are not told to repeat it."""
    message = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
    answer = StripeError(message, code="rate_limit", status=429).response()
    answer.headers["stripe-rate-limited-reason"] = "global-rate"
    return answer
