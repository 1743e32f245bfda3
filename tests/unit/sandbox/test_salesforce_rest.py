"""The Salesforce sandbox's own rules, over HTTP."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.sandbox.salesforce.app import build

DATA = "/services/data/v67.0"
Start = Callable[..., Any]


async def _known(http: httpx.AsyncClient, account: str = "acme") -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("/__sandbox/credentials", params={"account": account})).json()
    return found


async def _connect(start: Start) -> httpx.AsyncClient:
    served = await start({"salesforce": (0, build)})
    http = httpx.AsyncClient(base_url=served.url("salesforce"))
    known = await _known(http)
    form = {
        "grant_type": "client_credentials",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
    }
    granted = (await http.post("/services/oauth2/token", data=form)).json()
    http.headers["Authorization"] = f"Bearer {granted['access_token']}"
    return http


@pytest.fixture
async def api(start: Start) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a session of org `acme`."""
    http = await _connect(start)
    yield http
    await http.aclose()


async def _query(api: httpx.AsyncClient, text: str) -> list[dict[str, Any]]:
    answer = await api.get(f"{DATA}/query", params={"q": text})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["records"]
    return found


async def _make(api: httpx.AsyncClient, name: str, **values: object) -> str:
    answer = await api.post(f"{DATA}/sobjects/{name}/", json=values)
    assert answer.status_code == 201, answer.text
    assert answer.json()["success"] is True
    made: str = answer.json()["id"]
    return made


async def _get(api: httpx.AsyncClient, name: str, record_id: str, fields: str) -> dict[str, Any]:
    answer = await api.get(f"{DATA}/sobjects/{name}/{record_id}", params={"fields": fields})
    found: dict[str, Any] = answer.json()
    return {key: value for key, value in found.items() if key in fields.split(",")}


async def _deal(api: httpx.AsyncClient) -> str:
    return await _make(api, "Opportunity", Name="Deal", StageName="Prospecting", CloseDate="2026-05-31", Amount=5)


def _refusal(answer: httpx.Response) -> tuple[int, str]:
    (error,) = answer.json()
    return answer.status_code, error["errorCode"]


async def test_the_token_answer_has_no_lifetime_and_names_the_org(api: httpx.AsyncClient) -> None:
    """Basic authentication works too; the token begins with the org's id and the instance is where one asked."""
    known = await _known(api)
    auth = (known["client_id"], known["client_secret"])
    granted = (await api.post("/services/oauth2/token", data={"grant_type": "client_credentials"}, auth=auth)).json()
    assert "expires_in" not in granted
    assert granted["access_token"].split("!")[0] == known["org_id"][:15]
    assert granted["instance_url"] == str(api.base_url).rstrip("/")
    api.headers["Authorization"] = f"Bearer {granted['access_token']}"
    who = (await api.get("/services/oauth2/userinfo")).json()
    assert (who["organization_id"], who["preferred_username"]) == (known["org_id"], known["username"])


