"""The error envelope of API v5: `{"code": int, "message": text}`."""

from collections.abc import Mapping
from typing import Any

DAILY_LIMIT, CONCURRENCY = 122, 66
NOT_FOUND, ARCHIVED, METHOD = 109, 132, 60
BAD_EMAIL, EXISTS, IN_USE = 4, 9, 54
BAD_FILTER, BAD_LIMIT, BAD_BOOLEAN, BAD_TYPE, BAD_RANGE = 5, 23, 50, 51, 52
MISSING, UNKNOWN_PROPERTY, NOT_WRITABLE = 153, 154, 180
BAD_LIST, ON_LIST, BAD_PROSPECT = 55, 58, 3
TOKEN_EXPIRED, TOKEN_INVALID, TOO_MANY_FILTERS, NOT_QUERYABLE = 210, 211, 209, 224
NO_UNIT, BAD_UNIT, UNKNOWN_UNIT, BAD_TOKEN = 181, 182, 201, 184
BAD_JSON, BAD_CONTENT_TYPE = 71, 150
UNKNOWN_ACTION = 205

# The guide names only 400, 404 and 405; the others are what clients in the wild act on (README.md).
_STATUS = {
    BAD_TOKEN: 401,
    NOT_FOUND: 404,
    METHOD: 405,
    DAILY_LIMIT: 429,
    CONCURRENCY: 429,
}


class PardotError(Exception):
    """A refused call.

    Args:
        code: Number of the guide's "Error Codes" page.
        message: What a caller reads.
        headers: Sent along, such as Pardot-Warning.
    """

    def __init__(self, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return _STATUS.get(self.code, 400)

    def body(self) -> dict[str, Any]:
        """The envelope."""
        return {"code": self.code, "message": self.message}


def not_found() -> PardotError:
    """What an absent record or resource answers."""
    return PardotError(NOT_FOUND, "The requested record was not found.")
