"""What the Salesforce source makes of change events, and what it costs, on the sandbox."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from connectors.errors import FatalError
from connectors.pacing import paced
from connectors.ports import Call, Raw, RemoteRef
from connectors.salesforce.cursor import decode
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company, Connect
from tests.contract.connectors.kit.salesforce_user import User

MakeCall = Callable[..., Call]
Done = Callable[[Sequence[Raw]], bool]
PATIENCE_SECONDS = 30.0


@dataclass
class Follower:
    """Reads a company's stream, always from where it stopped."""

    company: Company
    cursor: str | None = None
    records: list[Raw] = field(default_factory=list)

    async def until(self, done: Done) -> list[Raw]:
        """Read until the new records are what a test waits for, and return them."""
        new: list[Raw] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            pages = cast("Any", self.company.source.read(self.cursor))
            async with aclosing(pages):
                async for batch in pages:
                    new += batch.records
                    self.cursor = batch.cursor
                    if done(new) and batch.caught_up:
                        break
        self.records += new
        return new

    async def until_a_job_page(self) -> None:
        """Read until a page of a bulk job came that is not the last."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            pages = cast("Any", self.company.source.read(self.cursor))
            async with aclosing(pages):
                async for batch in pages:
                    self.records += batch.records
                    self.cursor = batch.cursor
                    if any(job.locator for job in decode(batch.cursor, "connection").jobs.values()):
                        return

    async def caught_up(self) -> list[Raw]:
        """Read what there is."""
        return await self.until(lambda _: True)

    async def hear_of(self, *ids: str) -> dict[str, Raw]:
        """Read until each of these records came; return the last of each."""
        found = await self.until(lambda new: set(ids) <= {raw.remote_id for raw in new})
        return {raw.remote_id: raw for raw in found}


Connected = Callable[..., Any]


@pytest.fixture
async def follow(connect: Connect) -> AsyncIterator[Connected]:
    """Connect a company; return a follower of its stream that has read what there is, and a user."""
    users: list[User] = []

    async def make(*, sandbox: Mapping[str, Any] | None = None, **settings: str) -> tuple[Follower, User]:
        company = await connect("salesforce", **{"overlap_seconds": "1", **settings})
        await company.put("settings", {"settings": {"keepalive_milliseconds": 200, **(sandbox or {})}})
        users.append(User(company))
        follower = Follower(company)
        await follower.caught_up()
        return follower, users[-1]

    yield make
    for user in users:
        await user.aclose()


async def calls(company: Company) -> Mapping[str, int]:
    """Return the calls that the org has counted so far, by operation."""
    meter = (await company.admin.get("/__sandbox/meter", params={"account": company.name})).json()
    return dict(meter["calls"])


async def reads(company: Company) -> int:
    """Return how many queries the org has answered."""
    return sum(count for name, count in (await calls(company)).items() if "query" in name and "jobs" not in name)


async def test_an_event_is_one_query(follow: Connected) -> None:
    """Nothing is polled: what changed is read once, by its id, and the transaction's many records together."""
    follower, user = await follow()
    ids = await user.create_many("Contact", [{"LastName": f"P{n}"} for n in range(150)])
    await follower.hear_of(*ids)
    before = await reads(follower.company)
    await user.update_many("Contact", [{"id": record_id, "Title": "Dr"} for record_id in ids])
    found = await follower.hear_of(*ids)
    assert {loads(raw.body)["Title"] for raw in found.values()} == {"Dr"}
    assert not any(raw.ours for raw in found.values())
    parts = 2
    assert await reads(follower.company) - before <= 1 + parts


async def test_a_conversion_travels_as_facts(follow: Connected) -> None:
    """Account, contact and opportunity come before the lead that names them."""
    follower, user = await follow()
    lead = await user.create("Lead", LastName="Ito", Company="Ito KK")
    await follower.hear_of(lead)
    made = await user.convert(lead)
    heard = await follower.until(lambda new: any(_is_converted(raw) for raw in new))
    new = [raw for raw in heard if not raw.hint]
    assert [raw.object for raw in new] == ["Account", "Contact", "Opportunity", "Lead"]
    body = loads(new[-1].body)
    for kind in ("Account", "Contact", "Opportunity"):
        assert body[f"Converted{kind}Id"] == made[f"{kind.lower()}Id"]


