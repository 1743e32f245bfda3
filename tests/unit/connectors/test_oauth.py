import asyncio
import base64
import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from connectors.clock import ManualClock
from connectors.errors import ConnectorError, FatalError, NotSentError, RetryableError, UnauthorizedError
from connectors.http import Http
from connectors.oauth import REQUEST_SECONDS, Grant, TokenProvider
from connectors.ports import Account, Secret
from connectors.tokens import MemoryTokenStore

GRANT = Grant("https://login.vendor.test/token", "refresh_token", "basic", 3600)
CREDENTIALS = {"client_id": "the-client", "client_secret": "s3cr3t-client", "refresh_token": "s3cr3t-refresh-0"}


class TokenServer:
    """Answers token requests: rotates the refresh token, refuses an old one, fails when told."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.refresh_token = CREDENTIALS["refresh_token"]
        self.issued = 0
        self.failures: list[httpx.Response | Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        await self.gate.wait()
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        form = parse_qs(request.content.decode())
        if form["grant_type"] == ["refresh_token"] and form["refresh_token"] != [self.refresh_token]:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": str(form)})
        self.issued += 1
        self.refresh_token = f"s3cr3t-refresh-{self.issued}"
        answer = {"access_token": f"s3cr3t-access-{self.issued}", "refresh_token": self.refresh_token}
        return httpx.Response(200, json={**answer, "expires_in": 3600})


@pytest.fixture
def server() -> TokenServer:
    """A vendor's token endpoint."""
    return TokenServer()


@pytest.fixture
async def store(account: Account) -> MemoryTokenStore:
    """The credentials of a freshly connected account."""
    made = MemoryTokenStore()
    await made.compare_and_set(account.tenant, account.vendor, Secret(CREDENTIALS), expected_version=0)
    return made


@pytest.fixture
def make_provider(
    account: Account, clock: ManualClock, server: TokenServer, network: Callable[..., Http]
) -> Callable[..., TokenProvider]:
    """Make the provider of one process; several share store and server."""

    def make(store: MemoryTokenStore, grant: Grant = GRANT) -> TokenProvider:
        return TokenProvider(account, grant, network(server, timeout_seconds=REQUEST_SECONDS), store, clock)

    return make


Make = Callable[..., TokenProvider]


async def until(condition: Callable[[], bool]) -> None:
    """Let the other tasks run until something holds."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to be")


async def stored(store: MemoryTokenStore) -> Secret:
    """Return what the store has."""
    secret = await store.get("acme", "quickbooks")
    assert secret is not None
    return secret


async def test_twenty_callers_make_one_refresh(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer
) -> None:
    """All who need a token while one is fetched get that one."""
    server.gate.clear()
    provider = make_provider(store)
    callers = [asyncio.create_task(provider.token()) for _ in range(20)]
    await until(lambda: bool(server.requests))
    server.gate.set()
    assert set(await asyncio.gather(*callers)) == {"s3cr3t-access-1"}
    assert len(server.requests) == 1


async def test_twenty_refusals_make_one_refresh(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer
) -> None:
    """A token refused to many at once is replaced once, late callers included."""
    provider = make_provider(store)
    first = await provider.token()
    answers = await asyncio.gather(*(provider.refresh(first) for _ in range(20)))
    assert set(answers) == {"s3cr3t-access-2"} == {await provider.refresh(first)}
    assert len(server.requests) == 2


async def test_two_processes_refresh_one_after_the_other(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer, clock: ManualClock
) -> None:
    """The second sees the first one's mark, waits, and takes the first one's token."""
    server.gate.clear()
    first = asyncio.create_task(make_provider(store).token())
    await until(lambda: bool(server.requests))
    second = asyncio.create_task(make_provider(store).token())
    await until(lambda: clock.sleepers > 0)
    server.gate.set()
    assert await first == "s3cr3t-access-1"
    clock.advance(REQUEST_SECONDS)
    assert await second == "s3cr3t-access-1"
    assert len(server.requests) == 1


async def test_a_mark_left_by_a_dead_process_is_waited_out(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer, clock: ManualClock
) -> None:
    """The call of a killed owner may still be under way: nothing is asked before it must have ended."""
    secret = await stored(store)
    begun = clock.now() - timedelta(seconds=10)
    await store.compare_and_set("acme", "quickbooks", replace(secret, refreshing_since=begun), expected_version=1)
    waiting = asyncio.create_task(make_provider(store).token())
    await until(lambda: clock.sleepers > 0)
    clock.advance(REQUEST_SECONDS - 10 - 1)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not server.requests
    clock.advance(1)
    assert await waiting == "s3cr3t-access-1"


async def test_the_mark_is_stored_before_the_call_and_the_token_before_its_use(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer, clock: ManualClock
) -> None:
    """A crash at any instant leaves either the mark or the new tokens."""
    server.gate.clear()
    token = asyncio.create_task(make_provider(store).token())
    await until(lambda: bool(server.requests))
    assert (await stored(store)).refreshing_since == clock.now()
    server.gate.set()
    assert await token == (await stored(store)).values["access_token"]
    after = await stored(store)
    assert after.values["refresh_token"] == server.refresh_token
    assert after.refreshing_since is None
    assert after.expires_at == clock.now() + timedelta(hours=1)


class StealingStore(MemoryTokenStore):
    """Stores another's token just before the first token of ours."""

    async def compare_and_set(self, tenant: str, vendor: str, secret: Secret, *, expected_version: int) -> bool:
        """Let the other come first, once."""
        if "access_token" in secret.values and not self._secrets[tenant, vendor].values.get("access_token"):
            values = {**secret.values, "access_token": "the-winners"}
            await super().compare_and_set(
                tenant, vendor, replace(secret, values=values), expected_version=expected_version
            )
        return await super().compare_and_set(tenant, vendor, secret, expected_version=expected_version)


