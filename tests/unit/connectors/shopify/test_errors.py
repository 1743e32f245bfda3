from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.errors import ConnectorError, FatalError, InDoubtError, RejectedError, RetryableError, UnauthorizedError
from connectors.shopify.errors import CODES, STATUSES, TooDearError, of_problem, of_status, problem_in

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("THROTTLED", RetryableError),
        ("ACCESS_DENIED", FatalError),
        ("SHOP_INACTIVE", FatalError),
        ("INTERNAL_SERVER_ERROR", InDoubtError),
        ("TIMEOUT", InDoubtError),
        ("undefinedField", RejectedError),
        ("", RejectedError),
    ],
)
def test_every_code_has_its_class(code: str, expected: type[ConnectorError]) -> None:
    """A write that a broken server may have carried out is in doubt; a read is asked again."""
    problem = problem_in({"errors": [{"message": "no ada@example.com", "extensions": {"code": code}}]})
    assert problem is not None
    error = of_problem(problem, reads=False, wait=1.5)
    assert type(error) is expected
    assert "ada@" not in str(error)
    if expected is InDoubtError:
        assert type(of_problem(problem, reads=True, wait=None)) is RetryableError
    if code == "THROTTLED":
        assert isinstance(error, RetryableError)
        assert error.retry_after == 1.5


def test_the_table_is_covered() -> None:
    """Each code of the table is among the cases above."""
    assert set(CODES) == {"THROTTLED", "ACCESS_DENIED", "SHOP_INACTIVE", "INTERNAL_SERVER_ERROR", "TIMEOUT"}


def test_a_query_too_dear_says_by_how_much() -> None:
    """So that a smaller page can be asked for."""
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": 1502, "maxCost": 1000}
    problem = problem_in({"errors": [{"message": "too dear", "extensions": extensions}]})
    assert problem is not None
    error = of_problem(problem, reads=True, wait=None)
    assert isinstance(error, TooDearError)
    assert (error.cost, error.most) == (1502, 1000)


@pytest.mark.parametrize("answer", [{}, {"errors": []}, {"data": {}}])
def test_no_error_is_none(answer: dict[str, Any]) -> None:
    """An answer without errors has no problem."""
    assert problem_in(answer) is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((400, RejectedError), (401, UnauthorizedError), (402, FatalError), (403, FatalError), (404, FatalError)),
        *((406, RejectedError), (413, RejectedError), (418, RejectedError), (423, FatalError)),
        *((429, RetryableError), (430, RetryableError), (500, InDoubtError), (503, InDoubtError)),
    ],
)
def test_every_status_has_its_class(status: int, expected: type[ConnectorError]) -> None:
    """Statuses are of what lies before GraphQL; the request's id is in the message."""
    response = httpx.Response(status, headers={"x-request-id": "r-1", "retry-after": "7"})
    error = of_status(response, reads=False, now=NOW)
    assert type(error) is expected
    assert "r-1" in str(error)
    if type(error) is RetryableError:
        assert error.retry_after == 7
    assert set(STATUSES) <= {400, 401, 402, 403, 404, 406, 413, 423, 429, 430}
