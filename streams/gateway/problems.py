"""How the API refuses: problem details (RFC 9457), as `application/problem+json`."""

from collections.abc import Callable, Coroutine
from functools import wraps
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from streams.gateway.answers import Answer
from streams.metrics import API_REQUESTS, API_SECONDS

Endpoint = Callable[[Any, Request], Coroutine[Any, Any, Response]]


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **further: Any) -> Response:
    """Return a problem; its type is `about:blank`: the status says what kind it is, `detail` what to do."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body | further, status, headers, media_type="application/problem+json")


def told(endpoint: Endpoint) -> Endpoint:
    """Let an endpoint end early: an `Answer` becomes a problem. Counts and times what is answered."""

    @wraps(endpoint)
    async def answered(self: Any, request: Request) -> Response:
        with API_SECONDS.labels(endpoint.__name__).time():
            response = await ended(self, request)
        API_REQUESTS.labels(endpoint.__name__, str(response.status_code)).inc()
        return response

    async def ended(self: Any, request: Request) -> Response:
        try:
            return await endpoint(self, request)
        except Answer as answer:
            challenge = {"WWW-Authenticate": "Bearer"} if answer.status == HTTPStatus.UNAUTHORIZED else {}
            return problem(
                answer.status, answer.error or "an API key of this tenant is needed", answer.headers | challenge
            )

    return answered
