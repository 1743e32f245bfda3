"""The error envelope of the REST API: an array of `{message, errorCode, fields?}`."""

from collections.abc import Sequence
from typing import Any

# HTTP statuses of "Status Codes and Error Responses" (REST API Developer Guide); every other code is a 400.
_STATUS = {
    "INVALID_SESSION_ID": 401,
    "INVALID_AUTH_HEADER": 401,
    "REQUEST_LIMIT_EXCEEDED": 403,
    "API_DISABLED_FOR_ORG": 403,
    "INSUFFICIENT_ACCESS": 403,
    "NOT_FOUND": 404,
    "ENTITY_IS_DELETED": 404,
    "METHOD_NOT_ALLOWED": 405,
    "UNSUPPORTED_API_VERSION": 410,
    "REQUEST_ENTITY_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "REQUEST_HEADER_FIELDS_TOO_LARGE": 431,
    "SERVER_UNAVAILABLE": 503,
}


class ApiError(Exception):
    """One refused request or row.

    Args:
        code: The vendor's errorCode, which decides the HTTP status too.
        message: What a caller reads.
        fields: Names of the fields at fault.
    """

    def __init__(self, code: str, message: str, fields: Sequence[str] = ()) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = list(fields)

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return _STATUS.get(self.code, 400)

    def envelope(self) -> list[dict[str, Any]]:
        """The body of a refused request."""
        body: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields:
            body["fields"] = self.fields
        return [body]

    def row(self) -> dict[str, Any]:
        """The error inside a collection's row, where the code is called `statusCode`."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields}
