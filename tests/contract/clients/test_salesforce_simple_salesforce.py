"""simple-salesforce, unmodified, against the Salesforce sandbox over HTTPS.

Most tests pass in a session id, which the client offers for such cases. Where the client logs in itself it builds its
address as `https://{domain}.salesforce.com`; a transport adapter, the client library's own means, leads that host to
the sandbox.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from connectors.sandbox.server import Sandboxes, serve

VERSION = "67.0"
NO_WAIT = 0
"""Seconds before a bulk job is first looked at, five by default; later looks come ever more seldom all the same."""
Client = Any
"""A `Salesforce`: to its own annotations each object is a bulk handler, which cannot be called."""
DEAL = (
    "SELECT Id, Name, IsWon, IsClosed, Amount, Probability, HasOpportunityLineItem, Account.Name, Owner.Name, "
    "(SELECT Quantity, UnitPrice, TotalPrice, PricebookEntry.Product2.ProductCode FROM OpportunityLineItems "
    "ORDER BY TotalPrice DESC), (SELECT ContactId, IsPrimary, Contact.Email FROM OpportunityContactRoles) "
    "FROM Opportunity WHERE Id = {}"
)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandboxes]:
    """The Salesforce sandbox on a free port."""
    served = await serve(["salesforce"], tmp_path, {"salesforce": 0})
    yield served
    await served.aclose()


@pytest.fixture
async def client(sandbox: Sandboxes) -> AsyncIterator[Client]:
    """A client that trusts the sandbox's authority and has a session from the token endpoint."""
    url = sandbox.url("salesforce", "https")
    async with httpx.AsyncClient(base_url=sandbox.url("salesforce")) as http:
        known = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
    session = requests.Session()
    session.trust_env = False  # a CA bundle in the environment would win over `verify`
    session.verify = str(sandbox.ca_file)
    token = await asyncio.to_thread(
        session.post,
        f"{url}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(known["client_id"], known["client_secret"]),
    )
    granted = token.json()
    assert granted["instance_url"] == url
    yield Salesforce(
        session_id=granted["access_token"], instance_url=granted["instance_url"], session=session, version=VERSION
    )
    session.close()


def _price(sf: Client, code: str) -> str:
    by_code = "SELECT Id FROM PricebookEntry WHERE Product2.ProductCode = {} AND Pricebook2.IsStandard = true"
    found = sf.query(format_soql(by_code, code))
    return str(found["records"][0]["Id"])


