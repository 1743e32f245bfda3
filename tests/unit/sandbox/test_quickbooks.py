import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connectors.sandbox.json_text import loads
from connectors.sandbox.quickbooks.vendor import build


class Books:
    """A caller of one company's API."""

    def __init__(self, client: httpx.AsyncClient, credentials: dict[str, Any]) -> None:
        self.client = client
        self.credentials = credentials
        self.headers = {"Authorization": f"Bearer {credentials['access_token']}"}

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One raw call below the realm."""
        url = f"/v3/company/{self.credentials['realm']}/{path}"
        return await self.client.request(method, url, headers=self.headers, **options)

    async def save(self, kind: str, body: dict[str, Any], **params: str) -> dict[str, Any]:
        """A write that must succeed; decimals kept."""
        answer = await self.call("POST", kind.lower(), json=body, params=params)
        assert answer.status_code == 200, answer.text
        saved: dict[str, Any] = loads(answer.content)[kind]
        return saved

    async def refused(self, kind: str, body: Any, **params: str) -> tuple[str, str]:
        """(code, element) of a write that must fail with 400."""
        answer = await self.call("POST", kind.lower(), json=body, params=params)
        assert answer.status_code == 400, answer.text
        error = answer.json()["Fault"]["Error"][0]
        return error["code"], error["element"]

    async def query(self, statement: str) -> dict[str, Any]:
        """The content of QueryResponse."""
        answer = await self.call("GET", "query", params={"query": statement})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["QueryResponse"]
        return found

    async def admin(self, path: str, /, **body: Any) -> Any:
        """A POST to the admin API."""
        answer = await self.client.post(f"/__sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
async def books(start: Callable[..., Any]) -> AsyncIterator[Books]:
    """A fresh company with wide limits; the clock stands still."""
    served = await start({"quickbooks": (0, build)})
    async with httpx.AsyncClient(base_url=served.url("quickbooks")) as client:
        found = Books(client, (await client.get("/__sandbox/credentials")).json())
        await found.admin("limits", limits={"realm and app per second": 10_000, "realm per minute": 10_000})
        yield found


def sale_line(amount: str, **detail: Any) -> dict[str, Any]:
    """A line of the item every company has."""
    inner = {"ItemRef": {"value": "1"}, **detail}
    return {"DetailType": "SalesItemLineDetail", "Amount": Decimal(amount).__float__(), "SalesItemLineDetail": inner}


async def bill(books: Books, *lines: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """An invoice for the customer with id 1, who is made if need be."""
    if not await books.query("select * from Customer where Id = '1'"):
        await books.save("Customer", {"DisplayName": "Acme"})
    body = {"CustomerRef": {"value": "1"}, "Line": list(lines) or [sale_line("100")], **properties}
    return await books.save("Invoice", body)


async def test_sparse_update_keeps_and_full_update_clears(books: Books) -> None:
    """Sparse changes what is sent; full nulls what is not."""
    made = await books.save("Customer", {"DisplayName": "Acme", "Notes": "keep", "CompanyName": "Acme Inc"})
    ref = {"Id": made["Id"], "SyncToken": made["SyncToken"]}
    sparse = await books.save("Customer", {**ref, "sparse": True, "Notes": "new"})
    assert (sparse["Notes"], sparse["CompanyName"], sparse["SyncToken"], sparse["sparse"]) == (
        "new",
        "Acme Inc",
        "1",
        False,
    )
    full = await books.save("Customer", {**ref, "SyncToken": 1, "DisplayName": "Acme", "Notes": ""})
    assert "CompanyName" not in full
    assert "Notes" not in full


async def test_stale_or_missing_sync_token_is_refused(books: Books) -> None:
    """An update, void or delete with an old SyncToken is 5010, without one 2020; nothing changes."""
    made = await bill(books)
    await books.save("Invoice", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "first"})
    stale = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "second"}
    assert (await books.refused("Invoice", stale))[0] == "5010"
    for operation in ("void", "delete"):
        stale_reference = {"Id": made["Id"], "SyncToken": "0"}
        assert (await books.refused("Invoice", stale_reference, operation=operation))[0] == "5010"
    assert await books.refused("Invoice", {"Id": made["Id"], "sparse": True}) == ("2020", "SyncToken")
    assert (await books.query("select * from Invoice"))["Invoice"][0]["PrivateNote"] == "first"


async def test_lines_are_replaced_whole_and_keep_their_ids(books: Books) -> None:
    """A Line array replaces the old one even in a sparse update; a line sent with its id keeps it."""
    made = await bill(books, sale_line("10"), sale_line("20"))
    kept = {**sale_line("20"), "Id": made["Line"][1]["Id"]}
    body = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Line": [kept, sale_line("5")]}
    changed = await books.save("Invoice", body)
    assert [line.get("Id") for line in changed["Line"]] == ["2", "3", None]
    assert changed["TotalAmt"] == changed["Balance"] == Decimal("25.00")


async def test_discount_tax_and_digits(books: Books) -> None:
    """Percent discounts come off the subtotal, given tax is added, and amounts are written with two digits."""
    percent = {"PercentBased": True, "DiscountPercent": 10}
    discount = {"DetailType": "DiscountLineDetail", "DiscountLineDetail": percent}
    priced = sale_line("99.99", Qty=3, UnitPrice=33.33)
    made = await bill(books, priced, discount, TxnTaxDetail={"TotalTax": 7.2}, TotalAmt=1)
    assert [str(line["Amount"]) for line in made["Line"]] == ["99.99", "99.99", "10.00"]
    assert str(made["TotalAmt"]) == "97.19"


@pytest.mark.parametrize(
    ("properties", "due"),
    [
        ({}, "2026-03-31"),
        ({"SalesTermRef": {"value": "2"}}, "2026-03-16"),
        ({"SalesTermRef": {"value": "1"}, "TxnDate": "2026-02-10"}, "2026-02-10"),
        ({"DueDate": "2026-06-01"}, "2026-06-01"),
    ],
)
async def test_due_date(books: Books, properties: dict[str, Any], due: str) -> None:
    """The due date is the one sent, else the term's, else thirty days on."""
    assert (await bill(books, **properties))["DueDate"] == due


