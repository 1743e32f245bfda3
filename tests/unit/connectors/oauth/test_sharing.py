"""One refresh for all who need it, in a process and between processes."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.clock import ManualClock
from connectors.errors import NotSentError, RetryableError
from connectors.oauth import REQUEST_SECONDS
from connectors.ports import Secret
from connectors.tokens import MemoryTokenStore
from tests.unit.connectors.kit.oauth import CREDENTIALS, Make, TokenServer, stored, until


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
