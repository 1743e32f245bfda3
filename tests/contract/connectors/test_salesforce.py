"""The Salesforce source, fetcher and sink on the sandbox."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest

from connectors.errors import InDoubtError, RejectedError, RetryableError
from connectors.ports import Batch, Call, Raw, RemoteRef
from connectors.salesforce import client
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company, Connect
from tests.contract.connectors.kit.salesforce_user import DATA, User

MakeCall = Callable[..., Call]


@pytest.fixture
async def company(connect: Connect) -> Company:
    """A new org, whose source polls."""
    return await connect("salesforce", changes="poll")


@pytest.fixture
async def user(company: Company) -> AsyncIterator[User]:
    """Its user."""
    made = User(company)
    yield made
    await made.aclose()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few hundred records make several pages; Salesforce allows no fewer than 200 in one."""
    monkeypatch.setattr(client, "PAGE", 200)


async def read(company: Company, cursor: str | None) -> list[Batch]:
    """Read to the end."""
    return [batch async for batch in company.source.read(cursor)]


def raws(batches: list[Batch]) -> list[Raw]:
    """Return all records."""
    return [raw for batch in batches for raw in batch.records]


def ids(batches: list[Batch], object_type: str) -> list[str]:
    """Return the ids of one object."""
    return [raw.remote_id for raw in raws(batches) if raw.object == object_type]


@pytest.mark.usefixtures("small_pages")
async def test_everything_is_read_and_every_cursor_resumes(company: Company, user: User) -> None:
    """From any stored cursor the rest follows: nothing is missed, and nothing comes after the end."""
    await user.create_many("Contact", [{"LastName": f"Person {number}"} for number in range(450)])
    await user.create_many("Account", [{"Name": f"Company {number}"} for number in range(5)])
    batches = await read(company, None)
    every = {(raw.object, raw.remote_id) for raw in raws(batches)}
    assert len(ids(batches, "Contact")) == len(set(ids(batches, "Contact"))) == 450
    assert len(ids(batches, "Account")) == 5
    assert len(batches) > 2
    for number, batch in enumerate(batches):
        before = {(raw.object, raw.remote_id) for raw in raws(batches[: number + 1])}
        after = {(raw.object, raw.remote_id) for raw in raws(await read(company, batch.cursor))}
        assert before | after == every
    assert await read(company, batches[-1].cursor) == []


async def test_changes_and_deletions_come_once(company: Company, user: User) -> None:
    """A change, a change back within the second, and a deletion are read; what was read does not repeat."""
    changed, deleted = [await user.create("Account", Name=name) for name in ("Acme", "Gone")]
    first = await read(company, None)
    await user.update("Account", changed, Name="Acme Ltd")
    second = await read(company, first[-1].cursor)
    assert ids(second, "Account") == [changed]
    assert loads(raws(second)[0].body)["Name"] == "Acme Ltd"
    await user.delete("Account", deleted)
    third = await read(company, second[-1].cursor)
    assert [(raw.remote_id, raw.deleted, raw.body) for raw in raws(third)] == [(deleted, True, b"{}")]
    assert raws(third)[0].version >= raws(first)[0].version
    assert await read(company, third[-1].cursor) == []


async def test_only_the_chosen_objects_and_fields_are_read(connect: Connect) -> None:
    """Settings name objects and further fields; a field the org lacks is refused by name."""
    company = await connect("salesforce", changes="poll", objects="Account", **{"fields.Account": "Customer_Tier__c"})
    headers = {"Authorization": f"Bearer {company.credentials['access_token']}"}
    account = {"Name": "Acme", "Customer_Tier__c": "Gold"}
    assert (await company.admin.post(f"{DATA}/sobjects/Account", json=account, headers=headers)).is_success
    assert loads(raws(await read(company, None))[0].body)["Customer_Tier__c"] == "Gold"
    wrong = await connect("salesforce", changes="poll", **{"fields.Account": "Nonsense__c"})
    with pytest.raises(RejectedError, match=r"INVALID_FIELD.*Nonsense__c"):
        await read(wrong, None)


@pytest.mark.usefixtures("small_pages")
async def test_a_session_that_ends_between_pages_is_read_again(company: Company, user: User) -> None:
    """The locator dies with its session: the page is an error, the next read is whole."""
    await user.create_many("Account", [{"Name": f"Company {number}"} for number in range(250)])
    await company.fault("expire_tokens", path="/query/01g")
    with pytest.raises(RetryableError, match="between two pages"):
        await read(company, None)
    assert len(set(ids(await read(company, None), "Account"))) == 250


