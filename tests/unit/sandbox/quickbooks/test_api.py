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


async def test_gateway_faults_come_as_xml_on_request(books: Books) -> None:
    """In spite of `Accept: application/json`, as was seen from Intuit."""
    other = (await books.client.get("/__sandbox/credentials", params={"account": "other"})).json()
    await books.set(xml_faults=True)
    await books.admin("settings", account="other", settings={"xml_faults": True})
    for token, code in (("nonsense", "3200"), (other["access_token"], "100")):
        books.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        answer = await books.call("GET", "customer/1")
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/xml")
        assert f'<Fault type="AUTHENTICATION"><Error code="{code}">' in answer.text


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


async def test_batches_and_reads_have_limits_of_their_own(books: Books, clock: Any) -> None:
    """Forty batches a minute; reads, queries, captures and batches of a month, which single writes never use up."""
    await books.admin("limits", limits={"batch per minute": None})
    batch = {"BatchItemRequest": [{"bId": "1", "Query": "select * from Term"}]}
    statuses = [(await books.call("POST", "batch", json=batch)).status_code for _ in range(41)]
    assert statuses == [200] * 40 + [429]
    await clock.sleep(60)
    await books.admin("limits", limits={"metered reads per month": 43})
    answers = [
        await books.call("GET", "companyinfo/1"),
        await books.call("POST", "query", content=b"select * from Term"),
        await books.call("GET", "cdc?entities=Term&changedSince=2026-03-01"),
        await books.call("GET", "preferences"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert (await books.save("Customer", {"DisplayName": "Acme"}))["Id"]
    await clock.sleep(30 * 86_400)
    books.headers = {
        "Authorization": f"Bearer {(await books.client.get('/__sandbox/credentials')).json()['access_token']}"
    }
    assert (await books.call("GET", "preferences")).status_code == 200


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


async def test_a_batch_holds_any_operation(books: Books) -> None:
    """Update, void, delete, capture and query in one; with a request id, bIds are short and the answer is replayed."""
    made = [await books.bill(), await books.bill(), await books.bill(kind="SalesReceipt")]
    first, second, third = ({"Id": each["Id"], "SyncToken": "0"} for each in made)
    items = [
        {"bId": "1", "operation": "update", "Invoice": {**first, "sparse": True, "PrivateNote": "new"}},
        {"bId": "2", "operation": "delete", "Invoice": second},
        {"bId": "3", "operation": "update", "optionsData": "void", "SalesReceipt": third},
        {"bId": "4", "CDCQuery": {"Entities": "Invoice", "ChangedSince": "2026-03-01"}},
        {"bId": "5-too-long-an-id", "Query": "select * from Term"},
    ]
    await books.set(shuffle_batch_answers=True)
    calls = [
        await books.call("POST", "batch", json={"BatchItemRequest": items}, params={"requestid": "b"}) for _ in "12"
    ]
    assert calls[0].content == calls[1].content
    answers = {each["bId"]: each for each in calls[0].json()["BatchItemResponse"]}
    assert answers["1"]["Invoice"]["PrivateNote"] == "new"
    assert answers["2"]["Invoice"]["status"] == "Deleted"
    assert (answers["3"]["SalesReceipt"]["TotalAmt"], answers["3"]["SalesReceipt"]["PrivateNote"]) == (0, "Voided")
    assert answers["4"]["CDCResponse"][0]["QueryResponse"][0]["Invoice"]
    assert answers["5-too-long-an-id"]["Fault"]["Error"][0]["code"] == "2130"
    assert await books.refused("batch", {"BatchItemRequest": items}, requestid="x" * 37) == ("2130", "requestid")


async def test_shapes_of_answers(books: Books) -> None:
    """Times are Pacific, the trace header has Intuit's form, absent objects are 610 with HTTP 400."""
    answer = await books.call(
        "POST", "customer", json={"DisplayName": "Acme", "SyncToken": 0, "Balance": "", "Id": None}
    )
    assert answer.json()["time"] == "2026-03-01T04:00:00.000-08:00"
    assert answer.json()["Customer"]["MetaData"]["CreateTime"] == "2026-03-01T04:00:00-08:00"
    lead, stamp, rest = answer.headers["intuit_tid"].split("-")
    assert (lead, len(stamp), len(rest)) == ("1", 8, 24)
    assert {"x-spanid", "x-amzn-trace-id", "qbo-version", "cache-control"} <= {*answer.headers}
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


async def test_a_seeded_company_adds_up(books: Books) -> None:
    """Copies are what writes would have made: balances, links and numbers agree, and each may be written again."""
    await books.admin("seed", size=40, seed=9)
    records = {
        kind: (await books.client.get(f"/__sandbox/records/{kind}")).json()["records"]
        for kind in ("Customer", "Invoice", "Payment")
    }
    paid = {payment["Line"][0]["LinkedTxn"][0]["TxnId"]: payment for payment in records["Payment"]}
    balances = {row["Id"]: row["Balance"] for row in records["Customer"]}
    assert len({row["DocNumber"] for row in records["Invoice"]}) == 40
    for invoice in records["Invoice"]:
        by = paid.get(invoice["Id"])
        assert invoice["Balance"] == (0 if by else invoice["TotalAmt"]) == balances[invoice["CustomerRef"]["value"]]
        assert invoice["LinkedTxn"] == ([{"TxnId": by["Id"], "TxnType": "Payment"}] if by else [])
    for kind, row in (("Invoice", records["Invoice"][-1]), ("Customer", records["Customer"][-1])):
        again = json.loads((await books.call("POST", kind.lower(), json=row)).content)[kind]
        moved = {"SyncToken": str(int(row["SyncToken"]) + 1)}
        assert again == {**row, **moved}