@pytest.mark.parametrize(
    ("kind", "body", "code", "element"),
    [
        ("Customer", {"DisplayName": "A", "Colour": "red"}, "2010", "Colour"),
        ("Customer", ["A"], "2010", ""),
        ("Customer", {"CompanyName": "A"}, "6080", "DisplayName"),
        ("Customer", {"DisplayName": "A:B"}, "2040", "DisplayName"),
        ("Customer", {"DisplayName": "A" * 501}, "2050", "DisplayName"),
        ("Customer", {"DisplayName": "A", "PrimaryEmailAddr": {"Address": "nobody"}}, "2210", "PrimaryEmailAddr"),
        ("Customer", {"DisplayName": "A", "WebAddr": {"URI": "x.example"}}, "2200", "WebAddr"),
        ("Customer", {"DisplayName": "A", "CurrencyRef": {"value": "EUR"}}, "6000", "CurrencyRef"),
        ("Customer", {"Id": "77", "SyncToken": "0"}, "610", ""),
        ("Customer", {"Id": "1.5", "SyncToken": "0"}, "2030", "Id"),
        ("Vendor", {"DisplayName": "Acme"}, "6240", ""),
        ("Item", {"Type": "Service"}, "2020", "Name"),
        ("Item", {"Name": "x", "Type": "Service"}, "2020", "IncomeAccountRef"),
        ("Item", {"Name": "services", "IncomeAccountRef": {"value": "1"}}, "6240", ""),
        ("Item", {"Name": "x", "IncomeAccountRef": {"value": "88"}}, "2500", "IncomeAccountRef"),
        ("Item", {"Name": "x", "Type": "Gadget", "IncomeAccountRef": {"value": "1"}}, "2170", "Type"),
        ("Invoice", {"Line": [{}]}, "2020", "CustomerRef"),
        ("Invoice", {"CustomerRef": {"value": "1"}}, "2020", "Line"),
        (
            "Invoice",
            {"CustomerRef": {"value": "1"}, "Line": [sale_line("9", Qty=2, UnitPrice=5)]},
            "6070",
            "Line.Amount",
        ),
        (
            "Invoice",
            {"CustomerRef": {"value": "1"}, "Line": [sale_line("9", TaxCodeRef={"value": "7"})]},
            "6100",
            "Line.TaxCodeRef",
        ),
        (
            "Invoice",
            {"CustomerRef": {"value": "1"}, "Line": [sale_line("9")], "PrivateNote": "x" * 4001},
            "2050",
            "PrivateNote",
        ),
        (
            "Invoice",
            {"CustomerRef": {"value": "1"}, "Line": [sale_line("9")], "CustomField": [{"DefinitionId": "4"}]},
            "3000",
            "CustomField",
        ),
        ("Payment", {"CustomerRef": {"value": "1"}}, "6000", "TotalAmt"),
        ("Payment", {"TotalAmt": 5}, "2020", "CustomerRef"),
        ("TaxCode", {"Name": "x"}, "500", ""),
        ("Nonsense", {}, "500", ""),
        ("Customer", {"DisplayName": "A", "PrimaryEmailAddr": "a@b.example"}, "2010", "PrimaryEmailAddr"),
        ("Invoice", {"CustomerRef": {"value": "1"}, "Line": {"Amount": 1}}, "2010", "Line"),
        ("Invoice", {"CustomerRef": {"value": "1"}, "Line": [sale_line("1", ItemRef="1")]}, "2010", "ItemRef"),
        ("batch", {"BatchItemRequest": [1]}, "2010", "BatchItemRequest"),
    ],
)
async def test_refusals(books: Books, kind: str, body: Any, code: str, element: str) -> None:
    """Each bad request has Intuit's code, names the property, and leaves nothing behind."""
    await books.save("Customer", {"DisplayName": "Acme"})
    assert await books.refused(kind, body) == (code, element)
    meter = (await books.client.get("/__sandbox/meter")).json()
    assert meter["writes"] == {"Customer": 1}


