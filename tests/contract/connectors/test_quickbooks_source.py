"""What is the QuickBooks source's own: sweeps by capture, and what repairs it where capture does not reach."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.catalogue import VENDORS
from connectors.clock import ManualClock
from connectors.ports import Account, Batch, Raw, Secret, Source, Tools
from connectors.quickbooks.client import CAPTURE_MOST, PAGE
from connectors.quickbooks.cursor import decode
from connectors.sandbox.quickbooks.cdc import MOST
from connectors.sandbox.server import serve
from connectors.tokens import MemoryTokenStore
from connectors.wire import loads

DAY = 86_400.0
READS = ("read ", "query", "cdc", "batch")


class IdleError(Exception):
    """Whoever would wait has nothing to do now."""


class StandingClock(ManualClock):
    """Nobody waits: time is moved by the test."""

    async def sleep(self, seconds: float) -> None:
        """Tell that there is nothing to do."""
        raise IdleError(seconds)


class Company:
    """A company with a person at work in it; its clock and ours stand still until moved."""

    def __init__(self, admin: httpx.AsyncClient, credentials: dict[str, Any], clock: ManualClock) -> None:
        self.admin = admin
        self.clock = clock
        self._url = f"/v3/company/{credentials['realm']}"
        self._credentials = credentials
        self.open: Callable[..., Source]

    async def put(self, path: str, /, **body: Any) -> dict[str, Any]:
        """Change something as an administrator."""
        answer = await self.admin.post(f"/__sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def save(self, kind: str, body: dict[str, Any], **params: str) -> dict[str, Any]:
        """Write as another user of the company."""
        return await self._post(f"{self._url}/{kind.lower()}", body, params)

    async def merge(self, kind: str, loser: str, winner: str) -> None:
        """Merge two objects."""
        body = {"entity": kind, "from": loser, "into": winner}
        await self._post(f"/app{self._url.removeprefix('/v3')}/merge", body, {})

    async def customers(self, *names: str) -> list[dict[str, Any]]:
        """Make customers."""
        return [await self.save("Customer", {"DisplayName": name}) for name in names]

    async def touch(self, kind: str, entity: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Edit an object."""
        body = {"Id": entity["Id"], "SyncToken": entity["SyncToken"], "sparse": True, **changes}
        return await self.save(kind, body)

    async def metered(self) -> int:
        """Return how many calls Intuit would have counted this month."""
        meter = (await self.admin.get("/__sandbox/meter")).json()
        return sum(count for name, count in meter["calls"].items() if name.startswith(READS))

    async def _post(self, url: str, body: dict[str, Any], params: dict[str, str]) -> dict[str, Any]:
        token = (await self.admin.get("/__sandbox/credentials")).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self.admin.post(url, json=body, params=params, headers=headers)
        assert answer.is_success, answer.text
        [content] = [value for name, value in loads(answer.content).items() if name != "time"]
        return dict(content)


@pytest.fixture
async def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Company]:
    """An empty company; `open` connects a source to it. Capture and pages hold 100 objects in place of 1,000."""
    assert CAPTURE_MOST == PAGE == MOST == 1000
    for name in ("quickbooks.client.CAPTURE_MOST", "quickbooks.source.PAGE", "sandbox.quickbooks.cdc.MOST"):
        monkeypatch.setattr(f"connectors.{name}", 100)
    clock = StandingClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    served = await serve(["quickbooks"], tmp_path, {"quickbooks": 0}, clock=clock)
    opened = []
    async with httpx.AsyncClient(base_url=served.url("quickbooks"), trust_env=False, timeout=60) as admin:
        credentials = (await admin.get("/__sandbox/credentials")).json()
        limits = (await admin.get("/__sandbox/limits")).json()["limits"]
        found = Company(admin, credentials, clock)
        await found.put("limits", limits=dict.fromkeys(limits, 1_000_000))
        store = MemoryTokenStore()
        secrets = {name: credentials[name] for name in ("client_id", "client_secret", "refresh_token")}
        await store.compare_and_set("t", "quickbooks", Secret(secrets), expected_version=0)

        def connect(**settings: str) -> Source:
            account = Account(
                "t",
                "quickbooks",
                served.url("quickbooks"),
                credentials["realm"],
                {"token_url": credentials["token_url"], **settings},
            )
            connector = VENDORS["quickbooks"].open(account, Tools(clock, store, frozenset({served.host})))
            opened.append(connector)
            assert connector.source is not None
            return connector.source

        found.open = connect
        yield found
        for connector in opened:
            await connector.aclose()
    await served.aclose()


