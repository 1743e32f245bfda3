from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connectors.clock import ManualClock
from connectors.errors import DuplicateError, InDoubtError, RejectedError, StaleError
from connectors.http import Http
from connectors.ports import Call, RemoteRef
from connectors.quickbooks.client import QuickBooksClient, quoted
from connectors.quickbooks.fetch import QuickBooksFetcher
from connectors.quickbooks.objects import is_marked, with_marker
from connectors.quickbooks.sink import QuickBooksSink
from connectors.wire import loads

STAMP = {"CreateTime": "2026-01-01T00:00:00-08:00", "LastUpdatedTime": "2026-01-01T00:00:00-08:00"}


class Company:
    """Answers with what a test puts in, and keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response] = []
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a query from the rows, anything else from the list."""
        self.requests.append(request)
        if request.url.path.endswith("/query"):
            statement = request.content.decode()
            entity = statement.split(" FROM ")[1].split()[0]
            rows = self.rows.get(entity, [])
            if " Sku = " in statement:
                rows = [row for row in rows if f"'{row.get('Sku')}'" in statement]
            return httpx.Response(200, json={"QueryResponse": {entity: rows}})
        return self.answers.pop(0)

    def stores(self, entity: str, **fields: Any) -> None:
        """Answer the next write or read with this object."""
        self.answers.append(
            httpx.Response(200, json={entity: {"Id": "12", "SyncToken": "4", "MetaData": STAMP, **fields}})
        )

    @property
    def body(self) -> Any:
        """What the last request said."""
        return loads(self.requests[-1].content)

    @property
    def params(self) -> dict[str, str]:
        """What the last address said."""
        return dict(self.requests[-1].url.params)

    @property
    def queries(self) -> list[str]:
        """The statements asked so far."""
        return [request.content.decode() for request in self.requests if request.url.path.endswith("/query")]


@pytest.fixture
def company() -> Company:
    """A company that has nothing yet."""
    return Company()


@pytest.fixture
def client(company: Company, network: Callable[..., Http], clock: ManualClock) -> QuickBooksClient:
    """A client of that company."""
    return QuickBooksClient(network(company), "https://vendor.test", "4620816365", clock)


@pytest.fixture
def sink(client: QuickBooksClient) -> QuickBooksSink:
    """The sink under test."""
    return QuickBooksSink(client)


MakeCall = Callable[..., Call]
LINES = [{"Amount": 10, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}]


async def test_a_create_carries_request_id_and_reference(
    sink: QuickBooksSink, company: Company, make_call: MakeCall
) -> None:
    """The note keeps its text, our reference is on a line of its own, server fields are left out."""
    company.stores("Invoice")
    body = {"Line": LINES, "PrivateNote": "Thanks", "SyncToken": "9", "Id": "9", "sparse": False}
    [outcome] = await sink.write([make_call("Invoice", body)])
    assert company.requests[0].url.path == "/v3/company/4620816365/invoice"
    assert company.params == {"requestid": "request-1", "minorversion": "75"}
    assert company.body == {"Line": LINES, "PrivateNote": "Thanks\nsluiceway:order/1/1"}
    assert outcome.remote == RemoteRef("12", "4")
    assert outcome.version == "2026-01-01T08:00:00.000000Z/0000000004"
    assert loads(outcome.body)["Id"] == "12"


@pytest.mark.parametrize(
    ("definition", "include"), [("1", None), ("3", None), ("57820000001", "enhancedAllCustomFields")]
)
async def test_custom_fields_of_the_newer_kind_are_asked_to_be_taken(
    sink: QuickBooksSink, company: Company, make_call: MakeCall, remote: RemoteRef, definition: str, include: str | None
) -> None:
    """Created or updated; the three of the sales forms need no word."""
    fields = [{"DefinitionId": definition, "Type": "StringType", "StringValue": "P-7"}]
    for known in (None, remote):
        company.stores("Invoice")
        await sink.write([make_call("Invoice", {"Line": LINES, "CustomField": fields}, remote=known)])
        assert company.params.get("include") == include
        assert company.body["CustomField"] == fields


