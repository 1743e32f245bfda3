from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connectors.clock import ManualClock
from connectors.errors import FatalError, InDoubtError, RejectedError, RetryableError
from connectors.http import Http
from connectors.ports import Account, Batch, Call, RemoteRef
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.fetch import SalesforceFetcher
from connectors.salesforce.objects import fields_of
from connectors.salesforce.sink import SalesforceSink
from connectors.salesforce.source import SalesforceSource
from connectors.wire import loads
from tests.unit.measured import measured

STAMP = "2025-12-31T23:59:00.000+0000"


class Org:
    """Answers with what a test puts in, and keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer the next request."""
        self.requests.append(request)
        return self.answers.pop(0)

    def answer(self, body: Any, status: int = 200, **headers: str) -> None:
        """Put an answer in."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(httpx.Response(status, json=body, headers=given))


class OneToken:
    """Hands out the same token again and again, and counts refusals."""

    refusals = 0

    async def token(self) -> str:
        """Return it."""
        return f"token-{self.refusals}"

    async def refresh(self, refused: str) -> str:
        """Count."""
        self.refusals += 1
        return f"not-{refused}"


@pytest.fixture
def org() -> Org:
    """An org without answers."""
    return Org()


@pytest.fixture
def client(org: Org, network: Callable[..., Http], account: Account, clock: ManualClock) -> SalesforceClient:
    """A client of that org."""
    return SalesforceClient(network(org).authorised(OneToken()), account, "67.0", clock)


def row(number: int, **fields: Any) -> dict[str, Any]:
    """Make a record of a query."""
    return {"Id": f"00100000000000{number}AAA", "SystemModstamp": STAMP, "IsDeleted": False, **fields}


def page(*records: dict[str, Any], more: str | None = None) -> dict[str, Any]:
    """Make a page of a query."""
    return {"done": more is None, "records": list(records), **({"nextRecordsUrl": more} if more else {})}


async def batches(source: SalesforceSource, cursor: str | None) -> list[Batch]:
    """Read to the end."""
    return [batch async for batch in source.read(cursor)]


MORE = "/services/data/v67.0/query/01g-2000"


async def test_pages_are_read_in_one_session(client: SalesforceClient, org: Org) -> None:
    """The second page carries the first one's token; a 401 there begins the window anew instead of refreshing."""
    org.answer(page(row(1), more=MORE))
    org.answer([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)
    with pytest.raises(RetryableError, match="between two pages"):
        await client.rows("SELECT Id FROM Account")
    assert [request.headers["authorization"] for request in org.requests] == ["Bearer token-0"] * 2
    assert org.requests[1].url.path == MORE


async def test_sub_queries_are_read_to_their_end(client: SalesforceClient, org: Org) -> None:
    """A record with more lines than fit is completed."""
    org.answer(page(row(1, Lines={"records": [{"Id": "1"}], "nextRecordsUrl": MORE})))
    org.answer({"records": [{"Id": "2"}], "nextRecordsUrl": f"{MORE}-b"})
    org.answer({"records": [{"Id": "3"}]})
    [record] = await client.rows("SELECT Id FROM Opportunity")
    assert record["Lines"] == {"records": [{"Id": "1"}, {"Id": "2"}, {"Id": "3"}]}


async def test_requests_name_us_and_usage_is_kept(client: SalesforceClient, org: Org) -> None:
    """Our writes can be told apart in change events; the org's own count of calls is a gauge."""
    org.answer(page(), sforce_limit_info="api-usage=18/5000; per-app-api-usage=17/250(appName=x)")
    await client.rows("SELECT Id FROM Account")
    assert org.requests[0].headers["sforce-call-options"] == "client=sluiceway"
    assert org.requests[0].headers["sforce-query-options"] == "batchSize=2000"
    assert measured("sluiceway_vendor_daily_calls_remaining", vendor="salesforce") == 5000 - 18


async def test_polling_reads_windows_and_resumes(
    client: SalesforceClient, org: Org, account: Account, clock: ManualClock
) -> None:
    """Records, deletions and cursor come page by page; the next window begins an overlap back, repeats nothing."""
    source = SalesforceSource(client, replace(account, settings={"objects": "Account"}), clock)
    org.answer(page(row(1, Name="A"), more=MORE))
    org.answer(page(row(2, IsDeleted=True)))
    first, second = await batches(source, None)
    assert "SystemModstamp < 2026-01-01T00:00:01Z ORDER BY SystemModstamp, Id" in org.requests[0].url.params["q"]
    assert org.requests[0].url.path.endswith("/queryAll/")
    assert [(raw.remote_id, raw.deleted) for raw in (*first.records, *second.records)] == [
        ("001000000000001AAA", False),
        ("001000000000002AAA", True),
    ]
    assert loads(first.records[0].body)["Name"] == "A"
    assert second.records[0].body == b"{}"
    assert first.records[0].version == "2025-12-31T23:59:00.000000Z"
    org.answer(page(row(1, Name="A"), row(2, IsDeleted=True)))
    clock.advance(10)
    assert await batches(source, second.cursor) == []
    assert "SystemModstamp >= 2025-12-31T23:55:00Z AND" in org.requests[2].url.params["q"]
    org.answer(page(row(2, IsDeleted=True)))
    [again] = await batches(source, first.cursor)
    assert [raw.remote_id for raw in again.records] == ["001000000000002AAA"]


async def test_an_idle_org_costs_one_commit(
    client: SalesforceClient, org: Org, account: Account, clock: ManualClock
) -> None:
    """The first look at an empty object is stored; later ones without news are not."""
    source = SalesforceSource(client, replace(account, settings={"objects": "Lead"}), clock)
    org.answer(page())
    [empty] = await batches(source, None)
    assert empty.records == []
    for _ in range(3):
        clock.advance(60)
        org.answer(page())
        assert await batches(source, empty.cursor) == []


async def test_the_first_start_may_be_bounded(
    client: SalesforceClient, org: Org, account: Account, clock: ManualClock
) -> None:
    """With `start_at` nothing older is read; a wrong instant names the setting."""
    settings = {"objects": "Lead", "start_at": "2025-06-01T00:00:00Z", "fields.Lead": "Score__c, Email"}
    org.answer(page())
    await batches(SalesforceSource(client, replace(account, settings=settings), clock), None)
    statement = org.requests[0].url.params["q"]
    assert "SystemModstamp >= 2025-06-01T00:00:00Z" in statement
    assert ", Score__c, MasterRecordId FROM Lead" in statement
    assert statement.count(" Email,") == 1
    with pytest.raises(FatalError, match="tenant acme, quickbooks: setting start_at"):
        SalesforceSource(client, replace(account, settings={"start_at": "June"}), clock)


async def test_a_snapshot_is_one_statement(
    client: SalesforceClient, org: Org, account: Account, clock: ManualClock
) -> None:
    """Account, lines and roles come with the opportunity, in the newest one's version; a missing one is in the bin."""
    line = {"Id": "00k", "SystemModstamp": "2026-01-01T00:00:00.000+0000", "Product2": {"Id": "01t"}}
    role = {"Id": "00K", "SystemModstamp": STAMP, "Contact": {"Id": "003"}}
    record = row(
        1,
        Name="Deal",
        Account={"Name": "Acme"},
        OpportunityLineItems={"records": [line]},
        OpportunityContactRoles=None,
    )
    org.answer(page(record, row(2, Account=None, OpportunityContactRoles={"records": [role]})))
    org.answer(page({"Id": "001000000000003AAA", "SystemModstamp": STAMP}))
    ids = [f"00100000000000{number}AAA" for number in (1, 2, 3, 4)]
    raws = await SalesforceFetcher(client, account, clock).fetch("OpportunitySnapshot", ids)
    assert len(org.requests) == 2
    assert [raw.remote_id for raw in raws] == ids
    assert [raw.deleted for raw in raws] == [False, False, True, True]
    assert {raw.object for raw in raws} == {"OpportunitySnapshot"}
    assert raws[0].version == "2026-01-01T00:00:00.000000Z"
    assert raws[1].version == raws[2].version == "2025-12-31T23:59:00.000000Z"
    first = loads(raws[0].body)
    assert first["Opportunity"]["Name"] == "Deal"
    assert "OpportunityLineItems" not in first["Opportunity"]
    assert (first["Account"], first["Lines"], first["ContactRoles"]) == ({"Name": "Acme"}, [line], [])
    second = loads(raws[1].body)
    assert (second["Account"], second["Lines"], second["ContactRoles"]) == (None, [], [role])


async def test_many_ids_stay_below_the_longest_address(
    client: SalesforceClient, org: Org, account: Account, clock: ManualClock
) -> None:
    """Salesforce refuses more than 16,384 bytes of address and headers."""
    ids = [f"006{number:012}AAA" for number in range(450)]
    for _ in range(6):
        org.answer(page())
    assert len(await SalesforceFetcher(client, account, clock).fetch("OpportunitySnapshot", ids)) == 450
    assert max(len(str(request.url)) for request in org.requests) < 12_000


def test_fields_come_once(account: Account) -> None:
    """An account's own fields are added to the standard ones."""
    fields = fields_of(replace(account, settings={"fields.Account": "Name,Tier__c"}), "Account")
    assert fields.count("Name") == 1
    assert fields[-1] == "Tier__c"


async def test_updates_are_one_call_and_rows_stand_for_themselves(
    client: SalesforceClient, org: Org, make_call: Callable[..., Call], clock: ManualClock
) -> None:
    """Each row has its own outcome, in order; what is no update is not sent."""
    calls = [
        make_call("Opportunity", {"Status__c": "Paid"}, remote=RemoteRef("006A")),
        make_call("Invoice", {}, remote=RemoteRef("1")),
        make_call("Account", {"X": 1}, remote=RemoteRef("001A")),
        make_call("Account", {"X": 2}),
        make_call("Lead", {"X": 3}, remote=RemoteRef("00QA"), operation="delete"),
    ]
    org.answer(
        [
            {"id": "006A", "success": True, "errors": []},
            {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "m", "fields": []}]},
        ]
    )
    outcomes = await SalesforceSink(client, clock).write(calls)
    assert [type(outcome.error) for outcome in outcomes] == [
        *(type(None), RejectedError, RetryableError, RejectedError, RejectedError)
    ]
    assert outcomes[0].remote == RemoteRef("006A")
    sent = loads(org.requests[0].content)
    assert sent["allOrNone"] is False
    assert sent["records"] == [
        {"Status__c": "Paid", "attributes": {"type": "Opportunity"}, "id": "006A"},
        {"X": 1, "attributes": {"type": "Account"}, "id": "001A"},
    ]