async def read(source: Source, cursor: str | None) -> tuple[list[Raw], str | None]:
    """Read until there is nothing to do; an empty answer keeps the cursor."""
    batches = await pages(source, cursor)
    return [raw for batch in batches for raw in batch.records], batches[-1].cursor if batches else cursor


async def pages(source: Source, cursor: str | None) -> list[Batch]:
    """Read until the source would wait."""
    found: list[Batch] = []
    with suppress(IdleError):
        async for batch in source.read(cursor):
            found += [batch]
    return found


def told(records: Sequence[Raw]) -> list[tuple[str, str, bool]]:
    """What each record is about, deletions marked."""
    return [(raw.object, raw.remote_id, raw.deleted) for raw in records]


async def test_the_first_start_reads_all_and_a_sweep_what_changed(company: Company) -> None:
    """Parents first; then only changes, once a sweep is due, an unchanged object not twice within the overlap."""
    [ada, _] = await company.customers("Ada", "Bob")
    company.clock.advance(600)
    source = company.open()
    records, cursor = await read(source, None)
    assert told(records) == [("Customer", "1", False), ("Customer", "2", False), ("Item", "1", False)]
    assert await read(source, cursor) == ([], cursor)
    ada = await company.touch("Customer", ada, Notes="new")
    assert await read(source, cursor) == ([], cursor)
    company.clock.advance(300)
    await company.touch("Customer", ada, Notes="newer")
    [changed], cursor = await read(source, cursor)
    assert (changed.version[-10:], loads(changed.body)["Notes"]) == ("0000000002", "newer")
    company.clock.advance(300)
    assert (await read(source, cursor))[0] == []


async def test_an_edit_within_the_second_of_the_last_sweep_is_told(company: Company) -> None:
    """The hint of such an edit is taken for our own write's echo; the sweep is what repairs it."""
    source = company.open()
    [ada] = await company.customers("Ada")
    records, cursor = await read(source, None)
    assert ("Customer", "1", False) in told(records)
    await company.touch("Customer", ada, Notes="in the same second")
    company.clock.advance(300)
    [again], _ = await read(source, cursor)
    assert again.version == max(raw.version for raw in [*records, again])
    assert loads(again.body)["Notes"] == "in the same second"


async def test_a_change_that_shows_late_is_told(company: Company) -> None:
    """Stamped before the last sweep, seen only after it: each sweep looks back behind the one before."""
    source = company.open()
    _, cursor = await read(source, None)
    await company.put("settings", settings={"clock_skew_seconds": -100})
    await company.customers("Late")
    await company.put("settings", settings={"clock_skew_seconds": 0})
    company.clock.advance(300)
    records, _ = await read(source, cursor)
    assert told(records) == [("Customer", "1", False)]


async def test_deletions_voids_and_merges_are_told(company: Company) -> None:
    """Gone is gone, void is a new state, of two merged the loser is gone and the winner changed."""
    source = company.open()
    [ada, bob] = await company.customers("Ada", "Bob")
    lines = [{"Amount": 5, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}]
    sale = {"CustomerRef": {"value": bob["Id"]}, "Line": lines}
    first, second = await company.save("Invoice", sale), await company.save("Invoice", sale)
    _, cursor = await read(source, None)
    company.clock.advance(300)
    token = {"SyncToken": "0"}
    await company.save("Invoice", {"Id": first["Id"], **token}, operation="void")
    await company.merge("Customer", bob["Id"], ada["Id"])
    await company.save("Invoice", {"Id": second["Id"], "SyncToken": "1"}, operation="delete")
    records, _ = await read(source, cursor)
    by_key = {(raw.object, raw.remote_id): raw for raw in records}
    assert {key: raw.deleted for key, raw in by_key.items()} == {
        ("Customer", ada["Id"]): False,
        ("Customer", bob["Id"]): True,
        ("Invoice", first["Id"]): False,
        ("Invoice", second["Id"]): True,
    }
    voided = loads(by_key["Invoice", first["Id"]].body)
    assert (voided["TotalAmt"], voided["PrivateNote"], voided["CustomerRef"]["value"]) == (0, "Voided", ada["Id"])
    assert by_key["Customer", bob["Id"]].version > f"{bob['MetaData']['LastUpdatedTime'][:10]}"


