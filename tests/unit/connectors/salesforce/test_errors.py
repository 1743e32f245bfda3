from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from connectors.errors import (
    ConnectorError,
    DuplicateError,
    FatalError,
    InDoubtError,
    QuotaError,
    RejectedError,
    RetryableError,
    UnauthorizedError,
)
from connectors.salesforce.errors import CODES, Problem, about_token, problem_in, problem_of, to_error

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EXPECTED: Mapping[str, type[ConnectorError]] = {
    **dict.fromkeys(("INVALID_SESSION_ID", "INVALID_AUTH_HEADER"), UnauthorizedError),
    **dict.fromkeys(("REQUEST_LIMIT_EXCEEDED", "STORAGE_LIMIT_EXCEEDED"), QuotaError),
    **dict.fromkeys(("API_DISABLED_FOR_ORG", "FUNCTIONALITY_NOT_ENABLED", "UNSUPPORTED_API_VERSION"), FatalError),
    **dict.fromkeys(("UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "TOO_MANY_APEX_REQUESTS"), RetryableError),
    **dict.fromkeys(("PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"), RetryableError),
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": RetryableError,
    **dict.fromkeys(("DUPLICATES_DETECTED", "DUPLICATE_VALUE", "DUPLICATE_EXTERNAL_ID"), DuplicateError),
    **dict.fromkeys(("UNKNOWN_EXCEPTION", "SERVER_UNAVAILABLE"), InDoubtError),
    **dict.fromkeys(("FIELD_CUSTOM_VALIDATION_EXCEPTION", "REQUIRED_FIELD_MISSING", "STRING_TOO_LONG"), RejectedError),
    **dict.fromkeys(
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "INVALID_EMAIL_ADDRESS", "INVALID_FIELD"), RejectedError
    ),
    **dict.fromkeys(
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_TYPE", "MALFORMED_ID", "MALFORMED_QUERY"), RejectedError
    ),
    **dict.fromkeys(("JSON_PARSER_ERROR", "FIELD_INTEGRITY_EXCEPTION", "INVALID_CROSS_REFERENCE_KEY"), RejectedError),
    **dict.fromkeys(("CANNOT_UPDATE_CONVERTED_LEAD", "ENTITY_IS_DELETED", "ENTITY_IS_LOCKED"), RejectedError),
    **dict.fromkeys(("INVALID_STATUS", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "NOT_FOUND"), RejectedError),
    **dict.fromkeys(("STANDARD_PRICE_NOT_DEFINED", "INSUFFICIENT_ACCESS"), RejectedError),
    "INSUFFICIENT_ACCESS_OR_READONLY": RejectedError,
}


def test_no_code_is_left_out() -> None:
    """The table and this test name the same codes."""
    assert set(CODES) == set(EXPECTED)


@pytest.mark.parametrize("code", EXPECTED)
def test_each_code_has_its_class(code: str) -> None:
    """What the caller does next follows from the code, in an envelope as in a row."""
    for status in (200, 400, 403, 500):
        error = to_error(Problem(code, "Words"), status, reads=False, now=NOW)
        assert type(error) is EXPECTED[code]
        assert error.code == code


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((401, UnauthorizedError), (403, FatalError), (410, FatalError), (400, RejectedError), (415, RejectedError)),
        *((429, QuotaError), (500, InDoubtError), (502, InDoubtError), (503, InDoubtError)),
    ],
)
def test_without_a_code_the_status_decides(status: int, expected: type[ConnectorError]) -> None:
    """An unreadable answer falls back on its status."""
    for text in ("", "<html>", "[]", "{}", "[7]", '[{"errorCode": "NEW_CODE"}]'):
        problem = problem_in(httpx.Response(status, text=text))
        assert type(to_error(problem, status, reads=False, now=NOW)) is expected


def test_the_daily_quota_is_not_the_concurrency_limit() -> None:
    """One code means both: the first pauses the connection, the second passes in seconds."""
    daily = to_error(Problem("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), 403, reads=True, now=NOW)
    assert isinstance(daily, QuotaError)
    assert daily.until == NOW + timedelta(minutes=15)
    text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    assert type(to_error(Problem("REQUEST_LIMIT_EXCEEDED", text), 403, reads=True, now=NOW)) is RetryableError


def test_a_lock_inside_an_apex_error_passes() -> None:
    """A trigger's error wraps what it met."""
    problem = Problem("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "X: execution of BeforeUpdate: UNABLE_TO_LOCK_ROW, …")
    assert type(to_error(problem, 200, reads=False, now=NOW)) is RetryableError


def test_a_broken_server_leaves_no_doubt_about_a_read() -> None:
    """Reads are simply asked again."""
    assert type(to_error(Problem("SERVER_UNAVAILABLE"), 503, reads=True, now=NOW)) is RetryableError


@pytest.mark.parametrize(
    "message",
    ["Connected app is not attached to Agent", "This session is not valid for use with the REST API"],
)
def test_two_refusals_are_not_about_the_token(message: str) -> None:
    """Refreshing on them loops for ever: a person must act."""
    response = httpx.Response(401, json=[{"message": message, "errorCode": "INVALID_SESSION_ID"}])
    assert not about_token(response)
    assert type(to_error(problem_in(response), 401, reads=True, now=NOW)) is FatalError
    expired = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    assert about_token(httpx.Response(401, json=expired))


def test_a_message_names_fields_and_no_person() -> None:
    """Which fields are wrong is said, what was in them is not."""
    row = {"statusCode": "INVALID_EMAIL_ADDRESS", "message": "invalid: ada@example.com", "fields": ["Email"]}
    text = str(to_error(problem_of(row), 200, reads=False, now=NOW))
    assert "fields Email" in text
    assert "ada@" not in text