async def test_inactive_reference_is_610(books: Books) -> None:
    """An invoice for a deactivated customer is refused as Intuit does, not as an unknown one."""
    made = await books.save("Customer", {"DisplayName": "Acme"})
    await books.save("Customer", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Active": False})
    body = {"CustomerRef": {"value": made["Id"]}, "Line": [sale_line("1")]}
    assert await books.refused("Invoice", body) == ("610", "CustomerRef")


async def test_doc_numbers(books: Books) -> None:
    """Server's numbers by default; own ones with the switch on, unique unless the caller insists."""
    assert (await bill(books))["DocNumber"] == "1001"
    assert (await bill(books, DocNumber="SO-7"))["DocNumber"] == "SO-7"
    assert (await bill(books, DocNumber="SO-7"))["DocNumber"] == "SO-7"
    assert (await bill(books))["DocNumber"] == "1002"
    await books.admin("settings", settings={"custom_txn_numbers": True})
    assert "DocNumber" not in await bill(books)
    body = {"CustomerRef": {"value": "1"}, "Line": [sale_line("1")], "DocNumber": "SO-7"}
    assert await books.refused("Invoice", body) == ("6140", "DocNumber")
    assert (await books.save("Invoice", body, include="allowduplicatedocnum"))["DocNumber"] == "SO-7"


async def test_payment_cannot_take_more_than_is_open(books: Books) -> None:
    """Over-application, another customer's invoice and a missing invoice are refused; deleting the payment reopens."""
    made = await bill(books)
    other = await books.save("Customer", {"DisplayName": "Other"})

    def pay(amount: float, total: float, target: str = made["Id"], by: str = "1") -> dict[str, Any]:
        line = {"Amount": amount, "LinkedTxn": [{"TxnId": target, "TxnType": "Invoice"}]}
        return {"CustomerRef": {"value": by}, "TotalAmt": total, "Line": [line]}

    assert await books.refused("Payment", pay(101, 200)) == ("6000", "Line.Amount")
    assert await books.refused("Payment", pay(50, 40)) == ("6000", "TotalAmt")
    assert (await books.refused("Payment", pay(50, 50, by=other["Id"])))[0] == "620"
    assert (await books.refused("Payment", pay(50, 50, target="999")))[0] == "610"
    paid = await books.save("Payment", pay(100, 130))
    assert paid["UnappliedAmt"] == Decimal("30.00")
    assert await books.refused("Invoice", {"Id": made["Id"], "SyncToken": "1"}, operation="delete") == ("800", "")
    gone = await books.save("Payment", {"Id": paid["Id"], "SyncToken": "0"}, operation="delete")
    assert gone == {"domain": "QBO", "status": "Deleted", "Id": paid["Id"]}
    read = (await books.call("GET", f"invoice/{made['Id']}")).json()["Invoice"]
    assert (read["Balance"], read["LinkedTxn"], read["SyncToken"]) == (100, [], "2")


async def test_voided_invoice_frees_its_payment(books: Books) -> None:
    """After the void the payment is the customer's credit."""
    made = await bill(books, PrivateNote="ref-1")
    line = {"Amount": 100, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Invoice"}]}
    paid = await books.save("Payment", {"CustomerRef": {"value": "1"}, "TotalAmt": 100, "Line": [line]})
    void = await books.save("Invoice", {"Id": made["Id"], "SyncToken": "1"}, operation="void")
    assert (void["TotalAmt"], void["Balance"], void["PrivateNote"], void["LinkedTxn"]) == (0, 0, "Voided - ref-1", [])
    after = loads((await books.call("GET", f"payment/{paid['Id']}")).content)["Payment"]
    assert (after["UnappliedAmt"], after["Line"]) == (Decimal("100.00"), [])
    customer = (await books.call("GET", "customer/1")).json()["Customer"]
    assert customer["Balance"] == -100


async def test_stock_follows_sales(books: Books) -> None:
    """A sale lowers the quantity on hand without a new version of the item; deleting it gives it back."""
    accounts = {"IncomeAccountRef": "2", "ExpenseAccountRef": "6", "AssetAccountRef": "7"}
    stock = {"TrackQtyOnHand": True, "QtyOnHand": 10, "InvStartDate": "2026-01-01"}
    refs = {name: {"value": value} for name, value in accounts.items()}
    assert (await books.refused("Item", {"Name": "Bolt", "Type": "Inventory", **refs}))[1] == "TrackQtyOnHand"
    item = await books.save("Item", {"Name": "Bolt", "Type": "Inventory", **stock, **refs})
    made = await bill(books, sale_line("8", ItemRef={"value": item["Id"]}, Qty=4, UnitPrice=2))
    read = (await books.call("GET", f"item/{item['Id']}")).json()["Item"]
    assert (read["QtyOnHand"], read["SyncToken"]) == (6, "0")
    await books.save("Invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert (await books.call("GET", f"item/{item['Id']}")).json()["Item"]["QtyOnHand"] == 10


async def test_closed_books_refuse(books: Books) -> None:
    """Nothing dated in a closed period is made or changed, and preferences show the date."""
    made = await bill(books, TxnDate="2026-01-15")
    await books.admin("settings", settings={"book_close_date": "2026-01-31"})
    body = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "x"}
    assert await books.refused("Invoice", body) == ("6210", "TxnDate")
    preferences = (await books.call("GET", "preferences")).json()["Preferences"]
    assert preferences["AccountingInfoPrefs"]["BookCloseDate"] == "2026-01-31"


async def test_gateway_refuses_in_lower_case(books: Books, clock: Any) -> None:
    """No token and an expired one get the gateway's envelope, another company's token code 100."""
    good = dict(books.headers)
    books.headers = {}
    missing = await books.call("GET", "customer/1")
    books.headers = good
    await clock.sleep(3600)
    expired = await books.call("GET", "customer/1")
    for answer in (missing, expired):
        assert answer.status_code == 401
        assert answer.json()["fault"]["error"][0]["code"] == "3200"
        assert answer.headers["www-authenticate"] == 'Bearer realm="Intuit", error="invalid_token"'
    other = (await books.client.get("/__sandbox/credentials", params={"account": "other"})).json()
    books.headers = {"Authorization": f"Bearer {other['access_token']}"}
    strange = await books.call("GET", "customer/1")
    assert (strange.status_code, strange.json()["Fault"]["Error"][0]["code"]) == (401, "100")


async def test_limits_are_windows_that_slide(books: Books, clock: Any) -> None:
    """Ten calls a second pass, the eleventh is 429 with code 3001, XML where asked for; later it goes on."""
    await books.admin("limits", limits={"realm and app per second": None, "realm per minute": None})
    answers = [await books.call("GET", "companyinfo/1") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert answers[10].json()["fault"]["error"][0]["code"] == "3001"
    await books.admin("settings", settings={"xml_throttle": True})
    assert '<Error code="3001">' in (await books.call("GET", "companyinfo/1")).text
    for _ in range(49):
        await clock.sleep(1)
        assert {(await books.call("GET", "companyinfo/1")).status_code for _ in range(10)} == {200}
    await clock.sleep(1)
    assert (await books.call("GET", "companyinfo/1")).status_code == 429
    meter = (await books.client.get("/__sandbox/meter")).json()
    assert meter["over_limit"] == {"realm and app per second": 2, "realm per minute": 1}


async def test_request_id_replays_and_faults_break_it(books: Books) -> None:
    """One request id, one write, one answer, unless the id is forgotten, ignored or to be answered with 600."""
    body = {"CustomerRef": {"value": "1"}, "Line": [sale_line("10")]}
    await books.save("Customer", {"DisplayName": "Acme"})
    first = await books.call("POST", "invoice", json=body, params={"requestid": "r1"})
    again = await books.call("POST", "invoice", json=body, params={"requestid": "r1"})
    assert first.content == again.content
    await books.admin("settings", settings={"requestid_answer": "error600"})
    assert await books.refused("Invoice", body, requestid="r1") == ("600", "requestid")
    assert await books.refused("Invoice", body, requestid="x" * 51) == ("2130", "requestid")
    for kind in ("forget_requestid", "ignore_requestid"):
        await books.admin("faults", kind=kind, count=1, path="/invoice$")
        made = await books.save("Invoice", body, requestid="r1")
        assert made["Id"] != first.json()["Invoice"]["Id"]
    assert (await books.query("select count(*) from Invoice"))["totalCount"] == 3


async def test_refused_request_does_not_burn_its_id(books: Books) -> None:
    """After a refusal the same id may carry the corrected request."""
    assert (await books.refused("Customer", {"CompanyName": "x"}, requestid="r9"))[0] == "6080"
    assert (await books.save("Customer", {"DisplayName": "x"}, requestid="r9"))["DisplayName"] == "x"


async def test_answer_lost_after_commit_is_replayed(books: Books) -> None:
    """commit_then_reset leaves one customer, and its request id tells which."""
    await books.admin("faults", kind="commit_then_reset", count=1, path="/customer$")
    with pytest.raises(httpx.ReadError):
        await books.save("Customer", {"DisplayName": "Acme"}, requestid="r1")
    replayed = await books.save("Customer", {"DisplayName": "Acme"}, requestid="r1")
    assert (replayed["Id"], (await books.query("select count(*) from Customer"))["totalCount"]) == ("1", 1)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("selekt * from Customer", "4000"),
        ("select * from Customer where", "4000"),
        ("select * from Customer where DisplayName = 'a' or Id = '1'", "4000"),
        ("select * from Customer where DisplayName != 'a'", "4000"),
        ("select * from Customer where DisplayName = “a”", "4000"),
        ("select * from Customer startposition x", "4000"),
        ("select * from Customer startposition 0", "4001"),
        ("select * from Customer maxresults 1001", "4001"),
        ("select * from Nonsense", "4001"),
        ("select * from Invoice where PrivateNote = 'x'", "4001"),
        ("select * from Invoice where DepartmentRef = '1'", "4001"),
        ("select * from Invoice where Id > '1'", "4001"),
        ("select * from Invoice where Balance = 'much'", "4001"),
        ("select Colour from Invoice", "4001"),
    ],
)
async def test_query_refusals(books: Books, statement: str, code: str) -> None:
    """What the language lacks is 4000, what it forbids is 4001."""
    await bill(books)
    answer = await books.call("POST", "query", content=statement.encode())
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, code)


