"""Stripe's errors, each with what the caller does next."""

from datetime import UTC, datetime

import httpx
import pytest

from connectors.errors import ConnectorError, RejectedError, RetryableError
from connectors.stripe.errors import CODES, STATUSES, TYPES, to_error

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "Invalid API Key provided: sk_test_abc"


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        *(("code", code, kind) for code, kind in CODES.items()),
        *(("type", type_, kind) for type_, kind in TYPES.items()),
    ],
)
def test_every_code_and_type_has_its_class(name: str, value: str, kind: type[ConnectorError]) -> None:
    """The code decides, then the type; the request id is told, people's addresses are not."""
    error = {"message": "no ada@a.example", "param": "email", name: value}
    answer = httpx.Response(400, json={"error": error}, headers={"request-id": "req_1"})
    made = to_error(answer, NOW)
    assert type(made) is kind
    assert value in str(made)
    assert "req_1" in str(made)
    assert "ada@" not in str(made)


@pytest.mark.parametrize(("status", "kind"), [*STATUSES.items(), (500, RetryableError), (402, RejectedError)])
def test_without_a_code_the_status_decides(status: int, kind: type[ConnectorError]) -> None:
    """What stands in front of Stripe answers in its own words; a message that quotes the key is left out."""
    made = to_error(httpx.Response(status, json={"error": {"message": KEY}} if status == 401 else {}), NOW)
    assert type(made) is kind
    assert "sk_test" not in str(made)


def test_a_429_waits() -> None:
    """As told, else two seconds."""
    for given, wait in (({}, 2.0), ({"retry-after": "5"}, 5.0)):
        made = to_error(httpx.Response(429, headers=given), NOW)
        assert isinstance(made, RetryableError)
        assert made.retry_after == wait
