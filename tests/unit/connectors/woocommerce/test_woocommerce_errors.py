"""WooCommerce's errors, each with what the caller does next."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from connectors.errors import ConnectorError, FatalError, MissingReferenceError, RejectedError, RetryableError
from connectors.errors import UnauthorizedError as Unauthorized
from connectors.woocommerce.errors import CODES, STATUSES, to_error

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("code", "kind"), CODES.items())
def test_every_code_has_its_class(code: str, kind: type[ConnectorError]) -> None:
    """The code decides, whatever the status; the message has it, without addresses of people."""
    body = json.dumps({"code": code, "message": "no ada@a.example", "data": {"status": 400}})
    error = to_error(httpx.Response(400, content=body), NOW)
    assert type(error) is kind
    assert error.code == code
    assert code in str(error)
    assert "ada@" not in str(error)


@pytest.mark.parametrize(("status", "kind"), [*STATUSES.items(), (502, RetryableError), (418, RejectedError)])
def test_a_page_of_somebody_else_goes_by_its_status(status: int, kind: type[ConnectorError]) -> None:
    """What stands in front of a shop answers in HTML."""
    assert type(to_error(httpx.Response(status, content=b"<html>"), NOW)) is kind


def test_ids_and_waits() -> None:
    """Any `…_invalid_id` is a missing reference; a 429 waits as told, else ten seconds."""
    missing = to_error(httpx.Response(400, json={"code": "woocommerce_rest_coupon_invalid_id"}), NOW)
    assert isinstance(missing, MissingReferenceError)
    for given, wait in (({}, 10.0), ({"retry-after": "3"}, 3.0)):
        error = to_error(httpx.Response(429, headers=given), NOW)
        assert isinstance(error, RetryableError)
        assert error.retry_after == wait
    assert isinstance(to_error(httpx.Response(404, json={"code": "rest_no_route"}), NOW), FatalError)
    assert isinstance(to_error(httpx.Response(401), NOW), Unauthorized)
