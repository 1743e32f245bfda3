"""What the org computes and refuses when records are written."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.unit.sandbox.kit.salesforce import DATA, credentials_of, make, query, refusal_of


async def _get(api: httpx.AsyncClient, name: str, record_id: str, fields: str) -> dict[str, Any]:
    answer = await api.get(f"{DATA}/sobjects/{name}/{record_id}", params={"fields": fields})
    found: dict[str, Any] = answer.json()
    return {key: value for key, value in found.items() if key in fields.split(",")}


async def _deal(api: httpx.AsyncClient) -> str:
    return await make(api, "Opportunity", Name="Deal", StageName="Prospecting", CloseDate="2026-05-31", Amount=5)


async def test_every_write_moves_the_stamps(api: httpx.AsyncClient) -> None:
    """With a standing clock SystemModstamp still grows with each write, lines of an opportunity included."""
    deal = await _deal(api)
    seen = [await _get(api, "Opportunity", deal, "SystemModstamp,LastModifiedDate")]
    assert seen[0]["SystemModstamp"] == "2026-03-01T12:00:00.000+0000"
    await api.patch(f"{DATA}/sobjects/Opportunity/{deal}", json={"NextStep": "Call"})
    seen.append(await _get(api, "Opportunity", deal, "SystemModstamp,LastModifiedDate"))
    price = (await query(api, "SELECT Id FROM PricebookEntry"))[0]["Id"]
    await make(api, "OpportunityLineItem", OpportunityId=deal, PricebookEntryId=price, Quantity=1, UnitPrice=9)
    seen.append(await _get(api, "Opportunity", deal, "SystemModstamp,LastModifiedDate"))
    stamps = [row["SystemModstamp"] for row in seen]
    assert stamps == sorted(set(stamps))
    assert stamps == [row["LastModifiedDate"] for row in seen]


async def test_lines_decide_the_amount(api: httpx.AsyncClient) -> None:
    """Amount is the sum of the lines, cannot be set beside them, and follows their changes and deletion."""
    deal = await _deal(api)
    entries = await query(api, "SELECT Id, Pricebook2Id FROM PricebookEntry ORDER BY Id")
    by_unit = {"OpportunityId": deal, "PricebookEntryId": entries[0]["Id"], "Quantity": 3, "UnitPrice": 33.33}
    by_total = {"OpportunityId": deal, "PricebookEntryId": entries[1]["Id"], "Quantity": 4, "TotalPrice": 10}
    first = await make(api, "OpportunityLineItem", **by_unit)
    second = await make(api, "OpportunityLineItem", **by_total)
    assert await _get(api, "OpportunityLineItem", second, "UnitPrice") == {"UnitPrice": 2.5}
    await api.patch(f"{DATA}/sobjects/Opportunity/{deal}", json={"Amount": 1, "NextStep": "x"})
    fields = "Amount,HasOpportunityLineItem,Pricebook2Id,NextStep"
    assert await _get(api, "Opportunity", deal, fields) == {
        "Amount": 109.99,
        "HasOpportunityLineItem": True,
        "Pricebook2Id": entries[0]["Pricebook2Id"],
        "NextStep": "x",
    }
    await api.patch(f"{DATA}/sobjects/OpportunityLineItem/{first}", json={"Quantity": 1})
    assert (await _get(api, "Opportunity", deal, "Amount"))["Amount"] == 43.33
    for line in (first, second):
        assert (await api.delete(f"{DATA}/sobjects/OpportunityLineItem/{line}")).status_code == 204
    assert (await _get(api, "Opportunity", deal, "HasOpportunityLineItem"))["HasOpportunityLineItem"] is False


async def test_price_books_have_their_rules(api: httpx.AsyncClient) -> None:
    """A custom price needs a standard one, a second price is a duplicate, and a line must come from the deal's book."""
    book = await make(api, "Pricebook2", Name="Partners", IsActive=True)
    product = await make(api, "Product2", Name="New", IsActive=True)
    entry = {"Pricebook2Id": book, "Product2Id": product, "UnitPrice": 5, "IsActive": True}
    answer = await api.post(f"{DATA}/sobjects/PricebookEntry", json=entry)
    assert refusal_of(answer) == (400, "STANDARD_PRICE_NOT_DEFINED")
    sold = (await query(api, "SELECT Product2Id FROM PricebookEntry"))[0]["Product2Id"]
    partner = await make(api, "PricebookEntry", **{**entry, "Product2Id": sold})
    answer = await api.post(f"{DATA}/sobjects/PricebookEntry", json={**entry, "Product2Id": sold})
    assert refusal_of(answer) == (400, "DUPLICATE_VALUE")
    standard = (await query(api, "SELECT Id FROM PricebookEntry WHERE Pricebook2.IsStandard = true"))[0]["Id"]
    deal = await _deal(api)
    line = {"OpportunityId": deal, "PricebookEntryId": partner, "Quantity": 1, "UnitPrice": 1}
    await make(api, "OpportunityLineItem", **line)
    answer = await api.post(f"{DATA}/sobjects/OpportunityLineItem", json={**line, "PricebookEntryId": standard})
    assert refusal_of(answer) == (400, "FIELD_INTEGRITY_EXCEPTION")


