"""QuickBooks' errors: codes, HTTP statuses, and the three shapes they come in.

Source: developer.intuit.com, "Error codes" and "Handling common errors"; recorded answers of qbo_api's test suite.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.responses import Response

from connectors.sandbox.json_text import Json

VALIDATION = "ValidationFault"

MESSAGES: Mapping[str, str] = {
    "500": "Unsupported Operation",
    "600": "Duplicate Request ID",
    "610": "Object Not Found",
    "620": "Transaction cannot be linked",
    "800": "Cannot delete because of dependencies",
    "1040": "Batch size is too large",
    "2010": "Request has invalid or unsupported property",
    "2020": "Required param missing, need to supply the required value for the API",
    "2030": "Invalid ID",
    "2040": "Property has invalid or unsupported characters",
    "2050": "String length is either shorter or longer than supported by specification",
    "2130": "Invalid requestid format",
    "2170": "Invalid Enumeration",
    "2200": "Invalid Web Address format",
    "2210": "Invalid Email Address format",
    "2500": "Invalid Reference Id",
    "3000": "Invalid custom field",
    "4000": "Error parsing query",
    "4001": "Invalid query",
    "5030": "Feature Not Supported Error",
    "5010": "Stale Object Error",
    "6000": "A business validation error has occurred while processing your request",
    "6070": "Amount calculation incorrect in the request",
    "6080": "Name value is missing",
    "6100": "Invalid tax code",
    "6140": "Duplicate Document Number Error",
    "6210": "Account Period Closed, Cannot Update Through Services API",
    "6240": "Duplicate Name Exists Error",
    "6270": "Transaction date is prior to start date for inventory item",
    "6540": "Deposited Transaction cannot be changed",
}


class QboError(Exception):
    """A refusal, HTTP 400 with a Fault. `element` names the property where Intuit does."""

    def __init__(self, code: str, detail: str, element: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.element = element

    def fault(self) -> dict[str, Any]:
        """The Fault object, as it also stands in a batch answer."""
        message = MESSAGES[self.code]
        error = {"Message": message, "Detail": self.detail, "code": self.code, "element": self.element}
        return {"Error": [error], "type": VALIDATION}


def missing(element: str) -> QboError:
    """2020: a required property was not sent."""
    return QboError("2020", f"Required parameter {element} is missing in the request", element)


def too_long(element: str, limit: int, supplied: int) -> QboError:
    """2050: a text is longer than QuickBooks keeps."""
    detail = f"String length specified does not match the supported length. Min:0 Max:{limit} supplied:{supplied}"
    return QboError("2050", detail, element)


def gateway_unauthorized(reason: str, at: datetime, *, xml: bool) -> Response:
    """The gateway's 401 for a missing, unknown or expired token: a lower-case envelope of its own."""
    detail = {"expired": "Token expired", "unknown": "Invalid token", "missing": "Malformed bearer token"}[reason]
    message = "message=AuthenticationFailed; errorCode=003200; statusCode=401"
    response = _gateway(401, message, detail, "3200", "AUTHENTICATION", at, xml=xml)
    response.headers["Www-Authenticate"] = 'Bearer realm="Intuit", error="invalid_token"'
    return response


def wrong_realm(at: datetime, time: str, *, xml: bool) -> Response:
    """401, code 100: the token is good, but for another company."""
    message, detail = "General Authentication Error", "SRV-110-Authentication Failure"
    if xml:
        return _gateway(401, message, detail, "100", "AUTHENTICATION", at, xml=True)
    error = {"Message": message, "Detail": detail, "code": "100", "element": ""}
    return Json({"Fault": {"Error": [error], "type": "AUTHENTICATION"}, "time": time}, status_code=401)


def throttled(at: datetime, *, xml: bool) -> Response:
    """429, code 3001."""
    message = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
    return _gateway(429, message, "The request limit was reached. Try again later", "3001", "SERVICE", at, xml=xml)


def _gateway(status: int, message: str, detail: str, code: str, type_: str, at: datetime, *, xml: bool) -> Response:
    """The gateway's fault; as XML where an admin asks for it, as seen in spite of `Accept: application/json`."""
    if xml:
        body = (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
            f'<IntuitResponse time="{at.isoformat()}" xmlns="http://schema.intuit.com/finance/v3">'
            f'<Fault type="{type_}"><Error code="{code}"><Message>{message}</Message><Detail>{detail}</Detail>'
            "</Error></Fault></IntuitResponse>"
        )
        return Response(body, status_code=status, media_type="application/xml")
    envelope: dict[str, Any] = {
        "warnings": None,
        "intuitObject": None,
        "fault": {"error": [{"message": message, "detail": detail, "code": code, "element": None}], "type": type_},
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": int(at.timestamp() * 1000),
        "status": None,
        "cdcresponse": [],
    }
    return Json(envelope, status_code=status)