async def test_an_update_is_sparse_with_every_line(
    sink: QuickBooksSink, company: Company, make_call: MakeCall, remote: RemoteRef
) -> None:
    """Unsent fields stay; a note that we do not set is left alone."""
    company.stores("Invoice")
    await sink.write([make_call("Invoice", {"Line": LINES}, remote=remote)])
    assert company.body == {"Line": LINES, "sparse": True, "Id": "12", "SyncToken": "3"}


async def test_an_item_that_is_there_keeps_type_and_account(
    sink: QuickBooksSink, company: Company, make_call: MakeCall, remote: RemoteRef
) -> None:
    """It may count stock, and its income may go to an account of the bookkeeper's choice."""
    company.stores("Item")
    body = {"Name": "Mug", "Type": "Service", "IncomeAccountRef": {"value": "2"}}
    await sink.write([make_call("Item", body, remote=remote)])
    assert company.body == {"Name": "Mug", "sparse": True, "Id": "12", "SyncToken": "3"}


async def test_an_update_repeats_its_request_id_until_the_token_moves(
    sink: QuickBooksSink, company: Company, make_call: MakeCall
) -> None:
    """A replayed 5010 would block for ever, a changed id for the same content would write twice."""
    ids = []
    for token in ("3", "3", "4"):
        company.stores("Customer")
        await sink.write([make_call("Customer", {"CompanyName": "A"}, remote=RemoteRef("12", token))])
        ids.append(company.params["requestid"])
    assert ids[0] == ids[1] != ids[2]
    assert all(len(request_id) <= 50 for request_id in ids)


@pytest.mark.parametrize(
    ("entity", "operation", "params", "body"),
    [
        ("Invoice", "void", {"operation": "void"}, {}),
        ("SalesReceipt", "void", {"operation": "update", "include": "void"}, {"sparse": True}),
        ("Payment", "void", {"operation": "update", "include": "void"}, {"sparse": True}),
        ("RefundReceipt", "delete", {"operation": "delete"}, {}),
        ("CreditMemo", "void", {"operation": "delete"}, {}),
        ("Invoice", "delete", {"operation": "delete"}, {}),
        ("SalesReceipt", "delete", {"operation": "delete"}, {}),
        ("Customer", "delete", {}, {"sparse": True, "Active": False}),
        ("Item", "delete", {}, {"sparse": True, "Active": False}),
    ],
)
async def test_void_and_delete_have_their_forms(
    entity: str,
    operation: str,
    params: dict[str, str],
    body: dict[str, Any],
    sink: QuickBooksSink,
    company: Company,
    make_call: MakeCall,
    remote: RemoteRef,
) -> None:
    """Transactions are voided or deleted, list entities made inactive; the body is minimal."""
    company.stores(entity)
    await sink.write([make_call(entity, {"Line": LINES}, operation=operation, remote=remote)])
    assert company.body == {**body, "Id": "12", "SyncToken": "3"}
    assert {name: value for name, value in company.params.items() if name in {"operation", "include"}} == params


async def test_a_delete_answer_without_token_is_an_outcome(
    sink: QuickBooksSink, company: Company, make_call: MakeCall, remote: RemoteRef
) -> None:
    """The stub QuickBooks sends keeps the id we know."""
    company.answers.append(httpx.Response(200, json={"Invoice": {"status": "Deleted", "Id": "12"}}))
    [outcome] = await sink.write([make_call("Invoice", {}, operation="delete", remote=remote)])
    assert (outcome.remote, outcome.version, outcome.error) == (RemoteRef("12", "3"), "", None)


