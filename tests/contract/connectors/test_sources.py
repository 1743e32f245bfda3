"""What every source must do, shown on real sandboxes through the connector as it ships.

Adding a vendor: write `drivers/<vendor>.py` with a class that follows `kit.driver.SourceDriver` and a list `DRIVERS` of
it (several classes where settings make several sources of it; `drivers/salesforce.py` is an example). Nothing else is
to be registered; the vendor must be in `connectors.catalogue` and its account id in `conftest.IDENTITY`. Run it with
`pytest tests/contract/connectors/test_sources.py -k <name>`; `make backfill` runs the long backfill, 100,000 objects.

Long backfills on two cores shared with much other work (load 5 to 18, 2026-11-23), wall clock and processor seconds of
user, sandbox and source together: Pardot 246 and 142, Salesforce by events 312 and 70, by polls 246 and 102, Stripe 511
and 117, Shopify by pages 807 and 415, by bulk operation 817 and 349, WooCommerce 810 and 260, QuickBooks 1588 and 468.
Most of it is making the objects; at QuickBooks every page of the sandbox's query looks through all of them.

A record counts as the newest by the rule of transform: an older `Raw.version` is passed over, an equal one is taken in
the order of arrival, and hints are fetched by the connector's own fetcher (`kit/inbox.py`).
"""

import asyncio
import importlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.catalogue import VENDORS
from connectors.clock import SystemClock
from connectors.errors import ConnectorError, FatalError
from connectors.ports import Batch, Raw, Source
from tests.contract.connectors.kit.company import Company, Connect
from tests.contract.connectors.kit.driver import Key, SourceDriver, Truth
from tests.contract.connectors.kit.inbox import Inbox
from tests.contract.connectors.kit.mailbox import Letter, Mailbox
from tests.contract.connectors.kit.owners import Owners

DRIVERS: Sequence[type[SourceDriver]] = [
    driver
    for path in sorted((Path(__file__).parent / "drivers").glob("*.py"))
    for driver in importlib.import_module(f"tests.contract.connectors.drivers.{path.stem}").DRIVERS
]
GAPS = [(driver, gap) for driver in DRIVERS for gap in driver.gaps]
PATIENCE_SECONDS = 60.0
"""Of silence, not of work: a slow machine gets through, a source that has stopped does not."""
OBJECTS_PER_SECOND = 100
"""A slow machine's, with sandbox, user and source in one process: what a test of many objects may take."""
EDITS_PER_PAGE = 3
FULL_PAGES_FROM = 20_000
MOST_READS = 20
"""A source that fails is read again from where it stands, as its owner does; not for ever."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test for every driver that it concerns."""
    if "gap" in metafunc.fixturenames:
        metafunc.parametrize(("kind", "gap"), GAPS, ids=[f"{driver.name}: {gap}" for driver, gap in GAPS])
    elif "kind" in metafunc.fixturenames:
        kinds = [kind for kind in DRIVERS if kind.webhooks or "mailbox" not in metafunc.fixturenames]
        size = metafunc.config.getoption("--backfill-size") if "size" in metafunc.fixturenames else 0
        limit = pytest.mark.timeout(float(metafunc.config.getini("timeout")) + size / OBJECTS_PER_SECOND)
        metafunc.parametrize("kind", [pytest.param(kind, id=kind.name, marks=limit) for kind in kinds])


