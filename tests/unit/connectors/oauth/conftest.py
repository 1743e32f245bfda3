"""One connection with a token endpoint, a store and providers."""

from collections.abc import Callable

import pytest

from connectors.clock import ManualClock
from connectors.http import Http
from connectors.oauth import REQUEST_SECONDS, Grant, TokenProvider
from connectors.ports import Account, Secret
from connectors.tokens import MemoryTokenStore
from tests.unit.connectors.kit.oauth import CREDENTIALS, TokenServer

GRANT = Grant("https://login.vendor.test/token", "refresh_token", "basic", 3600)


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