async def test_a_refresh_keeps_its_token_and_wrong_ones_are_refused(api: httpx.AsyncClient) -> None:
    """The refresh token goes on working; client and grant errors are 400 with RFC 6749 codes."""
    known = await _known(api)
    form = {"grant_type": "refresh_token", "refresh_token": known["refresh_token"], "client_id": known["client_id"]}
    form |= {"client_secret": known["client_secret"]}
    for _ in range(2):
        assert "refresh_token" not in (await api.post("/services/oauth2/token", data=form)).json()
    for wrong, error in (
        ({"client_secret": "x"}, "invalid_client"),
        ({"refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ):
        answer = await api.post("/services/oauth2/token", data={**form, **wrong})
        assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_jwt_is_good_only_with_the_registered_key(api: httpx.AsyncClient, clock: Any) -> None:
    """A signed assertion gives a session; another key, user or time does not."""
    known = await _known(api)
    keys = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
    pem = keys[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    settings = {"account": "acme", "settings": {"jwt_public_key": pem}}
    assert (await api.post("/__sandbox/settings", json=settings)).status_code == 200
    claims = {"iss": known["client_id"], "sub": known["username"], "exp": clock.now().timestamp() + 180}

    async def ask(key: rsa.RSAPrivateKey, **other: object) -> httpx.Response:
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, {**claims, **other})]
        signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = base64.urlsafe_b64encode(key.sign(signed, PKCS1v15(), hashes.SHA256())).rstrip(b"=")
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": (signed + b"." + signature).decode(),
        }
        return await api.post("/services/oauth2/token", data=form)

    assert (await ask(keys[0])).status_code == 200
    assert (await ask(keys[1])).json()["error"] == "invalid_grant"
    assert "hasn't approved" in (await ask(keys[0], sub="other@example.com")).json()["error_description"]
    assert (await ask(keys[0], exp=clock.now().timestamp() - 1)).json()["error"] == "invalid_grant"


async def test_orgs_do_not_see_each_other(api: httpx.AsyncClient) -> None:
    """Another account is another org: its session neither finds the record nor shares ids with it."""
    made = await _make(api, "Account", Name="Ours")
    other = await _known(api, "other")
    headers = {"Authorization": f"Bearer {other['access_token']}"}
    answer = await api.get(f"{DATA}/sobjects/Account/{made}", headers=headers)
    assert _refusal(answer) == (404, "NOT_FOUND")
    forged = other["org_id"][:15] + "!" + api.headers["Authorization"].partition("!")[2]
    answer = await api.get(f"{DATA}/limits", headers={"Authorization": f"Bearer {forged}"})
    assert _refusal(answer) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize(("version", "status"), [("v20.0", 410), ("v40.0", 404), ("v99.0", 404), ("67", 404)])
async def test_versions_outside_the_range_are_refused(api: httpx.AsyncClient, version: str, status: int) -> None:
    """Retired versions are gone, unknown ones not found; 41.0 and 68.0 work."""
    assert (await api.get(f"/services/data/{version}/limits")).status_code == status
    assert {(await api.get(f"/services/data/v{n}.0/limits")).status_code for n in (41, 68)} == {200}


async def test_every_write_moves_the_stamps(api: httpx.AsyncClient) -> None:
    """With a standing clock SystemModstamp still grows with each write, lines of an opportunity included."""
    deal = await _deal(api)
    seen = [await _get(api, "Opportunity", deal, "SystemModstamp,LastModifiedDate")]
    assert seen[0]["SystemModstamp"] == "2026-03-01T12:00:00.000+0000"
    await api.patch(f"{DATA}/sobjects/Opportunity/{deal}", json={"NextStep": "Call"})
    seen.append(await _get(api, "Opportunity", deal, "SystemModstamp,LastModifiedDate"))
    price = (await _query(api, "SELECT Id FROM PricebookEntry"))[0]["Id"]
    await _make(api, "OpportunityLineItem", OpportunityId=deal, PricebookEntryId=price, Quantity=1, UnitPrice=9)
    seen.append(await _get(api, "Opportunity", deal, "SystemModstamp,LastModifiedDate"))
    stamps = [row["SystemModstamp"] for row in seen]
    assert stamps == sorted(set(stamps))
    assert stamps == [row["LastModifiedDate"] for row in seen]


async def test_lines_decide_the_amount(api: httpx.AsyncClient) -> None:
    """Amount is the sum of the lines, cannot be set beside them, and follows their changes and deletion."""
    deal = await _deal(api)
    entries = await _query(api, "SELECT Id, Pricebook2Id FROM PricebookEntry ORDER BY Id")
    by_unit = {"OpportunityId": deal, "PricebookEntryId": entries[0]["Id"], "Quantity": 3, "UnitPrice": 33.33}
    by_total = {"OpportunityId": deal, "PricebookEntryId": entries[1]["Id"], "Quantity": 4, "TotalPrice": 10}
    first = await _make(api, "OpportunityLineItem", **by_unit)
    second = await _make(api, "OpportunityLineItem", **by_total)
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
    book = await _make(api, "Pricebook2", Name="Partners", IsActive=True)
    product = await _make(api, "Product2", Name="New", IsActive=True)
    entry = {"Pricebook2Id": book, "Product2Id": product, "UnitPrice": 5, "IsActive": True}
    answer = await api.post(f"{DATA}/sobjects/PricebookEntry", json=entry)
    assert _refusal(answer) == (400, "STANDARD_PRICE_NOT_DEFINED")
    sold = (await _query(api, "SELECT Product2Id FROM PricebookEntry"))[0]["Product2Id"]
    partner = await _make(api, "PricebookEntry", **{**entry, "Product2Id": sold})
    answer = await api.post(f"{DATA}/sobjects/PricebookEntry", json={**entry, "Product2Id": sold})
    assert _refusal(answer) == (400, "DUPLICATE_VALUE")
    standard = (await _query(api, "SELECT Id FROM PricebookEntry WHERE Pricebook2.IsStandard = true"))[0]["Id"]
    deal = await _deal(api)
    line = {"OpportunityId": deal, "PricebookEntryId": partner, "Quantity": 1, "UnitPrice": 1}
    await _make(api, "OpportunityLineItem", **line)
    answer = await api.post(f"{DATA}/sobjects/OpportunityLineItem", json={**line, "PricebookEntryId": standard})
    assert _refusal(answer) == (400, "FIELD_INTEGRITY_EXCEPTION")


async def test_stages_decide_whether_a_deal_is_won(api: httpx.AsyncClient) -> None:
    """IsWon, IsClosed, Probability and forecast follow the stage; they are read-only, unknown stages refused."""
    deal = await _deal(api)
    url, fields = f"{DATA}/sobjects/Opportunity/{deal}", "IsWon,IsClosed,Probability,ForecastCategory"
    for stage, expected in (("Closed Won", (True, True, 100)), ("Closed Lost", (False, True, 0))):
        await api.patch(url, json={"StageName": stage})
        found = await _get(api, "Opportunity", deal, fields)
        assert (found["IsWon"], found["IsClosed"], found["Probability"]) == expected
    assert _refusal(await api.patch(url, json={"IsWon": True})) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    unknown = await api.patch(url, json={"StageName": "Nope"})
    assert _refusal(unknown) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")


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
    await _make(api, "Account", Name="First", Sluiceway_Id__c="taken")
    assert _refusal(await api.post(f"{DATA}/sobjects/Account", json=body)) == (400, code)
    assert len(await _query(api, "SELECT Id FROM Account")) == 1


async def test_bad_addresses_have_the_vendors_codes(api: httpx.AsyncClient) -> None:
    """Malformed ids, unknown objects, foreign methods and bodies that are no JSON are told apart."""
    assert _refusal(await api.get(f"{DATA}/sobjects/Account/xyz")) == (400, "MALFORMED_ID")
    assert _refusal(await api.get(f"{DATA}/sobjects/Nope/001000000000001AAA")) == (404, "NOT_FOUND")
    assert _refusal(await api.delete(f"{DATA}/sobjects/Account")) == (405, "METHOD_NOT_ALLOWED")
    assert _refusal(await api.post(f"{DATA}/sobjects/Account", content="x")) == (415, "UNSUPPORTED_MEDIA_TYPE")
    broken = await api.post(f"{DATA}/sobjects/Account", content="{", headers={"Content-Type": "application/json"})
    assert _refusal(broken) == (400, "JSON_PARSER_ERROR")
    assert _refusal(await api.patch(f"{DATA}/sobjects/Account/Name/x", json={})) == (404, "NOT_FOUND")


async def test_collections_answer_row_by_row(api: httpx.AsyncClient) -> None:
    """A failed row leaves the others unless allOrNone; codes are called statusCode; 201 rows are too many."""
    rows = [{"attributes": {"type": "Account"}, "Name": "A"}, {"attributes": {"type": "Account"}}]
    answer = await api.post(f"{DATA}/composite/sobjects", json={"allOrNone": True, "records": rows})
    codes = [row["errors"][0]["statusCode"] for row in answer.json()]
    assert (answer.status_code, codes) == (200, ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"])
    assert await _query(api, "SELECT Id FROM Account") == []
    answer = await api.post(f"{DATA}/composite/sobjects", json={"allOrNone": False, "records": rows})
    assert [row["success"] for row in answer.json()] == [True, False]
    made = answer.json()[0]["id"]
    change = [{"attributes": {"type": "Account"}, "id": made, "Name": "B"}]
    assert (await api.patch(f"{DATA}/composite/sobjects", json={"records": change})).json()[0]["id"] == made
    upsert = [{"Sluiceway_Id__c": "x", "Name": "X"}, {"Sluiceway_Id__c": "x", "Name": "Y"}]
    answer = await api.patch(f"{DATA}/composite/sobjects/Account/Sluiceway_Id__c", json={"records": upsert})
    assert [row["created"] for row in answer.json()] == [True, False]
    answer = await api.delete(f"{DATA}/composite/sobjects", params={"ids": f"{made},001000000000001AAA"})
    assert [row["success"] for row in answer.json()] == [True, False]
    answer = await api.post(f"{DATA}/composite/sobjects", json={"records": rows * 101})
    assert _refusal(answer) == (400, "EXCEEDED_ID_LIMIT")


def _composite(*, all_or_none: bool, last: dict[str, Any]) -> dict[str, Any]:
    first = {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "acct", "body": {"Name": "A"}}
    contact = {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "person"}
    contact |= {"body": {"LastName": "L", "AccountId": "@{acct.id}"}}
    return {"allOrNone": all_or_none, "compositeRequest": [first, contact, {"referenceId": "last", **last}]}


async def test_composite_calls_refer_to_each_other(api: httpx.AsyncClient) -> None:
    """A later call uses an earlier one's id, and a query in it sees what came before."""
    query = {"method": "GET", "url": f"{DATA}/query?q=SELECT+Account.Name+FROM+Contact+WHERE+Id='@{{person.id}}'"}
    answer = await api.post(f"{DATA}/composite", json=_composite(all_or_none=True, last=query))
    parts = answer.json()["compositeResponse"]
    assert [part["httpStatusCode"] for part in parts] == [201, 201, 200]
    assert parts[2]["body"]["records"][0]["Account"]["Name"] == "A"
    assert (await api.get(f"{DATA}/limits")).headers["Sforce-Limit-Info"] == "api-usage=2/100000"


async def test_a_composite_is_undone_as_a_whole_when_asked(api: httpx.AsyncClient) -> None:
    """With allOrNone a failure undoes its siblings, without it they stay; a dead reference halts its call."""
    bad = {"method": "POST", "url": f"{DATA}/sobjects/Account", "body": {}}
    answer = await api.post(f"{DATA}/composite", json=_composite(all_or_none=True, last=bad))
    codes = [part["body"][0]["errorCode"] for part in answer.json()["compositeResponse"]]
    assert codes == ["PROCESSING_HALTED", "PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert await _query(api, "SELECT Id FROM Contact") == []
    dead = {"method": "GET", "url": f"{DATA}/sobjects/Account/@{{nobody.id}}"}
    answer = await api.post(f"{DATA}/composite", json=_composite(all_or_none=False, last=dead))
    assert answer.json()["compositeResponse"][2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert len(await _query(api, "SELECT Id FROM Contact")) == 1


async def test_a_locator_belongs_to_its_session(api: httpx.AsyncClient, clock: Any) -> None:
    """The frozen result goes on under the session that asked, not under another, and not after two days."""
    rows = [{"attributes": {"type": "Lead"}, "LastName": str(n), "Company": "C"} for n in range(200)]
    await api.post(f"{DATA}/composite/sobjects", json={"records": rows})
    await _make(api, "Lead", LastName="last", Company="C")
    headers = {"Sforce-Query-Options": "batchSize=200"}
    first = (await api.get(f"{DATA}/query/", params={"q": "SELECT Id FROM Lead"}, headers=headers)).json()
    assert (first["done"], first["nextRecordsUrl"].endswith("-200")) == (False, True)
    other = {"Authorization": f"Bearer {(await _known(api))['access_token']}"}
    assert _refusal(await api.get(first["nextRecordsUrl"], headers=other)) == (401, "INVALID_SESSION_ID")
    second = (await api.get(first["nextRecordsUrl"])).json()
    assert (second["done"], len(second["records"]), "nextRecordsUrl" in second) == (True, 1, False)
    await api.post("/__sandbox/settings", json={"account": "acme", "settings": {"session_seconds": 400_000}})
    api.headers["Authorization"] = f"Bearer {(await _known(api))['access_token']}"
    third = (await api.get(f"{DATA}/query/", params={"q": "SELECT Id FROM Lead"}, headers=headers)).json()
    clock.instant += timedelta(days=2)
    assert _refusal(await api.get(third["nextRecordsUrl"])) == (400, "INVALID_QUERY_LOCATOR")


async def test_the_daily_limit_rolls(api: httpx.AsyncClient, clock: Any) -> None:
    """The call over the limit is 403; a day after the first calls there is room again."""
    await api.post("/__sandbox/settings", json={"account": "acme", "settings": {"session_seconds": 400_000}})
    api.headers["Authorization"] = f"Bearer {(await _known(api))['access_token']}"
    await api.post("/__sandbox/limits", json={"account": "acme", "limits": {"DailyApiRequests": 2}})
    assert (await api.get(f"{DATA}/limits")).json()["DailyApiRequests"] == {"Max": 2, "Remaining": 1}
    clock.instant += timedelta(hours=12)
    await api.get(f"{DATA}/limits")
    refused = await api.get(f"{DATA}/limits")
    assert _refusal(refused) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert refused.headers["Sforce-Limit-Info"] == "api-usage=2/2"
    clock.instant += timedelta(hours=12)
    assert (await api.get(f"{DATA}/limits")).status_code == 200


async def test_deleting_takes_dependents_along(api: httpx.AsyncClient, clock: Any) -> None:
    """An account's contacts and deals go to the bin with it; deleted and updated list what happened in a window."""
    account = await _make(api, "Account", Name="A")
    contact = await _make(api, "Contact", LastName="L", AccountId=account)
    kept = await _make(api, "Account", Name="B")
    start = clock.now().isoformat()
    clock.instant += timedelta(minutes=1)
    await api.delete(f"{DATA}/sobjects/Account/{account}")
    assert _refusal(await api.delete(f"{DATA}/sobjects/Contact/{contact}")) == (404, "ENTITY_IS_DELETED")
    window = {"start": start, "end": (clock.now() + timedelta(minutes=1)).isoformat()}
    gone = (await api.get(f"{DATA}/sobjects/Account/deleted/", params=window)).json()["deletedRecords"]
    assert gone == [{"id": account, "deletedDate": "2026-03-01T12:01:00.000+0000"}]
    assert (await api.get(f"{DATA}/sobjects/Account/updated/", params=window)).json()["ids"] == [kept]


async def test_a_restart_keeps_records_fields_and_sessions(api: httpx.AsyncClient, start: Start) -> None:
    """A new process over the same folder answers as before, numbers and new ids included."""
    field = {"FullName": "Account.Size__c", "Metadata": {"type": "Number", "scale": 0}}
    assert (await api.post(f"{DATA}/tooling/sobjects/CustomField", json=field)).status_code == 201
    made = await _make(api, "Account", Name="A", Size__c=7, Sluiceway_Id__c="k")
    again = await start({"salesforce": (0, build)})
    headers = {"Authorization": api.headers["Authorization"]}
    async with httpx.AsyncClient(base_url=again.url("salesforce"), headers=headers) as http:
        found = await _query(http, "SELECT Name, Size__c FROM Account WHERE Size__c > 6")
        assert (found[0]["Name"], found[0]["Size__c"]) == ("A", 7)
        answer = await http.patch(f"{DATA}/sobjects/Account/Sluiceway_Id__c/K", json={"Name": "B"})
        assert answer.json() == {"id": made, "success": True, "errors": [], "created": False}
        assert await _make(http, "Account", Name="C") > made


async def test_samples_are_the_same_for_the_same_seed(api: httpx.AsyncClient) -> None:
    """Seeding makes linked records, equal in two orgs."""
    seen = []
    for account in ("one", "two"):
        made = (await api.post("/__sandbox/seed", json={"account": account, "size": 30, "seed": 4})).json()["made"]
        headers = {"Authorization": f"Bearer {(await _known(api, account))['access_token']}"}
        text = "SELECT Name, Amount, (SELECT Quantity FROM OpportunityLineItems) FROM Opportunity"
        rows = (await api.get(f"{DATA}/query", params={"q": text}, headers=headers)).json()["records"]
        seen.append((made, [(row["Name"], row["Amount"]) for row in rows]))
    assert seen[0] == seen[1]
    assert (seen[0][0]["Contact"], seen[0][0]["Account"], len(seen[0][1])) == (30, 8, 2)


def _branch(reference: str, contacts: list[dict[str, Any]]) -> dict[str, Any]:
    children = [
        {"attributes": {"type": "Contact", "referenceId": f"{reference}-{number}"}, **contact}
        for number, contact in enumerate(contacts)
    ]
    row = {"attributes": {"type": "Account", "referenceId": reference}, "Name": reference}
    return {**row, "Contacts": {"records": children}}


async def test_a_tree_is_made_whole_or_not_at_all(api: httpx.AsyncClient) -> None:
    """Children refer to their parent; one bad leaf is named by its reference and nothing is made."""
    bad = await api.post(f"{DATA}/composite/tree/Account", json={"records": [_branch("a", [{"LastName": "L"}, {}])]})
    assert (bad.status_code, bad.json()["hasErrors"]) == (400, True)
    assert [row["referenceId"] for row in bad.json()["results"]] == ["a-1"]
    assert await _query(api, "SELECT Id FROM Account") == []
    good = await api.post(f"{DATA}/composite/tree/Account", json={"records": [_branch("a", [{"LastName": "L"}])]})
    assert [row["referenceId"] for row in good.json()["results"]] == ["a", "a-0"]
    assert (await _query(api, "SELECT Account.Name FROM Contact"))[0]["Account"]["Name"] == "a"
    twice = {"records": [_branch("a", []), _branch("a", [])]}
    assert _refusal(await api.post(f"{DATA}/composite/tree/Account", json=twice)) == (400, "INVALID_INPUT")


async def test_a_batch_has_no_common_fate(api: httpx.AsyncClient) -> None:
    """Each call stands alone unless the client halts on an error; one API call in all for the daily limit."""
    parts = [
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {}},
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": "A"}},
        {"method": "GET", "url": "v67.0/query?q=SELECT+COUNT()+FROM+Account"},
    ]
    answer = (await api.post(f"{DATA}/composite/batch", json={"batchRequests": parts})).json()
    assert (answer["hasErrors"], [row["statusCode"] for row in answer["results"]]) == (True, [400, 201, 200])
    assert answer["results"][2]["result"]["totalSize"] == 1
    halted = (await api.post(f"{DATA}/composite/batch", json={"batchRequests": parts, "haltOnError": True})).json()
    assert [row["statusCode"] for row in halted["results"]] == [400, 412, 412]


async def test_each_graph_is_atomic(api: httpx.AsyncClient) -> None:
    """A failed graph leaves nothing, its neighbour everything; nodes refer to one another."""
    url = f"{DATA}/sobjects"
    nodes = [
        {"method": "POST", "url": f"{url}/Account", "referenceId": "a", "body": {"Name": "A"}},
        {
            "method": "POST",
            "url": f"{url}/Contact",
            "referenceId": "c",
            "body": {"LastName": "L", "AccountId": "@{a.id}"},
        },
    ]
    bad = [nodes[0], {**nodes[1], "body": {}}]
    graphs = [{"graphId": "1", "compositeRequest": nodes}, {"graphId": "2", "compositeRequest": bad}]
    answer = (await api.post(f"{DATA}/composite/graph", json={"graphs": graphs})).json()["graphs"]
    assert [(found["graphId"], found["isSuccessful"]) for found in answer] == [("1", True), ("2", False)]
    assert len(await _query(api, "SELECT Id FROM Account")) == 1


async def test_a_read_can_ask_for_news_only(api: httpx.AsyncClient) -> None:
    """If-Modified-Since gives 304 for an unchanged record."""
    account = await _make(api, "Account", Name="A")
    for when, status in (("Sun, 01 Mar 2026 12:00:01 GMT", 304), ("Sun, 01 Mar 2026 11:59:59 GMT", 200)):
        answer = await api.get(f"{DATA}/sobjects/Account/{account}", headers={"If-Modified-Since": when})
        assert answer.status_code == status


async def test_an_address_must_not_be_too_long(api: httpx.AsyncClient) -> None:
    """Address and headers of more than 16,384 bytes are a 431, as for a wide SELECT."""
    for length, status in ((15_000, 200), (17_000, 431)):
        text = "SELECT Id FROM Account WHERE Name IN ('" + "x" * 3_000 + "'" + ",'y'" * ((length - 3_100) // 4) + ")"
        answer = await api.get(f"{DATA}/query?q=" + text.replace(" ", "+"))
        assert answer.status_code == status