@pytest.mark.parametrize(
    ("entity", "changes", "expected"),
    [
        ("Bill", {}, RejectedError),
        ("Invoice", {"operation": "void"}, RejectedError),
        ("Customer", {"operation": "void", "remote": RemoteRef("1", "0")}, RejectedError),
        ("Invoice", {"operation": "send", "remote": RemoteRef("1", "0")}, RejectedError),
        ("Invoice", {"remote": RemoteRef("1")}, StaleError),
    ],
)
async def test_what_cannot_be_done_is_not_sent(
    entity: str, changes: dict[str, Any], expected: type, sink: QuickBooksSink, company: Company, make_call: MakeCall
) -> None:
    """Unknown objects and operations are refused, a missing sync token asks for a read."""
    [outcome] = await sink.write([make_call(entity, {}, **changes)])
    assert type(outcome.error) is expected
    assert not company.requests


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(200, json={"Fault": {"Error": [{"code": "5010"}]}}), StaleError),
        (httpx.Response(200, text='{"Invoice": {"Id"'), InDoubtError),
        (httpx.Response(200, json={}), InDoubtError),
        (httpx.Response(200, text="<html>"), InDoubtError),
    ],
)
async def test_a_200_is_not_yet_success(
    answer: httpx.Response, expected: type, sink: QuickBooksSink, company: Company, make_call: MakeCall
) -> None:
    """A fault in a 200 is a fault; a 200 that cannot be read leaves the write in doubt."""
    company.answers.append(answer)
    [outcome] = await sink.write([make_call("Invoice", {})])
    assert type(outcome.error) is expected


def test_the_reference_fits_and_is_found_again() -> None:
    """A long text is cut, a void's prefix does no harm, another key is not taken for ours."""
    made = with_marker("Invoice", {"PrivateNote": "x" * 5000}, "order/1/1")
    assert len(made["PrivateNote"]) == 4000
    assert is_marked(made["PrivateNote"], "order/1/1")
    assert is_marked("Voided sluiceway:order/1/1", "order/1/1")
    assert not is_marked("sluiceway:order/1/10", "order/1/1")
    assert with_marker("Invoice", made, "order/1/1") == made
    assert with_marker("Item", {"Name": "A"}, "item/1") == {"Name": "A"}


async def test_a_customer_is_adopted_only_when_it_is_ours(
    sink: QuickBooksSink, company: Company, make_call: MakeCall
) -> None:
    """Reference, e-mail or company name must match; else the clash is named, without the name."""
    wanted = {"DisplayName": "Ada O'Neil", "PrimaryEmailAddr": {"Address": "Ada@Example.com"}, "CompanyName": "Acme"}
    row = {"Id": "12", "SyncToken": "0", "MetaData": STAMP, "DisplayName": "Ada O'Neil"}
    for same in (
        {"Notes": "Met in May\nsluiceway:order/1/1"},
        {"PrimaryEmailAddr": {"Address": "ada@example.com"}},
        {"CompanyName": " ACME "},
    ):
        company.rows = {"Customer": [{**row, **same}]}
        found = await sink.find(make_call("Customer", wanted))
        assert found is not None
        assert found.remote == RemoteRef("12", "0")
    for other in ({}, {"PrimaryEmailAddr": {"Address": "bob@example.com"}}, {"Notes": "sluiceway:order/1/11"}):
        company.rows = {"Customer": [{**row, **other}]}
        found = await sink.find(make_call("Customer", wanted))
        assert found is not None
        assert isinstance(found.error, DuplicateError)
        assert "Customer 12" in str(found.error)
        assert "Ada" not in str(found.error)
    found = await sink.find(make_call("Customer", wanted, former_ids=["12"]))
    assert found is not None
    assert found.remote == RemoteRef("12", "0"), "what stands in the way of a create is told"
    assert "DisplayName = 'Ada O\\'Neil' AND Active IN (true, false)" in company.queries[0]