async def test_query_by_time_number_and_reference(books: Books, clock: Any) -> None:
    """Time bounds honour offsets, numbers compare as numbers, references by value, dates as dates."""
    first = await bill(books, sale_line("9"))
    await clock.sleep(3000)
    second = await bill(books, sale_line("100"), TxnDate="2026-02-01")
    for where, ids in {
        "MetaData.LastUpdatedTime > '2026-03-01T12:20:00Z'": [second["Id"]],
        "Metadata.CreateTime <= '2026-03-01T04:00:00-08:00'": [first["Id"]],
        "Balance > '50'": [second["Id"]],
        "TotalAmt < 50 and CustomerRef = '1'": [first["Id"]],
        "TxnDate < '2026-03-01'": [second["Id"]],
        "TxnDate = CURRENT_DATE": [first["Id"]],
        f"Id in ('{second['Id']}', '99')": [second["Id"]],
        "DocNumber like '100%' ORDERBY Balance DESC": [second["Id"], first["Id"]],
    }.items():
        found = await books.query(f"select * from Invoice where {where}")  # noqa: S608 - not SQL
        assert [row["Id"] for row in found.get("Invoice", [])] == ids, where
    assert await books.query("select Id, DocNumber from invoice where Id = '1'") == {
        "Invoice": [{"Id": "1", "domain": "QBO", "sparse": True, "DocNumber": "1001"}],
        "startPosition": 1,
        "maxResults": 1,
    }
    assert await books.query("select * from Invoice startposition 3") == {}