def _won_deal(sf: Client) -> dict[str, str]:
    account = sf.Account.create({"Name": "O'Hara & Söhne", "Sluiceway_Id__c": "party-1"})["id"]
    contact = sf.Contact.create(
        {"LastName": "O'Hara", "FirstName": "Mia", "Email": "mia@ohara.example", "AccountId": account}
    )["id"]
    deal = sf.Opportunity.create(
        {"Name": "Rollout", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-12-31"}
    )["id"]
    sf.OpportunityContactRole.create({"OpportunityId": deal, "ContactId": contact, "IsPrimary": True})
    for code, quantity, price in (("EDGE-GW", 2, 1100.5), ("PLAT-SUB", 12, 300)):
        line = {"OpportunityId": deal, "PricebookEntryId": _price(sf, code), "Quantity": quantity, "UnitPrice": price}
        sf.OpportunityLineItem.create(line)
    assert sf.Opportunity.update(deal, {"StageName": "Closed Won"}) == 204
    return {"account": account, "contact": contact, "deal": deal}


async def test_a_won_deal_can_be_built_and_read_back(client: Client) -> None:
    """Account, contact, opportunity, two lines and a role come back in one query with subqueries and parents."""

    def session() -> tuple[dict[str, str], dict[str, Any]]:
        made = _won_deal(client)
        found = client.query(format_soql(DEAL, made["deal"]))
        return made, found["records"][0]

    made, deal = await asyncio.to_thread(session)
    assert (deal["IsWon"], deal["IsClosed"], deal["Probability"], deal["HasOpportunityLineItem"]) == (
        True,
        True,
        100.0,
        True,
    )
    assert deal["Amount"] == 2201.0 + 3600.0
    assert deal["Account"]["Name"] == "O'Hara & Söhne"
    assert deal["Owner"]["Name"] == "Integration User"
    lines = deal["OpportunityLineItems"]["records"]
    assert [line["PricebookEntry"]["Product2"]["ProductCode"] for line in lines] == ["PLAT-SUB", "EDGE-GW"]
    assert [line["TotalPrice"] for line in lines] == [3600.0, 2201.0]
    role = deal["OpportunityContactRoles"]["records"][0]
    assert (role["ContactId"], role["IsPrimary"], role["Contact"]["Email"]) == (
        made["contact"],
        True,
        "mia@ohara.example",
    )


async def test_the_client_follows_pages(client: Client) -> None:
    """query_all walks locators to the end, whatever number of pages there is."""

    def session() -> tuple[dict[str, Any], list[Any]]:
        for start in range(0, 450, 150):
            rows = [
                {"attributes": {"type": "Lead"}, "LastName": f"L{n}", "Company": "C"} for n in range(start, start + 150)
            ]
            answer = client.restful("composite/sobjects", method="POST", json={"allOrNone": True, "records": rows})
            assert all(row["success"] for row in answer)
        headers = {"Sforce-Query-Options": "batchSize=200"}
        first = client.query("SELECT LastName FROM Lead ORDER BY CreatedDate, Id", headers=headers)
        return first, list(client.query_all_iter("SELECT LastName FROM Lead ORDER BY CreatedDate, Id", headers=headers))

    first, rows = await asyncio.to_thread(session)
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    assert [row["LastName"] for row in rows] == [f"L{n}" for n in range(450)]


async def test_upsert_by_external_id_creates_then_updates(client: Client) -> None:
    """The same external id is one record; an ambiguous one is refused with its candidates."""

    def session() -> tuple[Any, ...]:
        first = client.Account.upsert("Sluiceway_Id__c/p-9", {"Name": "Nine"})
        second = client.Account.upsert("Sluiceway_Id__c/P-9", {"Name": "Nine Ltd"})
        found = client.Account.get_by_custom_id("Sluiceway_Id__c", "p-9")
        for name in ("One", "Two"):
            client.Contact.create({"LastName": name, "Sluiceway_Id__c": "twice"})
        with pytest.raises(SalesforceMoreThanOneRecord):
            client.Contact.upsert("Sluiceway_Id__c/twice", {"LastName": "Three"})
        return first, second, found["Name"], client.query("SELECT COUNT() FROM Account")["totalSize"]

    assert await asyncio.to_thread(session) == (201, 200, "Nine Ltd", 1)


async def test_errors_reach_the_client_as_its_exceptions(client: Client) -> None:
    """Bad queries, bad records, missing records and dead sessions carry the vendor's codes."""

    def session() -> None:
        with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
            client.query("SELECT Id FORM Account")
        with pytest.raises(SalesforceMalformedRequest, match="No such column 'Nope__c'"):
            client.query("SELECT Nope__c FROM Account")
        with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
            client.Opportunity.create({"Name": "No stage"})
        with pytest.raises(SalesforceResourceNotFound, match="NOT_FOUND"):
            client.Account.get("001000000000001AAA")
        account = client.Account.create({"Name": "Gone"})["id"]
        assert client.Account.delete(account) == 204
        with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
            client.Account.update(account, {"Name": "Back"})
        assert client.query("SELECT COUNT() FROM Account", include_deleted=True)["totalSize"] == 1
        client.session_id = "00D000000000001!nonsense"
        client._generate_headers()
        with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
            client.query("SELECT Id FROM Account")

    await asyncio.to_thread(session)


async def test_describe_limits_and_usage_are_what_the_client_expects(client: Client) -> None:
    """Field lists, limits and the usage header are what the client parses."""

    def session() -> tuple[set[str], dict[str, Any], Any]:
        fields = {field["name"] for field in client.Opportunity.describe()["fields"]}
        limits = client.limits()
        return fields, limits["DailyApiRequests"], client.api_usage["api-usage"]

    fields, limits, usage = await asyncio.to_thread(session)
    assert {"StageName", "IsWon", "Sluiceway_Invoice_Id__c"} <= fields
    assert limits == {"Max": 100_000, "Remaining": 99_998}
    assert (usage.used, usage.total) == (2, 100_000)


async def test_a_lead_is_converted_and_then_read_only(client: Client) -> None:
    """The stand-in for convertLead makes account, contact and opportunity and closes the lead for writing."""

    def session() -> tuple[dict[str, Any], dict[str, Any]]:
        lead = client.Lead.create({"LastName": "Ito", "Company": "Ito KK", "Email": "ito@ito.example"})["id"]
        body = {"leadId": lead, "convertedStatus": "Closed - Converted", "opportunityName": "First order"}
        done = client.apexecute("convert-lead", method="POST", data=body)
        with pytest.raises(SalesforceMalformedRequest, match="CANNOT_UPDATE_CONVERTED_LEAD"):
            client.Lead.update(lead, {"Company": "Other"})
        return done, client.Lead.get(lead)

    done, lead = await asyncio.to_thread(session)
    assert done["success"] is True
    assert lead["IsConverted"] is True
    assert lead["ConvertedOpportunityId"] == done["opportunityId"]
    assert lead["ConvertedAccountId"] == done["accountId"]


async def test_a_custom_field_can_be_declared(client: Client) -> None:
    """A field declared through the Tooling API holds values; before that it is an INVALID_FIELD."""

    def session() -> Any:
        with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
            client.Account.create({"Name": "A", "Region__c": "north"})
        field = {"FullName": "Account.Region__c", "Metadata": {"type": "Text", "length": 40, "label": "Region"}}
        client.restful("tooling/sobjects/CustomField", method="POST", json=field)
        made = client.Account.create({"Name": "A", "Region__c": "north"})["id"]
        return client.Account.get(made)["Region__c"]

    assert await asyncio.to_thread(session) == "north"


class Detour(requests.adapters.HTTPAdapter):
    """Leads every https address to the sandbox's plain one."""

    def __init__(self, netloc: str) -> None:
        self.netloc = netloc
        super().__init__()

    def send(self, request: requests.PreparedRequest, *rest: Any, **more: Any) -> requests.Response:
        """Send to the sandbox."""
        request.url = urlsplit(request.url or "")._replace(scheme="http", netloc=self.netloc).geturl()
        return super().send(request, *rest, **more)


@pytest.mark.parametrize("flow", ["client credentials", "jwt", "soap"])
async def test_the_client_logs_in_by_itself(sandbox: Sandboxes, flow: str) -> None:
    """Client credentials by Basic header, a JWT signed with the offered key, and SOAP login of an old version work."""
    async with httpx.AsyncClient(base_url=sandbox.url("salesforce")) as http:
        known = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
    ways: dict[str, dict[str, Any]] = {
        "client credentials": {"consumer_key": known["client_id"], "consumer_secret": known["client_secret"]},
        "jwt": {
            "username": known["username"],
            "consumer_key": known["client_id"],
            "privatekey": known["jwt_private_key"],
        },
        "soap": {
            "username": known["username"],
            "password": known["password"],
            "security_token": known["security_token"],
        },
    }

    def session() -> str:
        with requests.Session() as http:
            http.trust_env = False
            http.mount("https://", Detour(urlsplit(sandbox.url("salesforce")).netloc))
            version = "64.0" if flow == "soap" else VERSION
            client: Client = Salesforce(**ways[flow], domain="acme.my", session=http, version=version)
            return str(client.Account.create({"Name": "A"})["id"])

    assert (await asyncio.to_thread(session)).startswith("001")


async def test_bulk_jobs_load_and_extract(client: Client, tmp_path: Path) -> None:
    """The client's Bulk 2.0 part inserts, upserts, updates, queries and deletes, and reads every result file."""

    def session() -> tuple[list[Any], list[str], int]:
        rows = [{"Name": f'N,"{n}"', "Sluiceway_Id__c": f"k{n}"} for n in range(25)]
        told = client.bulk2.Account.insert(records=rows, batch_size=10, wait=NO_WAIT)
        failed = client.bulk2.Account.insert(records=[{"Name": "", "Phone": "1"}], wait=NO_WAIT)[0]
        why = client.bulk2.Account.get_failed_records(failed["job_id"])
        upserted = client.bulk2.Account.upsert(
            records=[{"Sluiceway_Id__c": "K1", "Name": "One"}], external_id_field="Sluiceway_Id__c", wait=NO_WAIT
        )
        file = tmp_path / "accounts.csv"
        pages = client.bulk2.Account.query("SELECT Id, Name FROM Account", max_records=10, wait=NO_WAIT)
        file.write_text("".join(pages))
        ids = [line.split(",")[0].strip('"') for line in file.read_text().splitlines() if line.startswith('"001')]
        deleted = client.bulk2.Account.delete(records=[{"Id": record_id} for record_id in ids], wait=NO_WAIT)
        counts = [*(job["numberRecordsProcessed"] for job in (*told, *upserted, *deleted)), why.count("REQUIRED")]
        return counts, ids, client.query("SELECT COUNT() FROM Account")["totalSize"]

    counts, ids, left = await asyncio.to_thread(session)
    assert (counts, len(ids), left) == ([10, 10, 5, 1, 25, 1], 25, 0)


async def test_fields_and_objects_are_declared_by_metadata(
    client: Client, sandbox: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Metadata API part makes an object and a field, tells of what is there already, and reads a field back."""
    # This part of the client has a session of its own, which takes the authority from the environment alone.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(sandbox.ca_file))

    def session() -> tuple[Any, ...]:
        api = client.mdapi
        sharing = {"deploymentStatus": "Deployed", "sharingModel": "ReadWrite", "label": "Plan", "pluralLabel": "Plans"}
        name = api.CustomField(label="Plan", type=api.FieldType("Text"), length=80)
        plan = api.CustomObject(fullName="Plan__c", nameField=name, **sharing)
        api.CustomObject.create(plan)
        field = api.CustomField(
            fullName="Plan__c.Seats__c", label="Seats", type=api.FieldType("Number"), scale=0, externalId=True
        )
        api.CustomField.create(field)
        with pytest.raises(Exception, match="There is already a field named Seats__c on Plan__c"):
            api.CustomField.create(field)
        read = api.CustomField.read("Plan__c.Seats__c")
        made = client.Plan__c.create({"Name": "Gold", "Seats__c": 5})["id"]
        return read.fullName, read.externalId, client.Plan__c.get(made)["Seats__c"]

    assert await asyncio.to_thread(session) == ("Plan__c.Seats__c", True, 5.0)


async def test_objects_describe_themselves(client: Client) -> None:
    """The list of objects, an object's summary and its deleted and updated ids are what the client expects."""

    def session() -> tuple[Any, ...]:
        names = {found["name"] for found in client.describe()["sobjects"]}
        summary = client.Account.metadata()["objectDescribe"]
        made = client.Account.create({"Name": "A"})["id"]
        start, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
        updated = client.Account.updated(start, end)["ids"]
        client.Account.delete(made)
        gone = [row["id"] for row in client.Account.deleted(start, end)["deletedRecords"]]
        return {"Lead", "Opportunity"} <= names, summary["keyPrefix"], updated == gone == [made]

    assert await asyncio.to_thread(session) == (True, "001", True)