@pytest.mark.parametrize("entity", ["Vendor", "Employee"])
async def test_a_name_taken_by_another_kind_is_a_duplicate(
    entity: str, sink: QuickBooksSink, company: Company, make_call: MakeCall
) -> None:
    """Names are unique over customers, vendors and employees."""
    company.rows = {entity: [{"Id": "7", "DisplayName": "Ada"}]}
    found = await sink.find(make_call("Customer", {"GivenName": "Ada"}))
    assert found is not None
    assert f"{entity} 7" in str(found.error)
    assert all("DisplayName = 'Ada'" in query for query in company.queries)


async def test_nothing_there_is_none(sink: QuickBooksSink, company: Company, make_call: MakeCall) -> None:
    """None says that a create may be sent."""
    assert await sink.find(make_call("Customer", {"DisplayName": "Ada"})) is None
    assert await sink.find(make_call("Item", {"Sku": "S", "Name": "N"})) is None
    assert await sink.find(make_call("Invoice", {"CustomerRef": {"value": "5"}})) is None
    assert len(company.queries) == 3 + 2 + 1


async def test_an_item_is_known_by_sku_then_name(sink: QuickBooksSink, company: Company, make_call: MakeCall) -> None:
    """One item of that Sku is it; several, another Sku or a category under the name are clashes."""
    row = {"Id": "12", "SyncToken": "1", "Name": "Box", "MetaData": STAMP}
    cases: list[tuple[list[dict[str, Any]], bool]] = [
        ([{**row, "Sku": "S-1"}], True),
        ([{**row, "Sku": "S-1"}, {**row, "Id": "13", "Sku": "S-1"}], False),
        ([row], True),
        ([{**row, "Sku": "S-2"}], False),
        ([{**row, "Type": "Category"}], False),
    ]
    for rows, adopted in cases:
        company.rows = {"Item": rows}
        found = await sink.find(make_call("Item", {"Sku": "S-1", "Name": "Box"}))
        assert found is not None
        assert (found.error is None) is adopted
        assert found.error is None or isinstance(found.error, DuplicateError)
    assert "SELECT *, Sku FROM Item WHERE Sku = 'S-1'" in company.queries[0]


async def test_an_invoice_is_found_by_our_reference_alone(
    sink: QuickBooksSink, company: Company, make_call: MakeCall
) -> None:
    """Other invoices of that customer are not ours; the window begins five minutes before the attempt."""
    row = {"Id": "12", "SyncToken": "1", "MetaData": STAMP}
    company.rows = {
        "Invoice": [{**row, "Id": "11"}, {**row, "PrivateNote": "sluiceway:order/1/1"}, {**row, "PrivateNote": "x"}]
    }
    found = await sink.find(make_call("Invoice", {"CustomerRef": {"value": "5"}}))
    assert found is not None
    assert found.remote == RemoteRef("12", "1")
    assert "WHERE CustomerRef = '5' AND MetaData.CreateTime >= '2025-12-31T23:55:00Z'" in company.queries[0]
    await sink.find(make_call("Invoice", {"CustomerRef": {"value": "5"}}, attempted_at=None))
    assert "CreateTime" not in company.queries[1]


async def test_a_known_object_is_read_with_a_fresh_token(
    sink: QuickBooksSink, company: Company, make_call: MakeCall, remote: RemoteRef
) -> None:
    """After a stale token the same call can be sent with what `find` returns; 610 is None."""
    company.stores("Customer")
    found = await sink.find(make_call("Customer", {}, remote=remote))
    assert found is not None
    assert found.remote == RemoteRef("12", "4")
    company.answers.append(httpx.Response(400, json={"Fault": {"Error": [{"code": "610"}]}}))
    assert await sink.find(make_call("Customer", {}, remote=remote)) is None


