"""One call of the REST API, whether it came over HTTP or inside a composite request, and its reply."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Unit


@dataclass(frozen=True, slots=True)
class Call:
    """A call below `/services/data/vXX.0/`.

    Attributes:
        method: HTTP method, upper case.
        steps: The path's steps after the version, unquoted.
        params: The query string.
        body: Parsed JSON, None without a body; bytes of a PUT.
        headers: Names in lower case.
        version: API version, as `67.0`.
        token: The session, which query locators belong to.
        unit: The changes this call takes part in.
    """

    method: str
    steps: tuple[str, ...]
    params: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    version: str
    token: str
    unit: Unit

    def url(self, *steps: str) -> str:
        """The path of a resource in this call's version."""
        return f"/services/data/v{self.version}/" + "/".join(steps)

    def fields(self) -> dict[str, Any]:
        """The body as a record; raises JSON_PARSER_ERROR."""
        if not isinstance(self.body, dict):
            raise ApiError("JSON_PARSER_ERROR", "The HTTP entity body is required and must be a JSON object")
        return self.body

    def need(self, name: str) -> str:
        """A parameter; raises MISSING_ARGUMENT."""
        value = self.params.get(name)
        if not value:
            raise ApiError("MISSING_ARGUMENT", f"{name} is required")
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call answers; no body with 204, bytes for what is no JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def refused(error: ApiError) -> Reply:
    """The reply for an error."""
    return Reply(error.status, error.envelope())


def not_found() -> ApiError:
    """What an unknown resource answers."""
    return ApiError("NOT_FOUND", "The requested resource does not exist")


def not_allowed(method: str) -> ApiError:
    """What a known resource answers to a method it does not have."""
    return ApiError("METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed")