async def test_one_record_twice_is_two_calls_in_order(
    client: SalesforceClient, org: Org, make_call: Callable[..., Call], clock: ManualClock
) -> None:
    """A collection must not name a record twice; the later change is sent later."""
    calls = [make_call("Account", {"X": number}, remote=RemoteRef("001A")) for number in (1, 2)]
    for _ in calls:
        org.answer([{"id": "001A", "success": True, "errors": []}])
    outcomes = await SalesforceSink(client, clock).write(calls)
    assert [loads(request.content)["records"][0]["X"] for request in org.requests] == [1, 2]
    assert all(outcome.error is None for outcome in outcomes)


@pytest.mark.parametrize("answer", [httpx.Response(200, text="[{"), httpx.Response(200, json=[])])
async def test_an_unreadable_answer_leaves_every_row_in_doubt(
    answer: httpx.Response,
    client: SalesforceClient,
    org: Org,
    make_call: Callable[..., Call],
    clock: ManualClock,
) -> None:
    """The rows may have been written."""
    org.answers.append(answer)
    calls = [make_call("Account", {"X": 1}, remote=RemoteRef(f"001{letter}")) for letter in "AB"]
    outcomes = await SalesforceSink(client, clock).write(calls)
    assert [type(outcome.error) for outcome in outcomes] == [InDoubtError, InDoubtError]


async def test_find_reads_by_id(
    client: SalesforceClient, org: Org, make_call: Callable[..., Call], clock: ManualClock
) -> None:
    """A known record comes back with what was written; a gone one, or one without an id, is None."""
    sink = SalesforceSink(client, clock)
    call = make_call("Account", {"X": 1}, remote=RemoteRef("001A"))
    org.answer({"Id": "001A", "SystemModstamp": STAMP, "X": 1})
    found = await sink.find(call)
    assert found is not None
    assert (found.remote, found.version) == (RemoteRef("001A"), "2025-12-31T23:59:00.000000Z")
    org.answer([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], 404)
    assert await sink.find(call) is None
    assert await sink.find(make_call("Account", {"X": 1})) is None