async def test_a_living_object_that_capture_calls_deleted_stays(company: Company) -> None:
    """A deletion is believed when a query does not show the object either."""
    source = company.open()
    [ada] = await company.customers("Ada")
    _, cursor = await read(source, None)
    company.clock.advance(300)
    stub = {"domain": "QBO", "status": "Deleted", "Id": ada["Id"], "MetaData": ada["MetaData"]}
    body = {"CDCResponse": [{"QueryResponse": [{"Customer": [stub]}]}], "time": "2026-01-05T12:05:00Z"}
    await company.put("faults", kind="status", status=200, path="/cdc$", count=1, body=dumps(body))
    records, _ = await read(source, cursor)
    assert told(records) == [("Customer", ada["Id"], False)]


async def test_full_answers_are_halved_and_an_entity_that_fills_one_is_read_by_query(company: Company) -> None:
    """More changes than it tells of several entities and of one: all are told, the deleted ones among them."""
    source = company.open()
    gone = (await company.customers("gone"))[0]
    _, cursor = await read(source, None)
    assert decode(cursor, "").known["Customer"].blocks
    company.clock.advance(300)
    await company.put("seed", size=105, seed=1)
    await company.put("settings", settings={"payment_bumps_invoice": False})
    winner = (await company.customers("winner"))[0]
    await company.merge("Customer", gone["Id"], winner["Id"])
    before = await company.metered()
    records, cursor = await read(source, cursor)
    seen = {(raw.object, raw.remote_id) for raw in records if not raw.deleted}
    for kind in ("Customer", "Item", "Invoice", "Payment"):
        stored = (await company.admin.get(f"/__sandbox/records/{kind}")).json()["records"]
        assert {(kind, row["Id"]) for row in stored} - {("Item", "1")} <= seen
    assert told([raw for raw in records if raw.deleted]) == [("Customer", gone["Id"], True)]
    assert await company.metered() - before < 30
    company.clock.advance(900)
    assert len((await read(source, cursor))[0]) < len(records)


async def test_a_gap_longer_than_captures_is_repaired(company: Company) -> None:
    """After 40 days without us: what was made, changed and deleted meanwhile is told."""
    source = company.open()
    [ada, bob, eve] = await company.customers("Ada", "Bob", "Eve")
    _, cursor = await read(source, None)
    company.clock.advance(DAY)
    await company.merge("Customer", bob["Id"], eve["Id"])
    await company.touch("Customer", ada, Notes="long ago")
    await company.customers("Zoe")
    company.clock.advance(40 * DAY)
    records, cursor = await read(source, cursor)
    assert sorted(told([raw for raw in records if raw.object == "Customer"])) == [
        ("Customer", "1", False),
        ("Customer", "2", True),
        ("Customer", "3", False),
        ("Customer", "4", False),
    ]
    company.clock.advance(300)
    assert (await read(source, cursor))[0] == []


@pytest.mark.parametrize("ahead", [-3600, 3600])
async def test_clocks_that_differ_lose_nothing(company: Company, ahead: int) -> None:
    """QuickBooks' own time says where to go on, and when something was deleted."""
    await company.put("settings", settings={"clock_skew_seconds": ahead})
    source = company.open()
    [ada] = await company.customers("Ada")
    records, cursor = await read(source, None)
    if not any(raw.object == "Customer" for raw in records):
        company.clock.advance(300)
        records, cursor = await read(source, cursor)
    assert ("Customer", "1", False) in told(records)
    winner = (await company.customers("Winner"))[0]
    await company.merge("Customer", ada["Id"], winner["Id"])
    company.clock.advance(300)
    changes, _ = await read(source, cursor)
    assert set(told(changes)) == {("Customer", "1", True), ("Customer", "2", False)}
    [gone] = [raw for raw in changes if raw.deleted]
    assert gone.version > max(raw.version for raw in records if raw.object == "Customer")