async def test_cdc_shows_changes_and_stubs(books: Books, clock: Any) -> None:
    """Only what changed since is reported, deletions as stubs; a look further back than 30 days is refused."""
    await bill(books)
    await clock.sleep(60)
    gone = await bill(books)
    await books.save("Invoice", {"Id": gone["Id"], "SyncToken": "0"}, operation="delete")
    path = "cdc?entities=invoice,Customer&changedSince=2026-03-01T12:00:30 00:00"
    answer = (await books.call("GET", path)).json()["CDCResponse"][0]["QueryResponse"]
    stub = {"domain": "QBO", "status": "Deleted", "Id": gone["Id"]}
    assert answer[0]["Invoice"] == [stub | {"MetaData": {"LastUpdatedTime": "2026-03-01T04:01:00-08:00"}}]
    assert len(answer) == 1
    old = await books.call("GET", "cdc?entities=Invoice&changedSince=2026-01-01")
    assert old.status_code == 400


async def test_batch_bounds(books: Books) -> None:
    """An empty batch and one of 31 are refused; a failed item writes nothing while its neighbours do."""
    assert (await books.refused("batch", {"BatchItemRequest": []}))[0] == "2010"
    many = [{"bId": str(n), "Query": "select * from Term"} for n in range(31)]
    assert (await books.refused("batch", {"BatchItemRequest": many}))[0] == "1040"
    items = [
        {"bId": "a", "operation": "create", "Customer": {"DisplayName": "Acme"}},
        {"bId": "b", "operation": "create", "Customer": {"DisplayName": "acme"}},
        {"bId": "c", "Query": "select count(*) from Customer"},
    ]
    answer = (await books.call("POST", "batch", json={"BatchItemRequest": items})).json()["BatchItemResponse"]
    assert [set(item) - {"bId"} for item in answer] == [{"Customer"}, {"Fault"}, {"QueryResponse"}]
    assert (await books.client.get("/__sandbox/meter")).json()["writes"] == {"Customer": 1}