async def test_stages_decide_whether_a_deal_is_won(api: httpx.AsyncClient) -> None:
    """IsWon, IsClosed, Probability and forecast follow the stage; they are read-only, unknown stages refused."""
    deal = await _deal(api)
    url, fields = f"{DATA}/sobjects/Opportunity/{deal}", "IsWon,IsClosed,Probability,ForecastCategory"
    for stage, expected in (("Closed Won", (True, True, 100)), ("Closed Lost", (False, True, 0))):
        await api.patch(url, json={"StageName": stage})
        found = await _get(api, "Opportunity", deal, fields)
        assert (found["IsWon"], found["IsClosed"], found["Probability"]) == expected
    assert refusal_of(await api.patch(url, json={"IsWon": True})) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    unknown = await api.patch(url, json={"StageName": "Nope"})
    assert refusal_of(unknown) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Name": "A", "Nope__c": 1}, "INVALID_FIELD"),
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"Name": "A" * 256}, "STRING_TOO_LONG"),
        ({"Name": "A", "ParentId": "zzz"}, "MALFORMED_ID"),
        ({"Name": "A", "ParentId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"Name": "A", "ParentId": "003000000000001AAA"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"Name": "A", "Sluiceway_Last_Payment_On__c": "soon"}, "JSON_PARSER_ERROR"),
        ({"Name": "A", "Sluiceway_Id__c": "TAKEN"}, "DUPLICATE_VALUE"),
    ],
)
async def test_bad_records_have_the_vendors_codes(api: httpx.AsyncClient, body: dict[str, Any], code: str) -> None:
    """Each kind of bad value is refused with its own code and leaves no record."""
    await make(api, "Account", Name="First", Sluiceway_Id__c="taken")
    assert refusal_of(await api.post(f"{DATA}/sobjects/Account", json=body)) == (400, code)
    assert len(await query(api, "SELECT Id FROM Account")) == 1


async def test_deleting_takes_dependents_along(api: httpx.AsyncClient, clock: Any) -> None:
    """An account's contacts and deals go to the bin with it; deleted and updated list what happened in a window."""
    account = await make(api, "Account", Name="A")
    contact = await make(api, "Contact", LastName="L", AccountId=account)
    kept = await make(api, "Account", Name="B")
    start = clock.now().isoformat()
    clock.instant += timedelta(minutes=1)
    await api.delete(f"{DATA}/sobjects/Account/{account}")
    assert refusal_of(await api.delete(f"{DATA}/sobjects/Contact/{contact}")) == (404, "ENTITY_IS_DELETED")
    window = {"start": start, "end": (clock.now() + timedelta(minutes=1)).isoformat()}
    gone = (await api.get(f"{DATA}/sobjects/Account/deleted/", params=window)).json()["deletedRecords"]
    assert gone == [{"id": account, "deletedDate": "2026-03-01T12:01:00.000+0000"}]
    assert (await api.get(f"{DATA}/sobjects/Account/updated/", params=window)).json()["ids"] == [kept]


async def test_samples_are_the_same_for_the_same_seed(api: httpx.AsyncClient) -> None:
    """Seeding makes linked records, equal in two orgs."""
    seen = []
    for account in ("one", "two"):
        made = (await api.post("/__sandbox/seed", json={"account": account, "size": 30, "seed": 4})).json()["made"]
        headers = {"Authorization": f"Bearer {(await credentials_of(api, account))['access_token']}"}
        text = "SELECT Name, Amount, (SELECT Quantity FROM OpportunityLineItems) FROM Opportunity"
        rows = (await api.get(f"{DATA}/query", params={"q": text}, headers=headers)).json()["records"]
        seen.append((made, [(row["Name"], row["Amount"]) for row in rows]))
    assert seen[0] == seen[1]
    assert (seen[0][0]["Contact"], seen[0][0]["Account"], len(seen[0][1])) == (30, 8, 2)


async def test_a_read_can_ask_for_news_only(api: httpx.AsyncClient) -> None:
    """If-Modified-Since gives 304 for an unchanged record."""
    account = await make(api, "Account", Name="A")
    for when, status in (("Sun, 01 Mar 2026 12:00:01 GMT", 304), ("Sun, 01 Mar 2026 11:59:59 GMT", 200)):
        answer = await api.get(f"{DATA}/sobjects/Account/{account}", headers={"If-Modified-Since": when})
        assert answer.status_code == status
