"""What every token store must do, whatever it keeps the secrets in."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.ports import Secret, TokenStore
from connectors.tokens import FileTokenStore, MemoryTokenStore

KEY = bytes(range(32))
SECRET = Secret(
    {"client_id": "id", "refresh_token": "töken"},
    expires_at=datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
    refreshing_since=datetime(2026, 1, 1, 11, tzinfo=UTC),
)
STORES: dict[str, Callable[[Path], TokenStore]] = {
    "memory": lambda _: MemoryTokenStore(),
    "file": lambda folder: FileTokenStore(folder, KEY),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TokenStore:
    """Each kind of store, empty."""
    return STORES[request.param](tmp_path / "tokens")


async def test_an_unknown_connection_has_no_secret(store: TokenStore) -> None:
    """Nothing stored is None, not an error."""
    assert await store.get("acme", "quickbooks") is None


async def test_a_stored_secret_comes_back_whole(store: TokenStore) -> None:
    """Values, both instants and the version survive."""
    assert await store.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    found = await store.get("acme", "quickbooks")
    assert found is not None
    assert (found.values, found.expires_at, found.refreshing_since) == (
        SECRET.values,
        SECRET.expires_at,
        SECRET.refreshing_since,
    )
    assert found.version == 1


async def test_a_version_is_won_once(store: TokenStore) -> None:
    """Of twenty who saw the same version one stores, and all read his secret."""
    await store.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    secrets = [Secret({"access_token": str(number)}) for number in range(20)]
    won = await asyncio.gather(
        *(store.compare_and_set("acme", "quickbooks", secret, expected_version=1) for secret in secrets)
    )
    assert sum(won) == 1
    found = await store.get("acme", "quickbooks")
    assert found is not None
    assert found.values == secrets[won.index(True)].values
    assert found.version == 2


@pytest.mark.parametrize("expected", [0, 2])
async def test_a_wrong_version_changes_nothing(store: TokenStore, expected: int) -> None:
    """Neither an older nor a made-up version may overwrite."""
    await store.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    assert not await store.compare_and_set("acme", "quickbooks", Secret({}), expected_version=expected)
    found = await store.get("acme", "quickbooks")
    assert found is not None
    assert found.values == SECRET.values


async def test_connections_are_kept_apart(store: TokenStore) -> None:
    """Tenants and vendors with awkward names never meet."""
    names = [("a", "b@c"), ("a@b", "c"), ("../a", "b"), ("a/b", "c"), ("a|b", "c"), ("ä", "b")]
    for number, (tenant, vendor) in enumerate(names):
        assert await store.compare_and_set(tenant, vendor, Secret({"n": str(number)}), expected_version=0)
    found = [await store.get(tenant, vendor) for tenant, vendor in names]
    assert [secret.values["n"] for secret in found if secret] == ["0", "1", "2", "3", "4", "5"]
