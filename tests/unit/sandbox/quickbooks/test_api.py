import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

Books = Any  # the fixture's class lives in conftest, which tests cannot import


def line(amount: str, **detail: Any) -> dict[str, Any]:
    """A line of the item every company has."""
    inner = {"ItemRef": {"value": "1"}, **detail}
    return {"DetailType": "SalesItemLineDetail", "Amount": float(amount), "SalesItemLineDetail": inner}


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
    await books.admin("settings", settings={"xml_faults": True})
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
    body = {"CustomerRef": {"value": "1"}, "Line": [line("10")]}
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


async def test_cdc_shows_changes_and_stubs(books: Books, clock: Any) -> None:
    """Only what changed since is reported, deletions as stubs; a look further back than 30 days is refused."""
    await books.bill()
    await clock.sleep(60)
    gone = await books.bill()
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
    """A payment announces itself and the invoice it moved, signed over the raw bytes."""
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
    made = await books.bill()
    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await books.admin("webhooks", url=f"http://127.0.0.1:{port}/qbo")
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
