"""What every token store must do, whatever it keeps the secrets in."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio

from connectors.clock import ManualClock
from connectors.errors import FatalError, RetryableError
from connectors.http import Reach, open_http
from connectors.ports import Clock, Secret, TokenStore
from connectors.tokens import FileTokenStore, MemoryTokenStore
from connectors.tokens.postgres import PostgresTokenStore
from connectors.tokens.vault import AppRole, VaultTokenStore
from tests.contract.connectors.kit.postgres import postgres
from tests.contract.connectors.kit.vault import LEASE, FakeVault

KEY = bytes(range(32))
SECRET = Secret(
    {"client_id": "id", "refresh_token": "töken"},
    expires_at=datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
    refreshing_since=datetime(2026, 1, 1, 11, tzinfo=UTC),
)
ROLE = AppRole("role", "s3cr3t")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[str]:
    """A PostgreSQL for the whole session; tells the folder of its socket."""
    async with postgres() as folder:
        yield folder


@pytest.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    """Closes what the test opened."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def bare(server: str, tmp_path: Path) -> str:
    """A database of the test's own, without the table."""
    name = f"test_{abs(hash(tmp_path)):x}"
    link = await psycopg.AsyncConnection.connect(f"host={server} user=postgres dbname=postgres", autocommit=True)
    async with link:
        await link.execute(f"CREATE DATABASE {name}")
    return f"host={server} user=postgres dbname={name}"


@pytest.fixture
async def conninfo(bare: str) -> str:
    """A database of the test's own, with the table."""
    store = PostgresTokenStore(bare, KEY)
    await store.make_table()
    await store.make_table()
    await store.aclose()
    return bare


@pytest.fixture
async def database(conninfo: str, closing: AsyncExitStack) -> PostgresTokenStore:
    """A store in that database, connected."""
    store = PostgresTokenStore(conninfo, KEY)
    closing.push_async_callback(store.aclose)
    await store.check()
    return store


@pytest.fixture
def vault() -> FakeVault:
    """An empty Vault."""
    return FakeVault()


@pytest.fixture
def open_vault(vault: FakeVault, closing: AsyncExitStack) -> Callable[..., VaultTokenStore]:
    """Open stores in the Vault."""

    def make(access: str | AppRole = "root", clock: Clock | None = None, mount: str = "secret") -> VaultTokenStore:
        transport = httpx.ASGITransport(vault.app())
        http = open_http("vault", Reach((), frozenset({"vault"})), timeout_seconds=5, transport=transport)
        closing.push_async_callback(http.aclose)
        return VaultTokenStore(http, "http://vault/", access, mount, "sluiceway", clock or ManualClock())

    return make


@dataclass
class Kind:
    """One kind of store: `reopen` opens what was stored once more, with another key if asked."""

    store: TokenStore
    reopen: Callable[..., TokenStore]


@pytest.fixture(params=["memory", "file", "postgres", "vault"])
def kind(request: pytest.FixtureRequest, tmp_path: Path, closing: AsyncExitStack) -> Kind:
    """Each kind of store, empty."""
    memory = MemoryTokenStore()

    def reopen(key: bytes = KEY) -> TokenStore:
        store: TokenStore = memory
        if request.param == "file":
            store = FileTokenStore(tmp_path / "tokens", key)
        elif request.param == "postgres":
            store = PostgresTokenStore(request.getfixturevalue("conninfo"), key)
        elif request.param == "vault":
            store = request.getfixturevalue("open_vault")("root" if key == KEY else "stranger")
        closing.push_async_callback(store.aclose)
        return store

    return Kind(reopen(), reopen)


@pytest.fixture
def store(kind: Kind) -> TokenStore:
    """The store alone."""
    return kind.store


async def test_an_unknown_connection_has_no_secret(store: TokenStore) -> None:
    """Nothing stored is None, not an error; and the store says that it can be used."""
    await store.check()
    assert await store.get("acme", "quickbooks") is None