@pytest.mark.parametrize("form", ["cloudevents", "legacy"])
async def test_webhooks_are_signed_in_both_forms(books: Books, form: str) -> None:
    """A payment announces itself and the invoice it moved, signed over the raw bytes; accounts are not announced."""
    got: asyncio.Queue[tuple[bytes, dict[str, str]]] = asyncio.Queue()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)}
        body = await reader.readexactly(int(fields["content-length"]))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        got.put_nowait((body, fields))

    await books.admin("settings", settings={"webhook_format": form})
    made = await bill(books)
    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await books.admin("webhooks", url=f"http://127.0.0.1:{port}/qbo")
    await books.save("Account", {"Name": "New", "AccountType": "Bank"})
    line = {"Amount": 100, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Invoice"}]}
    paid = await books.save("Payment", {"CustomerRef": {"value": "1"}, "TotalAmt": 100, "Line": [line]})
    body, fields = await got.get()
    server.close()
    digest = hmac.new(books.credentials["webhook_secret"].encode(), body, hashlib.sha256).digest()
    assert fields["intuit-signature"] == base64.b64encode(digest).decode()
    events, realm = json.loads(body), books.credentials["realm"]
    if form == "cloudevents":
        seen = [(event["type"], event["intuitentityid"], event["intuitaccountid"]) for event in events]
        created, updated = "qbo.payment.created.v1", "qbo.invoice.updated.v1"
        assert seen == [(created, paid["Id"], realm), (updated, made["Id"], realm)]
    else:
        (notification,) = events["eventNotifications"]
        entities = notification["dataChangeEvent"]["entities"]
        assert notification["realmId"] == realm
        assert [(each["name"], each["operation"]) for each in entities] == [
            ("Payment", "Create"),
            ("Invoice", "Update"),
        ]


async def test_shapes_of_answers(books: Books) -> None:
    """Times are Pacific, the trace header has Intuit's form, absent objects are 610 with HTTP 400."""
    answer = await books.call(
        "POST", "customer", json={"DisplayName": "Acme", "SyncToken": 0, "Balance": "", "Id": None}
    )
    assert answer.json()["time"] == "2026-03-01T04:00:00.000-08:00"
    assert answer.json()["Customer"]["MetaData"]["CreateTime"] == "2026-03-01T04:00:00-08:00"
    lead, stamp, rest = answer.headers["intuit_tid"].split("-")
    assert (lead, len(stamp), len(rest)) == ("1", 8, 24)
    missing = await books.call("GET", "customer/404")
    assert (missing.status_code, missing.json()["Fault"]["Error"][0]["code"]) == (400, "610")
    unknown = await books.call("DELETE", "customer/1")
    assert unknown.json()["Fault"]["Error"][0]["code"] == "500"


async def test_seed_makes_the_same_company_again(books: Books) -> None:
    """Two resets and seeds of one number agree in every record."""
    rounds = []
    for _ in range(2):
        await books.client.post("/__sandbox/reset")
        made = (await books.admin("seed", size=6, seed=4))["made"]
        assert made["Invoice"] == 6
        rounds.append((await books.client.get("/__sandbox/records/Invoice")).json()["records"])
    assert rounds[0] == rounds[1]
    assert len(rounds[0]) == 6