def _is_converted(raw: Raw) -> bool:
    return raw.object == "Lead" and not raw.deleted and loads(raw.body)["IsConverted"] is True


async def test_a_merge_tells_into_what(follow: Connected) -> None:
    """The loser is gone and says where to; the winner comes with what it took over."""
    follower, user = await follow()
    master, loser = [await user.create("Account", Name=name) for name in ("Acme", "ACME")]
    await follower.hear_of(master, loser)
    contact = await user.create("Contact", LastName="Ito", AccountId=loser)
    await follower.hear_of(contact)
    await user.merge("Account", master, loser)
    found = await follower.hear_of(contact, loser)
    assert (found[loser].deleted, found[loser].merged_into) == (True, master)
    assert loads(found[contact].body)["AccountId"] == master


async def test_what_was_deleted_may_be_back(follow: Connected) -> None:
    """A deletion, and the return from the bin, which says that it is one."""
    follower, user = await follow()
    account = await user.create("Account", Name="Acme")
    await follower.hear_of(account)
    await user.delete("Account", account)
    gone = (await follower.hear_of(account))[account]
    assert (gone.deleted, gone.merged_into, gone.body) == (True, "", b"{}")
    await user.undelete(account)
    back = (await follower.hear_of(account))[account]
    assert (back.deleted, back.undeleted, loads(back.body)["Name"]) == (False, True, "Acme")
    assert back.version >= gone.version


@pytest.mark.parametrize("missed", [False, True], ids=["heard", "missed"])
async def test_what_left_the_bin_as_well_is_known_to_be_gone(follow: Connected, *, missed: bool) -> None:
    """No query finds it any more: the event tells, or after a gap the service's list of deletions."""
    follower, user = await follow()
    account = await user.create("Account", Name="Acme")
    before = (await follower.hear_of(account))[account]
    await user.delete("Account", account)
    await user.purge(account)
    if missed:
        await follower.company.fault("expire_replay_ids")
    gone = (await follower.hear_of(account))[account]
    assert gone.deleted
    assert gone.version >= before.version


async def test_our_own_changes_are_told_apart(follow: Connected, make_call: MakeCall) -> None:
    """A write of ours to fields that are not read costs nothing; one to others comes, marked as ours."""
    follower, user = await follow()
    account = await user.create("Account", Name="Acme")
    await follower.hear_of(account)
    before = await reads(follower.company)
    sink = follower.company.sink
    unread = make_call("Account", {"Sluiceway_Lifetime_Value__c": 5}, remote=RemoteRef(account))
    assert [outcome.error for outcome in await sink.write([unread])] == [None]
    other = await user.create("Account", Name="Other")
    assert set(await follower.hear_of(other)) == {other}
    parts = 2
    assert await reads(follower.company) - before <= 1 + parts
    assert [
        outcome.error for outcome in await sink.write([make_call("Account", {"Phone": "1"}, remote=RemoteRef(account))])
    ] == [None]
    assert (await follower.hear_of(account))[account].ours
    await user.update("Account", account, Phone="2")
    assert not (await follower.hear_of(account))[account].ours


