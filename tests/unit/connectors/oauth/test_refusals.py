"""What refused requests and missing credentials say, and what no message says."""

import base64
import logging
import traceback
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from connectors.errors import ConnectorError, FatalError, NotSentError, UnauthorizedError
from connectors.oauth import Grant
from connectors.ports import Secret
from connectors.tokens import MemoryTokenStore
from tests.unit.connectors.kit.oauth import CREDENTIALS, Make, TokenServer, stored
from tests.unit.measured import measured


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": "invalid_grant"}, UnauthorizedError),
        (400, {"error": "inactive_user"}, UnauthorizedError),
        (401, {"error": "invalid_client"}, FatalError),
        (400, {"error": "invalid_client_id"}, FatalError),
        (400, {"error": "unsupported_grant_type"}, FatalError),
        (401, {}, FatalError),
        (404, {}, FatalError),
        (302, {}, FatalError),
        (503, {}, NotSentError),
        (429, {}, NotSentError),
        (200, {}, NotSentError),
        (
            400,
            {"error": "invalid_grant", "error_description": "token request is already being processed"},
            NotSentError,
        ),
    ],
)
async def test_refusals_say_what_to_do_next(
    status: int,
    body: dict[str, Any],
    expected: type[ConnectorError],
    make_provider: Make,
    store: MemoryTokenStore,
    server: TokenServer,
) -> None:
    """A dead grant pauses the connection, wrong credentials stop it, a busy server is asked again; all name us."""
    server.failures = [httpx.Response(status, json=body)]
    with pytest.raises(expected, match="tenant acme, quickbooks"):
        await make_provider(store).token()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [(400, {"error": "invalid_grant"}, "invalid_grant"), (401, {}, "invalid_client"), (503, {}, "unreachable")],
)
async def test_a_failed_renewal_is_counted_by_its_reason(
    status: int, body: dict[str, Any], reason: str, make_provider: Make, store: MemoryTokenStore, server: TokenServer
) -> None:
    """The alert that somebody must connect the account again counts on `invalid_grant`."""

    def counted() -> float:
        return measured("sluiceway_token_refresh_failures_total", vendor="quickbooks", reason=reason)

    before = counted()
    server.failures = [httpx.Response(status, json=body)]
    with pytest.raises(ConnectorError):
        await make_provider(store).token()
    assert counted() == before + 1


async def test_an_unknown_connection_is_named(make_provider: Make) -> None:
    """Without credentials the message says what to do."""
    with pytest.raises(FatalError, match="tenant acme, quickbooks: no credentials are stored; connect the account"):
        await make_provider(MemoryTokenStore()).token()


async def test_a_missing_credential_is_named(make_provider: Make) -> None:
    """A grant without refresh token says so."""
    store = MemoryTokenStore()
    values = {name: value for name, value in CREDENTIALS.items() if name != "refresh_token"}
    await store.compare_and_set("acme", "quickbooks", Secret(values), expected_version=0)
    with pytest.raises(FatalError, match="no refresh_token"):
        await make_provider(store).token()


async def test_client_credentials_go_where_the_vendor_wants_them(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer
) -> None:
    """Intuit takes HTTP Basic, Salesforce the form, and neither gets both."""
    await make_provider(store).token()
    basic = base64.b64decode(server.requests[0].headers["authorization"].removeprefix("Basic ")).decode()
    assert basic == "the-client:s3cr3t-client"
    assert "client_secret" not in server.requests[0].content.decode()
    form = Grant("https://login.vendor.test/token", "client_credentials", "body", 60)
    fresh = MemoryTokenStore()
    await fresh.compare_and_set("acme", "quickbooks", Secret(CREDENTIALS), expected_version=0)
    await make_provider(fresh, form).token()
    assert "authorization" not in server.requests[1].headers
    assert parse_qs(server.requests[1].content.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["the-client"],
        "client_secret": ["s3cr3t-client"],
    }


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(400, json={"error": "invalid_grant", "error_description": "s3cr3t-refresh-0"}),
        httpx.Response(400, json={"error": "s3cr3t-refresh-0"}),
        httpx.Response(500, text="s3cr3t-refresh-0"),
        httpx.Response(200, json={"token": "s3cr3t-access"}),
        httpx.ReadTimeout("x"),
        httpx.ConnectError("x"),
    ],
)
async def test_no_message_log_or_traceback_has_a_secret(
    failure: Any, make_provider: Make, store: MemoryTokenStore, server: TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a token endpoint answers, nothing of ours that is secret comes back in words."""
    server.failures = [failure]
    with caplog.at_level(logging.DEBUG), pytest.raises(ConnectorError) as raised:
        await make_provider(store).token()
    said = "".join(traceback.format_exception(raised.value)) + caplog.text + repr(raised.value.__dict__)
    assert "s3cr3t" not in said
    assert "s3cr3t" not in repr(await stored(store))
