"""When a token is renewed, and what a lost or failed renewal means."""

import httpx
import pytest

from connectors.clock import ManualClock
from connectors.errors import NotSentError
from connectors.tokens import MemoryTokenStore
from tests.unit.connectors.kit.oauth import Make, TokenServer, stored


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
