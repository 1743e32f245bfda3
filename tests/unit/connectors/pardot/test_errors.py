from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

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
from connectors.pardot.errors import CODES, about_token, is_missing, to_error

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
EXPECTED: Mapping[int, type[ConnectorError]] = {
    **dict.fromkeys((46, 49, 76, 181, 182, 199, 201), FatalError),
    184: UnauthorizedError,
    122: QuotaError,
    **dict.fromkeys((62, 66, 202), RetryableError),
    **dict.fromkeys((183, 214, 244), InDoubtError),
    **dict.fromkeys((9, 54, 58), DuplicateError),
    **dict.fromkeys((3, 4, 5, 13, 23, 36, 37, 50, 51, 52, 55, 59, 65, 70, 71, 109, 128, 129, 130, 132), RejectedError),
    **dict.fromkeys((150, 151, 152, 153, 154, 180, 192, 204, 205, 206, 207, 208, 209, 218, 219, 224), RejectedError),
    **dict.fromkeys((233, 234, 235), RejectedError),
}


def refused(code: int, status: int = 400, message: str = "Words") -> httpx.Response:
    """Make a refusal of Pardot."""
    return httpx.Response(status, json={"code": code, "message": message})


def error_of(response: httpx.Response, *, reads: bool = False) -> ConnectorError:
    """Return what a client would raise."""
    return to_error(response, reads=reads, now=NOW, zone=BERLIN)


def test_no_code_is_left_out() -> None:
    """The table and this test name the same codes."""
    assert set(CODES) == set(EXPECTED)


@pytest.mark.parametrize("code", EXPECTED)
def test_each_code_has_its_class(code: int) -> None:
    """What the caller does next follows from the code, whatever the status."""
    for status in (400, 401, 429, 500):
        error = error_of(refused(code, status))
        assert type(error) is EXPECTED[code]
        assert error.code == str(code)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, UnauthorizedError), (403, FatalError), (429, QuotaError), (400, RejectedError), (504, InDoubtError)],
)
def test_without_a_code_the_status_decides(status: int, expected: type[ConnectorError]) -> None:
    """An unreadable answer and an unknown code fall back on the status."""
    for response in (httpx.Response(status, text="<html>"), httpx.Response(status, json=[]), refused(9999, status)):
        assert type(error_of(response)) is expected


def test_the_days_calls_come_back_at_midnight_of_the_account() -> None:
    """The quota is per calendar day in the account's zone."""
    error = error_of(refused(122, 429))
    assert isinstance(error, QuotaError)
    assert error.until == datetime(2026, 1, 1, 23, tzinfo=UTC)


def test_waits_differ() -> None:
    """A minute's rate waits a minute, five calls at once only a moment."""
    minute, busy = error_of(refused(202)), error_of(refused(66))
    assert isinstance(minute, RetryableError)
    assert isinstance(busy, RetryableError)
    assert (minute.retry_after, busy.retry_after) == (60, 2)


def test_a_broken_server_leaves_no_doubt_about_a_read() -> None:
    """Reads are simply asked again."""
    assert type(error_of(refused(183, 500), reads=True)) is RetryableError


def test_only_a_refused_token_is_about_the_token() -> None:
    """A wrong business unit is not mended by another token."""
    assert about_token(refused(184, 401))
    assert about_token(httpx.Response(401))
    assert not about_token(refused(201, 401))


def test_missing_is_told_by_code_or_404() -> None:
    """Archived, binned and absent are all gone."""
    assert all(is_missing(refused(code)) for code in (3, 109, 132, 192, 219))
    assert is_missing(httpx.Response(404))
    assert not is_missing(refused(201, 404))
    assert not is_missing(httpx.Response(200, json={"id": 1}))