async def test_who_loses_the_race_uses_the_winners_token(make_provider: Make) -> None:
    """A token that could not be stored is never used."""
    store = StealingStore()
    await store.compare_and_set("acme", "quickbooks", Secret(CREDENTIALS), expected_version=0)
    assert await make_provider(store).token() == "the-winners"


class AwayStore(MemoryTokenStore):
    """Does not answer the calls numbered so."""

    def __init__(self, *away: int) -> None:
        super().__init__()
        self.calls = 0
        self._away = away

    async def get(self, tenant: str, vendor: str) -> Secret | None:
        """Read, or not."""
        self._count()
        return await super().get(tenant, vendor)

    async def compare_and_set(self, tenant: str, vendor: str, secret: Secret, *, expected_version: int) -> bool:
        """Write, or not."""
        self._count()
        return await super().compare_and_set(tenant, vendor, secret, expected_version=expected_version)

    def _count(self) -> None:
        self.calls += 1
        if self.calls in self._away:
            raise RetryableError("the database does not answer")


async def test_new_tokens_wait_for_a_store_that_is_away(
    make_provider: Make, server: TokenServer, clock: ManualClock
) -> None:
    """A rotated refresh token exists nowhere else: it is stored as soon as the store is back, and only then used."""
    store = AwayStore(5, 6)  # first seeded, read twice, marked; then the new tokens
    await store.compare_and_set("acme", "quickbooks", Secret(CREDENTIALS), expected_version=0)
    token = asyncio.create_task(make_provider(store).token())
    for pause in (1, 2):
        await until(lambda: clock.sleepers > 0)
        assert not token.done()
        clock.advance(pause)
    assert await token == "s3cr3t-access-1"
    assert (await stored(store)).values["refresh_token"] == server.refresh_token
    assert len(server.requests) == 1


@pytest.mark.parametrize("away", [2, 3, 4])
async def test_without_the_store_nothing_is_asked(make_provider: Make, server: TokenServer, away: int) -> None:
    """Neither read nor marked: the token endpoint is left alone, and what the token was for was not sent."""
    store = AwayStore(away)
    await store.compare_and_set("acme", "quickbooks", Secret(CREDENTIALS), expected_version=0)
    with pytest.raises(NotSentError, match="does not answer"):
        await make_provider(store).token()
    assert not server.requests


async def test_past_half_of_its_life_a_token_is_renewed_beside(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer, clock: ManualClock
) -> None:
    """Callers go on with the old token until the new one is stored."""
    provider = make_provider(store)
    assert await provider.token() == "s3cr3t-access-1"
    clock.advance(1799)
    assert await provider.token() == "s3cr3t-access-1"
    await provider.aclose()
    assert len(server.requests) == 1
    clock.advance(1)
    assert await provider.token() == "s3cr3t-access-1"
    await provider.aclose()
    assert await provider.token() == "s3cr3t-access-2"


async def test_a_failed_early_renewal_stops_nobody(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer, clock: ManualClock
) -> None:
    """While the old token works it is used, and the endpoint is asked again only after a pause."""
    provider = make_provider(store)
    await provider.token()
    clock.advance(1800)
    server.failures = [httpx.ConnectError("x")]
    for _ in range(10):
        assert await provider.token() == "s3cr3t-access-1"
        await provider.aclose()
    assert len(server.requests) == 2
    clock.advance(30)
    await provider.token()
    await provider.aclose()
    assert await provider.token() == "s3cr3t-access-2"


async def test_an_expired_token_is_never_returned(
    make_provider: Make, store: MemoryTokenStore, clock: ManualClock
) -> None:
    """Past its end the new token is waited for."""
    provider = make_provider(store)
    await provider.token()
    clock.advance(3600)
    assert await provider.token() == "s3cr3t-access-2"


async def test_a_lost_answer_keeps_the_mark(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer, clock: ManualClock
) -> None:
    """The refresh token may have been rotated: whoever is next waits, what was asked for is surely not sent."""
    server.failures = [httpx.ReadTimeout("x")]
    with pytest.raises(NotSentError):
        await make_provider(store).token()
    assert (await stored(store)).refreshing_since == clock.now()


async def test_a_failed_connection_takes_the_mark_back(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer
) -> None:
    """Nothing was sent, so the next attempt need not wait."""
    server.failures = [httpx.ConnectError("x")]
    provider = make_provider(store)
    with pytest.raises(NotSentError):
        await provider.token()
    assert (await stored(store)).refreshing_since is None
    assert await provider.token() == "s3cr3t-access-1"


async def test_a_cancelled_caller_does_not_cut_off_the_refresh(
    make_provider: Make, store: MemoryTokenStore, server: TokenServer
) -> None:
    """A rotated token is stored even if nobody waits for it any more."""
    server.gate.clear()
    provider = make_provider(store)
    caller = asyncio.create_task(provider.token())
    await until(lambda: bool(server.requests))
    caller.cancel()
    server.gate.set()
    await provider.aclose()
    assert (await stored(store)).values["access_token"] == "s3cr3t-access-1"


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