@pytest.fixture
async def company(
    kind: type[SourceDriver], connect: Connect, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Company:
    """A company whose source reads small pages, unless a backfill is long enough to fill the real ones."""
    long = "size" in request.fixturenames and request.config.getoption("--backfill-size") >= FULL_PAGES_FROM
    for page in () if long else kind.pages:
        monkeypatch.setattr(page.name, page.value)
    return await connect(kind.vendor, **kind.settings)


@pytest.fixture
async def driver(kind: type[SourceDriver], company: Company) -> AsyncIterator[SourceDriver]:
    """Somebody who works there."""
    made = kind(company)
    yield made
    await made.aclose()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """Where webhooks arrive."""
    made = Mailbox()
    yield made
    await made.aclose()


@pytest.fixture
def size(request: pytest.FixtureRequest) -> int:
    """How many objects a backfill reads."""
    return int(request.config.getoption("--backfill-size"))


def living(truth: Truth) -> list[Key]:
    """Return what is there, in a fixed order."""
    return sorted(key for key, content in truth.items() if content is not None)


@asynccontextmanager
async def reading(source: Source, cursor: str | None) -> AsyncIterator[AsyncIterator[Batch]]:
    """Read from the cursor, and end the reading as its owner does."""
    pages = source.read(cursor)
    try:
        yield pages
    finally:
        if (aclose := getattr(pages, "aclose", None)) is not None:
            await aclose()


async def pages_until(company: Company, cursor: str | None, inbox: Inbox, truth: Truth) -> list[Batch]:
    """Read from the cursor, with a connector that remembers nothing, until the inbox shows the truth."""
    fresh, batches, loop = company.reconnected(), list[Batch](), asyncio.get_running_loop()
    silence = PATIENCE_SECONDS + len(truth) / OBJECTS_PER_SECOND
    try:
        async with asyncio.timeout(silence) as patience:
            for _ in range(MOST_READS):
                try:
                    async with reading(fresh.source, cursor) as pages:
                        async for batch in pages:
                            batches.append(batch)
                            cursor = batch.cursor
                            await inbox.take(batch.records, fresh.connector.fetcher)
                            patience.reschedule(loop.time() + silence)
                            if batch.caught_up and not inbox.wrong(truth):
                                return batches
                except FatalError:
                    raise
                except ConnectorError:
                    continue
                if not inbox.wrong(truth):
                    return batches
    except TimeoutError:
        pass
    wrong = inbox.wrong(truth)
    pytest.fail(f"{len(wrong)} differences remain after {len(batches)} pages: {', '.join(wrong[:5])}")


async def at_work(driver: SourceDriver) -> Truth:
    """Make objects, change some and delete some; return the truth."""
    await driver.create(30)
    keys = living(await driver.truth())
    for key in keys[:3]:
        await driver.edit(key)
    for key in keys[3:5]:
        await driver.delete(key)
    return await driver.truth()


async def test_every_cursor_resumes_without_loss(company: Company, driver: SourceDriver) -> None:
    """From each cursor that was ever stored, a new process reads what is missing: changes and deletions too."""
    await driver.create(450)
    inbox = Inbox(driver)
    batches = await pages_until(company, None, inbox, await driver.truth())
    deleted = living(await driver.truth())[:2]
    for key in deleted:
        await driver.delete(key)
    for key in living(await driver.truth())[:3]:
        await driver.edit(key)
    truth = await driver.truth()
    batches += await pages_until(company, batches[-1].cursor, inbox, truth)
    assert {key for key, raw in inbox.newest.items() if raw.deleted} == set(deleted)
    assert len(batches) > 2
    for number in range(-1, len(batches)):
        again = Inbox(driver)
        stored = batches[: number + 1]
        await again.take([raw for batch in stored for raw in batch.records], company.fetcher)
        await pages_until(company, stored[-1].cursor if stored else None, again, truth)


async def test_owners_that_die_anywhere_lose_nothing(company: Company, driver: SourceDriver) -> None:
    """Records and cursor are one commit: killed before or after any, the next owner goes on, and nothing is missing."""
    await driver.create(450)
    truth = await driver.truth()
    edited, deleted = living(truth)[:2]
    owners, inbox, taken = Owners(company), Inbox(driver), 0

    async def never(_: list[Raw]) -> bool:
        return False

    async def right(records: list[Raw]) -> bool:
        nonlocal taken
        new, taken = records[taken:], len(records)
        await inbox.take(new, company.fetcher)
        return not inbox.wrong(truth)

    for die_at in range(1, 9):
        await owners.one(never, die_at)
        if die_at == 4:
            await driver.edit(edited)
            await driver.delete(deleted)
            truth = await driver.truth()
        if len(owners.records) >= len(truth):
            break
    await owners.one(right)


async def test_deletions_arrive(company: Company, driver: SourceDriver) -> None:
    """What was read and then deleted comes back as deleted, in a version that wins."""
    await driver.create(5)
    inbox = Inbox(driver)
    batches = await pages_until(company, None, inbox, await driver.truth())
    gone, stays = living(await driver.truth())[:2]
    await driver.edit(gone)
    await driver.delete(gone)
    await driver.edit(stays)
    await pages_until(company, batches[-1].cursor, inbox, await driver.truth())
    assert inbox.newest[gone].deleted
    assert not inbox.newest[stays].deleted


async def test_webhooks_twice_and_in_any_order_do_no_harm(
    company: Company, driver: SourceDriver, mailbox: Mailbox
) -> None:
    """However the vendor's deliveries are repeated and shuffled, the newest version of everything is the truth."""
    await driver.subscribe(await mailbox.open())
    truth = await at_work(driver)
    letters = await delivered(company, mailbox)
    for seed in range(5):
        dice, inbox = random.Random(seed), Inbox(driver)  # noqa: S311  reproducible, not secret
        twice = [*letters, *letters]
        dice.shuffle(twice)
        for letter in twice:
            await inbox.take(read(company, letter), company.fetcher)
        assert not inbox.wrong(truth), seed


async def delivered(company: Company, mailbox: Mailbox) -> list[Letter]:
    """Wait until the sandbox has nothing left to deliver."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await company.admin.get("/__sandbox/webhooks", params={"account": company.name})).json()["pending"]:  # noqa: ASYNC110  the sandbox has no event to wait for
            await asyncio.sleep(0)  # the next request waits for the sandbox anyway
    assert mailbox.letters
    return mailbox.letters


def read(company: Company, letter: Letter) -> list[Raw]:
    """Verify a webhook and return its records."""
    reader = VENDORS[company.vendor].webhook
    assert reader is not None
    secret = company.credentials["webhook_secret"]
    assert reader.verify(letter.headers, letter.body, [secret], SystemClock().now())
    return [raw for raws in reader.parse(letter.headers, letter.body).values() for raw in raws]


async def test_a_backfill_while_edits_run_overwrites_nothing(company: Company, driver: SourceDriver, size: int) -> None:
    """Between any two pages objects change and vanish; in the end every object is as the vendor has it."""
    await driver.create(size)
    dice, inbox = random.Random(size), Inbox(driver)  # noqa: S311  reproducible, not secret
    keys, cursor = living(await driver.truth()), None
    async with reading(company.source, None) as pages:
        async for batch in pages:
            # What is in hand is out of date before it arrives.
            for _ in range(EDITS_PER_PAGE):
                await driver.edit(dice.choice(keys))
            await driver.delete(keys.pop(dice.randrange(len(keys))))
            await inbox.take(batch.records, company.connector.fetcher)
            cursor = batch.cursor
            if inbox.arrived >= size or batch.caught_up:
                break
    await pages_until(company, cursor, inbox, await driver.truth())


async def test_a_named_gap_is_repaired(company: Company, driver: SourceDriver, gap: str) -> None:
    """What the usual way must miss is found and read again, without anybody's help."""
    await driver.create(20)
    inbox = Inbox(driver)
    batches = await pages_until(company, None, inbox, await driver.truth())
    first, second, *_ = living(await driver.truth())
    await driver.edit(first)
    await driver.gaps[gap](driver)
    await driver.delete(second)
    await pages_until(company, batches[-1].cursor, inbox, await driver.truth())