async def test_live_edits_during_a_backfill_lose_nothing(company: Company) -> None:
    """Rows that are edited while pages are read move others; each still comes, and no older state after a newer one."""
    await company.put("seed", size=420, seed=2)
    company.clock.advance(3600)
    source = company.open(objects="Customer")
    stored = (await company.admin.get("/__sandbox/records/Customer")).json()["records"]
    tokens = {row["Id"]: row["SyncToken"] for row in stored}
    batches: list[Batch] = []
    with suppress(IdleError):
        async for batch in source.read(None):
            batches.append(batch)
            for id_ in list(tokens)[len(batches) * 7 :: 71]:
                edited = await company.touch("Customer", {"Id": id_, "SyncToken": tokens[id_]}, Notes="live")
                tokens[id_] = edited["SyncToken"]
    company.clock.advance(300)
    edits, _ = await read(source, batches[-1].cursor)
    newest: dict[str, str] = {}
    for raw in [*(raw for batch in batches for raw in batch.records), *edits]:
        newest[raw.remote_id] = max(raw.version, newest.get(raw.remote_id, ""))
    assert {id_: int(version.rpartition("/")[2]) for id_, version in newest.items()} == {
        id_: int(token) for id_, token in tokens.items()
    }
    assert len(batches) > 2
    assert len(edits) > 6


async def test_every_stored_cursor_resumes_without_loss(company: Company) -> None:
    """Killed after any page, another process goes on from its cursor and tells all the rest."""
    await company.put("seed", size=110, seed=3)
    company.clock.advance(3600)
    batches = await pages(company.open(), None)
    assert [batch.caught_up for batch in batches] == [False] * (len(batches) - 1) + [True]
    everything = {(raw.object, raw.remote_id) for batch in batches for raw in batch.records}
    assert len(batches) > 4
    before: set[tuple[str, str]] = set()
    for batch in batches:
        before |= {(raw.object, raw.remote_id) for raw in batch.records}
        rest, _ = await read(company.open(), batch.cursor)
        assert before | {(raw.object, raw.remote_id) for raw in rest} == everything


async def test_reads_stay_within_the_month(company: Company) -> None:
    """A small budget stretches the sweeps over the month, is never exceeded, and begins anew with the next one."""
    source, cursor = company.open(monthly_reads="40", sweep_seconds="60"), None
    last, sweeps = company.clock.now(), []
    while company.clock.now() < datetime(2026, 2, 1, tzinfo=UTC):
        before = await company.metered()
        _, cursor = await read(source, cursor)
        if await company.metered() > before:
            sweeps.append(company.clock.now() - last)
            last = company.clock.now()
        company.clock.advance(7200)
    assert 35 <= await company.metered() <= 40
    assert max(sweeps) < timedelta(days=2)
    await company.customers("Ada")
    records, _ = await read(source, cursor)
    assert ("Customer", "1", False) in told(records)


async def test_a_spent_budget_is_said_and_kept(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    """A backfill that needs more than the month has stops, says so once, and goes on next month."""
    await company.put("seed", size=110, seed=4)
    company.clock.advance(3600)
    source, cursor = company.open(monthly_reads="3"), None
    records, cursor = await read(source, None)
    assert await company.metered() == 3
    assert (await read(source, cursor))[0] == []
    [said] = [entry.message for entry in caplog.records if "used up" in entry.message]
    assert said.startswith("tenant t, quickbooks: the 3 reads of 2026-01 are used up")
    seen = {raw.remote_id for raw in records}
    for month in (2, 3, 4, 5, 6, 7):
        company.clock.advance((datetime(2026, month, 2, tzinfo=UTC) - company.clock.now()).total_seconds())
        records, cursor = await read(source, cursor)
        seen |= {raw.remote_id for raw in records if raw.object == "Customer"}
    assert len(seen) == 110


async def test_an_entity_added_later_is_read_from_the_beginning(company: Company) -> None:
    """A connection that begins to read another entity gets all of it."""
    await company.customers("Ada")
    company.clock.advance(600)
    _, cursor = await read(company.open(objects="Item"), None)
    records, _ = await read(company.open(objects="Item,Customer"), cursor)
    assert told(records) == [("Customer", "1", False)]


def dumps(value: Any) -> str:
    """Write JSON."""
    return httpx.Request("POST", "http://x", json=value).content.decode()