async def test_a_stored_secret_comes_back_whole(kind: Kind) -> None:
    """Values, both instants and the version survive, also for who opens the store later."""
    assert await kind.store.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    assert await kind.store.get("acme", "quickbooks") == replace(SECRET, version=1)
    assert await kind.reopen().get("acme", "quickbooks") == replace(SECRET, version=1)


async def test_a_version_is_won_once(kind: Kind) -> None:
    """Of twenty who saw the same version, in two processes' stores, one stores, and all read his secret."""
    assert await kind.store.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    stores = [kind.store, kind.reopen()]
    secrets = [Secret({"access_token": str(number)}) for number in range(20)]
    won = await asyncio.gather(
        *(
            stores[number % 2].compare_and_set("acme", "quickbooks", secret, expected_version=1)
            for number, secret in enumerate(secrets)
        )
    )
    assert sum(won) == 1
    expected = replace(secrets[won.index(True)], version=2)
    assert [await store.get("acme", "quickbooks") for store in stores] == [expected] * 2


@pytest.mark.parametrize("expected", [0, 2])
async def test_a_wrong_version_changes_nothing(store: TokenStore, expected: int) -> None:
    """Neither an older nor a made-up version may overwrite."""
    await store.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    assert not await store.compare_and_set("acme", "quickbooks", Secret({}), expected_version=expected)
    assert await store.get("acme", "quickbooks") == replace(SECRET, version=1)


async def test_connections_are_kept_apart(store: TokenStore) -> None:
    """Tenants and vendors with awkward names never meet."""
    names = [("a", "b@c"), ("a@b", "c"), ("../a", "b"), ("a/b", "c"), ("a|b", "c"), ("ä", "b"), ("a%2Fb", "c")]
    for number, (tenant, vendor) in enumerate(names):
        assert await store.compare_and_set(tenant, vendor, Secret({"n": str(number)}), expected_version=0)
    found = [await store.get(tenant, vendor) for tenant, vendor in names]
    assert [secret.values["n"] for secret in found if secret] == [str(number) for number in range(len(names))]


@pytest.mark.parametrize("kind", ["file", "postgres", "vault"], indirect=True)
async def test_a_wrong_key_neither_reads_nor_loses(kind: Kind) -> None:
    """Another key (Vault: token) is an error, not an unknown connection; the right one still reads."""
    await kind.store.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    with pytest.raises(FatalError, match="SLUICEWAY_TOKEN"):
        await kind.reopen(bytes(32)).get("acme", "quickbooks")
    assert await kind.reopen().get("acme", "quickbooks") == replace(SECRET, version=1)


def test_a_secret_is_masked() -> None:
    """Neither a secret nor a role tells its values when printed."""
    assert "töken" not in repr(SECRET)
    assert "s3cr3t" not in repr(ROLE)


COUNTING = """
import asyncio, sys
from pathlib import Path
from connectors.ports import Secret
from connectors.tokens import FileTokenStore
from connectors.tokens.postgres import PostgresTokenStore

async def count():
    kind, place = sys.argv[1:]
    key = bytes(range(32))
    store = FileTokenStore(Path(place), key) if kind == "file" else PostgresTokenStore(place, key)
    done = 0
    while done < 25:
        secret = await store.get("acme", "quickbooks")
        version = secret.version if secret else 0
        value = str(int(secret.values["n"]) + 1 if secret else 1)
        done += await store.compare_and_set("acme", "quickbooks", Secret({"n": value}), expected_version=version)
    print((await store.get("acme", "quickbooks")).values["n"])
    await store.aclose()

asyncio.run(count())
"""


@pytest.mark.parametrize("which", ["file", "postgres"])
async def test_processes_do_not_overwrite_each_other(which: str, tmp_path: Path, conninfo: str) -> None:
    """Four processes that count in one secret by compare-and-set lose no step."""

    async def count() -> int:
        place = str(tmp_path) if which == "file" else conninfo
        command = (sys.executable, "-c", COUNTING, which, place)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        return int((await process.communicate())[0])

    assert max(await asyncio.gather(*(count() for _ in range(4)))) == 100


