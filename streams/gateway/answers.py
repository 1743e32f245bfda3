"""How a request ends early."""

from starlette.responses import JSONResponse, Response

RETRY_SECONDS = 5
WAIT = frozenset({429, 503})
"""Who gets one of these is told when to come again."""


class Answer(Exception):  # noqa: N818  not an error: how a request ends early
    """Ends a request. `outcome` is the label it is counted under."""

    def __init__(self, outcome: str, status: int, error: str = "") -> None:
        super().__init__(error)
        self.outcome = outcome
        self.status = status
        self.error = error

    @property
    def headers(self) -> dict[str, str]:
        """Return what goes with the status."""
        return {"Retry-After": str(RETRY_SECONDS)} if self.status in WAIT else {}

    def response(self) -> Response:
        """Return what is sent."""
        return JSONResponse({"error": self.error} if self.error else {}, self.status, self.headers)