async def test_a_line_that_changes_alone_is_a_hint(follow: Connected) -> None:
    """Line items have no events: they are looked at, and what is to be fetched is their opportunity."""
    follower, user = await follow(poll_seconds="1")
    book = await user.only("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    entry = await user.only("SELECT Id FROM PricebookEntry")
    deal = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-01-31", "Pricebook2Id": book}
    opportunity = await user.create("Opportunity", **deal)
    line = await user.create(
        "OpportunityLineItem", OpportunityId=opportunity, PricebookEntryId=entry, Quantity=1, UnitPrice=5
    )
    await follower.until(lambda new: any(raw.hint for raw in new))
    await user.update("OpportunityLineItem", line, Description="By sea")
    [hint] = [raw for raw in await follower.until(lambda new: any(raw.hint for raw in new)) if raw.hint]
    assert (hint.object, hint.remote_id, hint.body) == ("Opportunity", opportunity, b"{}")
    [snapshot] = await follower.company.fetcher.fetch("OpportunitySnapshot", [opportunity])
    assert snapshot.version >= hint.version
    assert loads(snapshot.body)["Lines"][0]["Description"] == "By sea"


@pytest.mark.parametrize(
    ("sandbox", "settings"),
    [
        ({"hidden_entities": ["Contact"]}, {"poll_seconds": "1"}),
        ({"selected_entities": ["Account"]}, {"sweep_seconds": "1"}),
    ],
    ids=["no right to subscribe", "not selected"],
)
async def test_an_object_without_events_is_looked_at(
    follow: Connected, sandbox: Mapping[str, Any], settings: Mapping[str, str]
) -> None:
    """Whom the channel leaves out without a word is polled, or found by the sweep."""
    follower, user = await follow(sandbox=sandbox, **settings)
    contact = await user.create("Contact", LastName="Ito")
    await follower.hear_of(contact)
    await user.update("Contact", contact, LastName="Sato")
    assert loads((await follower.hear_of(contact))[contact].body)["LastName"] == "Sato"
    await user.delete("Contact", contact)
    assert (await follower.hear_of(contact))[contact].deleted


@pytest.fixture
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 300 records be a large object whose results have several pages."""
    monkeypatch.setattr("connectors.salesforce.history.BULK_FROM", 200)
    monkeypatch.setattr("connectors.salesforce.bulk.PAGE", 100)
    monkeypatch.setattr("connectors.salesforce.history.LOST_SECONDS", 0.1)


@pytest.fixture
async def large(connect: Connect, small_jobs: None) -> AsyncIterator[tuple[Follower, User]]:
    """An org with 300 contacts, none of them read yet, which a backfill reads by bulk."""
    del small_jobs
    company = await connect("salesforce", objects="Contact", overlap_seconds="0")
    await company.put("settings", {"settings": {"keepalive_milliseconds": 200}})
    user = User(company)
    await user.create_many("Contact", [{"LastName": f"P{n}", "Email": f"p{n}@x.example"} for n in range(300)])
    await user.until_past("Contact", 300)
    yield Follower(company), user
    await user.aclose()


async def test_a_backfill_by_bulk_survives_its_reader(large: tuple[Follower, User]) -> None:
    """The next reader goes on with the same job at the page after the last; records look as REST gives them."""
    follower, _ = large
    await follower.until_a_job_page()
    await follower.caught_up()
    assert len({raw.remote_id for raw in follower.records}) == 300
    counted = await calls(follower.company)
    assert counted["POST jobs/query"] == 1
    assert counted["GET jobs/query/*/results"] <= 3
    raw = follower.records[0]
    [fetched] = await follower.company.fetcher.fetch("Contact", [raw.remote_id])
    read, reread = (loads(each.body) for each in (raw, fetched))
    assert {name: read[name] for name in reread if name != "attributes"} == {
        name: value for name, value in reread.items() if name != "attributes"
    }
    assert raw.version == fetched.version


async def test_a_job_that_is_lost_begins_anew(large: tuple[Follower, User]) -> None:
    """Results are kept for seven days: what was not read by then is asked for again, from the beginning."""
    follower, user = large
    await follower.until_a_job_page()
    assert await user.drop_jobs() == 1
    await follower.caught_up()
    assert len({raw.remote_id for raw in follower.records}) == 300
    assert (await calls(follower.company))["POST jobs/query"] == 2


async def test_events_pass_a_backfill_without_room(large: tuple[Follower, User]) -> None:
    """While those behind it have no room the backfill stands still, and what changes comes nevertheless."""
    follower, user = large
    await follower.until_a_job_page()
    held = len(follower.records)

    async def grant() -> None: ...

    with paced(grant, room=lambda: False):
        pages = cast("Any", follower.company.source.read(follower.cursor))
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(pages):
            made = await user.create("Contact", LastName="New")
            async for batch in pages:
                follower.cursor = batch.cursor
                follower.records += batch.records
                if made in {raw.remote_id for raw in batch.records}:
                    break
    assert len({raw.remote_id for raw in follower.records}) <= held + 1
    await follower.caught_up()
    assert len({raw.remote_id for raw in follower.records}) == 301


async def test_a_topic_that_is_not_there_stops_the_connection(connect: Connect) -> None:
    """The message tells what to change."""
    company = await connect("salesforce", channel="Nonsense__chn")
    with pytest.raises(FatalError, match="changes to poll"):
        await Follower(company).caught_up()
    with pytest.raises(FatalError, match="setting pubsub_address"):
        await connect("salesforce", pubsub_address="evil.example:7443")
