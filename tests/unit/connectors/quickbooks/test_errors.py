from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.errors import (
    ConnectorError,
    DuplicateError,
    FatalError,
    InDoubtError,
    MissingReferenceError,
    RejectedError,
    RetryableError,
    StaleError,
    UnauthorizedError,
)
from connectors.quickbooks.errors import CODES, about_token, to_error
from connectors.quickbooks.faults import Fault, fault_in

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EXPECTED: Mapping[str, type[ConnectorError]] = {
    **dict.fromkeys(("100", "3100", "6190", "10200"), FatalError),
    **dict.fromkeys(("120", "3200", "3202"), UnauthorizedError),
    **dict.fromkeys(("130", "140", "150", "3001"), RetryableError),
    **dict.fromkeys(("600", "10000"), InDoubtError),
    **dict.fromkeys(("610", "2500", "6250"), MissingReferenceError),
    "5010": StaleError,
    **dict.fromkeys(("6140", "6240"), DuplicateError),
    **dict.fromkeys(("500", "620", "630", "800", "1040", "2010", "2020", "2030", "2040", "2050"), RejectedError),
    **dict.fromkeys(("2130", "2170", "2200", "2210", "3000", "4000", "4001", "4002", "5020", "5030"), RejectedError),
    **dict.fromkeys(("6000", "6070", "6080", "6100", "6200", "6210", "6270", "6450", "6480", "6540"), RejectedError),
    "10100": RejectedError,
}


def answer(body: Any, status: int = 400, **headers: str) -> httpx.Response:
    """Make an answer of QuickBooks."""
    given = {name.replace("_", "-") if name != "intuit_tid" else name: value for name, value in headers.items()}
    if isinstance(body, str):
        return httpx.Response(status, text=body, headers=given)
    return httpx.Response(status, json=body, headers=given)


def fault(code: str, message: str = "Words", detail: str = "", element: str = "") -> dict[str, Any]:
    """Make the documented envelope."""
    error = {"Message": message, "Detail": detail, "code": code, "element": element}
    return {"Fault": {"Error": [error], "type": "ValidationFault"}, "time": "2026-01-01T00:00:00.000-08:00"}


def error_of(response: httpx.Response, *, reads: bool = False) -> ConnectorError:
    """Return what a client would raise."""
    return to_error(response, fault_in(response), reads=reads, now=NOW)


def test_no_code_is_left_out() -> None:
    """The table and this test name the same codes."""
    assert set(CODES) == set(EXPECTED)


@pytest.mark.parametrize("code", EXPECTED)
def test_each_code_has_its_class(code: str) -> None:
    """What the caller does next follows from the code alone, whatever the status."""
    for status in (200, 400, 401, 500):
        error = error_of(answer(fault(code), status))
        assert type(error) is EXPECTED[code]
        assert error.code == code


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((401, UnauthorizedError), (403, FatalError), (404, FatalError), (302, FatalError), (413, RejectedError)),
        *((429, RetryableError), (500, InDoubtError), (502, InDoubtError), (503, InDoubtError), (504, InDoubtError)),
        (400, RejectedError),
    ],
)
def test_without_a_code_the_status_decides(status: int, expected: type[ConnectorError]) -> None:
    """An empty or foreign body and an unknown code fall back on the status."""
    for body in ("", "<html>nothing</html>", fault("987654")):
        assert type(error_of(answer(body, status))) is expected


def test_a_broken_server_leaves_no_doubt_about_a_read() -> None:
    """Reads are simply asked again."""
    assert type(error_of(answer("", 503), reads=True)) is RetryableError
    assert type(error_of(answer(fault("10000"), 500), reads=True)) is RetryableError


@pytest.mark.parametrize(("header", "expected"), [(None, 60), ("5", 60), ("90", 90)])
def test_a_throttle_waits_at_least_a_minute(header: str | None, expected: float) -> None:
    """Intuit says 60 seconds; a longer wish is honoured."""
    error = error_of(answer("", 429, **({"retry_after": header} if header else {})))
    assert isinstance(error, RetryableError)
    assert error.retry_after == expected


def test_a_passing_6000_is_tried_again() -> None:
    """The catch-all code is transient only where its text says so."""
    error = error_of(answer(fault("6000", "An unexpected error", "Please wait a few minutes and try again")))
    assert type(error) is RetryableError


GATEWAY: dict[str, Any] = {
    "warnings": None,
    "fault": {
        "error": [
            {
                "message": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
                "detail": "Token expired",
                "code": "3200",
                "element": None,
            }
        ],
        "type": "AUTHENTICATION",
    },
    "batchItemResponse": [],
}
XML = (
    '<?xml version="1.0"?><IntuitResponse><Fault type="SERVICE"><Error code="3001">'
    "<Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>"
    "<Detail>The request limit was reached.</Detail></Error></Fault></IntuitResponse>"
)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (fault("006240"), "6240"),
        (GATEWAY, "3200"),
        (XML, "3001"),
        ({"Fault": {"Error": [{"Message": "errorCode=003202"}]}}, "3202"),
        ({"Fault": {"Error": []}}, ""),
    ],
)
def test_every_shape_of_a_fault_is_read(body: Any, code: str) -> None:
    """Documented and gateway envelopes, XML, a code only in the text, a fault without errors."""
    found = fault_in(answer(body))
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("body", ["", "plain", "{", {"Customer": {}}, [1], {"fault": None}, "<a/>"])
def test_what_is_no_fault_is_none(body: Any) -> None:
    """Other bodies carry none, and none of them raises."""
    assert fault_in(answer(body, 200)) is None


def test_a_message_helps_without_naming_a_person() -> None:
    """Code, element and intuit_tid are there; addresses, supplied values and clashing names are not."""
    text = str(error_of(answer(fault("2210", "Bad", "ada@example.com", "PrimaryEmailAddr"), intuit_tid="1-5f-ab")))
    assert "2210" in text
    assert "PrimaryEmailAddr" in text
    assert "1-5f-ab" in text
    assert "ada@" not in text
    assert "Ada" not in str(error_of(answer(fault("5010", "Stale", "You and Ada Lovelace were working"))))


def test_a_wrong_realm_is_not_about_the_token() -> None:
    """Code 100 would come back with every token."""
    assert not about_token(answer(fault("100"), 401))
    assert about_token(answer(GATEWAY, 401))
    assert about_token(answer("", 401))


def test_a_fault_has_defaults() -> None:
    """An unreadable fault is an empty one."""
    assert Fault() == Fault("", "", "", "")