async def test_fetch_asks_for_many_at_once_and_confirms_the_missing(client: QuickBooksClient, company: Company) -> None:
    """Ids left out of a query are read singly; only 610 says that they are gone."""
    company.rows = {"Invoice": [{"Id": "1", "SyncToken": "0", "MetaData": STAMP}]}
    company.stores("Invoice", Id="2")
    company.answers.append(httpx.Response(400, json={"Fault": {"Error": [{"code": "610"}]}}))
    raws = await QuickBooksFetcher(client).fetch("Invoice", ["1", "2", "3", "1"])
    assert [(raw.remote_id, raw.deleted) for raw in raws] == [("1", False), ("2", False), ("3", True)]
    assert "Id IN ('1', '2', '3')" in company.queries[0]
    assert len(company.requests) == 3


def test_values_in_queries_are_escaped() -> None:
    """A quote or backslash ends no string."""
    assert quoted("O'Neil \\ Co") == "'O\\'Neil \\\\ Co'"


async def test_a_path_names_one_of_several(sink: QuickBooksSink, company: Company) -> None:
    """Classes of one name under two parents are ambiguous by name; with a colon the whole path is asked for."""
    company.rows = {"Class": [{"Id": "1"}, {"Id": "2"}]}
    with pytest.raises(RejectedError, match="2 Class objects named 'North'"):
        await sink.lookup("Class", "North")
    company.rows = {"Class": [{"Id": "2"}]}
    assert await sink.lookup("Class", "Sales:North") == "2"
    assert "WHERE FullyQualifiedName = 'Sales:North' STARTPOSITION" in company.queries[-1]


@pytest.mark.parametrize(
    ("preference", "sent"), [("true", {"DocNumber": "7"}), ("false", {}), (None, {"DocNumber": "7"})]
)
async def test_our_number_is_sent_where_the_company_lets_us_number(
    preference: str | None, sent: dict[str, str], sink: QuickBooksSink, company: Company, make_call: MakeCall
) -> None:
    """The preference stands beside the number, and is itself nothing that QuickBooks knows."""
    company.stores("RefundReceipt")
    asked = {"CustomTxnNumbers": preference} if preference else {}
    await sink.write([make_call("RefundReceipt", {"DocNumber": "7", "PrivateNote": "x", **asked})])
    assert company.body == {"PrivateNote": "x\nsluiceway:order/1/1", **sent}


@pytest.mark.parametrize(
    ("forms", "name", "found"),
    [
        ({"AllowShipping": True}, ("ShippingItem", "Freight"), "SHIPPING_ITEM_ID"),
        ({"AllowShipping": False}, ("ShippingItem", "Freight"), "17"),
        ({"CustomTxnNumbers": True}, ("Preference", "CustomTxnNumbers"), "true"),
        ({}, ("Preference", "CustomTxnNumbers"), "false"),
    ],
)
async def test_preferences_are_looked_up(
    forms: dict[str, bool], name: tuple[str, str], found: str, sink: QuickBooksSink, company: Company
) -> None:
    """QuickBooks' own shipping item only where the company ships; a switch that is not there is off."""
    company.rows = {"Preferences": [{"SalesFormsPrefs": forms}], "Item": [{"Id": "17", "Name": "Freight"}]}
    assert await sink.lookup(*name) == found


@pytest.mark.parametrize("entity", ["Invoice", "SalesReceipt", "RefundReceipt", "CreditMemo", "Payment"])
async def test_every_transaction_is_found_by_our_reference(
    entity: str, sink: QuickBooksSink, company: Company, make_call: MakeCall
) -> None:
    """In doubt, the note tells which one is ours."""
    other = {"Id": "11", "SyncToken": "0", "MetaData": STAMP, "PrivateNote": "sluiceway:order/1/2"}
    company.rows[entity] = [other, {**other, "Id": "12", "PrivateNote": "Voided - x\nsluiceway:order/1/1"}]
    found = await sink.find(make_call(entity, {"CustomerRef": {"value": "58"}}))
    assert found is not None
    assert found.remote == RemoteRef("12", "0")