async def won(user: User) -> tuple[str, str, str]:
    """Make an account, a contact and an opportunity of two lines with that contact."""
    account = await user.create("Account", Name="Acme", BillingCity="Berlin")
    contact = await user.create("Contact", LastName="Lovelace", Email="ada@example.com", AccountId=account)
    book = await user.only("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    deal = {"Name": "Deal", "StageName": "Closed Won", "CloseDate": "2026-01-31", "AccountId": account}
    opportunity = await user.create("Opportunity", **deal, Pricebook2Id=book)
    for code, price in (("A", 10.5), ("B", 20)):
        product = await user.create("Product2", Name=f"Product {code}", ProductCode=code, IsActive=True)
        entry = {"Pricebook2Id": book, "Product2Id": product, "UnitPrice": price, "IsActive": True}
        entry_id = await user.create("PricebookEntry", **entry)
        line = {"OpportunityId": opportunity, "PricebookEntryId": entry_id, "Quantity": 2, "UnitPrice": price}
        await user.create("OpportunityLineItem", **line)
    role = {"OpportunityId": opportunity, "ContactId": contact, "Role": "Decision Maker", "IsPrimary": True}
    await user.create("OpportunityContactRole", **role)
    return account, contact, opportunity


async def test_a_won_opportunity_comes_as_one_snapshot(company: Company, user: User) -> None:
    """Account, lines with their products, and contacts with their roles; a bare one has empty parts."""
    account, contact, opportunity = await won(user)
    bare = await user.create("Opportunity", Name="Bare", StageName="Prospecting", CloseDate="2026-02-01")
    binned = await user.create("Opportunity", Name="Bin", StageName="Prospecting", CloseDate="2026-02-01")
    await user.delete("Opportunity", binned)
    wanted = [opportunity, bare, binned, "006000000000000AAA"]
    found = {raw.remote_id: raw for raw in await company.fetcher.fetch("OpportunitySnapshot", wanted)}
    assert {remote_id: raw.deleted for remote_id, raw in found.items()} == dict(
        zip(wanted, (False, False, True, True), strict=True)
    )
    snapshot = loads(found[opportunity].body)
    assert snapshot["Opportunity"]["IsWon"] is True
    assert Decimal(snapshot["Opportunity"]["Amount"]) == 61
    assert (snapshot["Account"]["Id"], snapshot["Account"]["BillingCity"]) == (account, "Berlin")
    lines = [(line["Product2"]["ProductCode"], Decimal(line["TotalPrice"])) for line in snapshot["Lines"]]
    assert sorted(lines) == [("A", Decimal(21)), ("B", Decimal(40))]
    assert all(line["PricebookEntry"]["Pricebook2Id"] for line in snapshot["Lines"])
    [role] = snapshot["ContactRoles"]
    assert (role["Role"], role["IsPrimary"]) == ("Decision Maker", True)
    assert (role["Contact"]["Id"], role["Contact"]["Email"]) == (contact, "ada@example.com")
    empty = loads(found[bare].body)
    assert (empty["Account"], empty["Lines"], empty["ContactRoles"]) == (None, [], [])
    [polled] = [raw for raw in raws(await read(company, None)) if raw.remote_id == opportunity]
    assert polled.version <= found[opportunity].version


async def test_plain_objects_are_fetched_by_id(company: Company, user: User) -> None:
    """Any polled object can be fetched; short ids are the same records."""
    account = await user.create("Account", Name="Acme")
    [found] = await company.fetcher.fetch("Account", [account[:15]])
    assert (found.remote_id, loads(found.body)["Name"]) == (account, "Acme")


async def test_fields_are_written_back_and_rows_stand_for_themselves(
    company: Company, user: User, make_call: MakeCall
) -> None:
    """One call updates what it can; a field that is not there and a record that has gone are rejected."""
    account, contact, opportunity = await won(user)
    status, value = {"Sluiceway_Invoice_Status__c": "Paid"}, {"Sluiceway_Lifetime_Value__c": Decimal("61.00")}
    calls = [
        make_call("Opportunity", status, remote=RemoteRef(opportunity)),
        make_call("Account", value, remote=RemoteRef(account)),
        make_call("Contact", {"Nonsense__c": 1}, remote=RemoteRef(contact)),
        make_call("Account", value, remote=RemoteRef("001000000000000AAA")),
    ]
    outcomes = await company.sink.write(calls)
    assert [type(outcome.error) for outcome in outcomes] == [type(None), type(None), RejectedError, RejectedError]
    found = await company.sink.find(calls[0])
    assert found is not None
    assert loads(found.body)["Sluiceway_Invoice_Status__c"] == "Paid"
    stored = {row["Id"]: row for row in await company.records("Account")}
    assert Decimal(str(stored[account]["Sluiceway_Lifetime_Value__c"])) == 61
    assert await company.sink.find(calls[3]) is None


async def test_an_unheard_update_may_be_repeated(company: Company, user: User, make_call: MakeCall) -> None:
    """In doubt, found as it was written, and the same after a repeat."""
    account = await user.create("Account", Name="Acme")
    call = make_call("Account", {"Customer_Tier__c": "Gold"}, remote=RemoteRef(account))
    await company.fault("commit_then_reset", path="composite")
    assert type((await company.write(call)).error) is InDoubtError
    found = await company.sink.find(call)
    assert found is not None
    assert loads(found.body)["Customer_Tier__c"] == "Gold"
    assert (await company.write(call)).error is None


async def test_tls_is_verified(connect: Connect, make_call: MakeCall) -> None:
    """Without the sandbox's authority the connection fails before anything is sent."""
    company = await connect("salesforce", ca_file="")
    outcome = await company.write(make_call("Account", {"Name": "X"}, remote=RemoteRef("001000000000000AAA")))
    assert isinstance(outcome.error, RetryableError)
    assert "ConnectError" in str(outcome.error)