async def test_the_database_holds_no_plaintext(database: PostgresTokenStore, conninfo: str) -> None:
    """Of a secret, PostgreSQL has neither names nor values."""
    await database.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    async with await psycopg.AsyncConnection.connect(conninfo) as link:
        cursor = await link.execute("SELECT tenant, vendor, version, sealed FROM sluiceway_secret")
        [(tenant, vendor, version, sealed)] = await cursor.fetchall()
    assert (tenant, vendor, version) == ("acme", "quickbooks", 1)
    assert not any(text in sealed for text in (b"refresh", "töken".encode(), b"client"))


async def test_a_lost_connection_is_opened_again(database: PostgresTokenStore, conninfo: str) -> None:
    """The database's restart or a cut line costs nothing: the call is made once more."""
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as link:
        await link.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert await database.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)


async def test_a_write_whose_answer_is_lost_is_known_as_ours(
    database: PostgresTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is written, the connection breaks before the answer: true, not "somebody else"."""
    once = database._once
    lost: list[bool] = []

    async def cut(work: Any) -> Any:
        answer = await once(work)
        if not lost:
            lost.append(answer)
            raise psycopg.OperationalError("the server closed the connection")
        return answer

    monkeypatch.setattr(database, "_once", cut)
    assert await database.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    assert lost == [True]


async def test_what_is_wrong_with_a_database_is_told(bare: str, tmp_path: Path) -> None:
    """No table: the command that makes it; no server: waiting may help, and the setting is named."""
    store = PostgresTokenStore(bare, KEY)
    with pytest.raises(FatalError, match="sluiceway tokens apply"):
        await store.check()
    await store.aclose()
    with pytest.raises(RetryableError, match="SLUICEWAY_TOKENS__POSTGRES") as told:
        await PostgresTokenStore(f"host={tmp_path} user=u password=s3cr3t", KEY).check()
    assert "s3cr3t" not in str(told.value)


async def test_a_role_logs_in_and_again_in_time(vault: FakeVault, open_vault: Callable[..., VaultTokenStore]) -> None:
    """A login serves until half of its life; one that Vault has forgotten is made once more."""
    clock = ManualClock()
    store = open_vault(ROLE, clock)
    assert await store.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    await store.get("acme", "quickbooks")
    assert vault.logins == 1
    clock.advance(LEASE / 2)
    await store.get("acme", "quickbooks")
    assert vault.logins == 2
    vault.tokens.clear()
    assert await store.get("acme", "quickbooks") == replace(SECRET, version=1)
    assert vault.logins == 3


async def test_what_is_wrong_with_a_vault_is_told(vault: FakeVault, open_vault: Callable[..., VaultTokenStore]) -> None:
    """A wrong role, mount or token is a setting to correct; a sealed Vault may be opened, so waiting helps."""
    for store, named in [
        (open_vault(AppRole("role", "wrong")), "VAULT_ROLE_ID"),
        (open_vault(mount="kv"), "_MOUNT"),
        (open_vault("stranger"), "policy"),
    ]:
        with pytest.raises(FatalError, match=named):
            await store.check()
    vault.sealed = True
    with pytest.raises(RetryableError, match="sealed"):
        await open_vault().check()


async def test_a_secret_deleted_in_vault_can_be_stored_again(
    vault: FakeVault, open_vault: Callable[..., VaultTokenStore]
) -> None:
    """Vault goes on counting after a deletion; what comes back is empty and has its version."""
    store = open_vault()
    await store.compare_and_set("acme", "quickbooks", SECRET, expected_version=0)
    vault.delete("sluiceway/acme@quickbooks")
    assert await store.get("acme", "quickbooks") == Secret({}, version=1)
    assert await store.compare_and_set("acme", "quickbooks", SECRET, expected_version=1)
