"""SOAP calls: what REST has no resource for."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from connectors.sandbox.salesforce.app import build

DATA, SOAP = "/services/data/v67.0", "/services/Soap/u/67.0"
Start = Callable[..., Any]
HEAD = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:urn="urn:partner.soap.sforce.com">'
)


class Org:
    """One org over REST and SOAP."""

    def __init__(self, http: httpx.AsyncClient, known: dict[str, Any]) -> None:
        self.http = http
        self.known = known

    async def make(self, name: str, **values: object) -> str:
        """Create a record."""
        answer = await self.http.post(f"{DATA}/sobjects/{name}", json=values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def get(self, name: str, record_id: str) -> dict[str, Any]:
        """Read a record, one in the bin too."""
        every = await self.http.get(f"{DATA}/sobjects/{name}/describe")
        fields = ", ".join(field["name"] for field in every.json()["fields"])
        text = f"SELECT {fields} FROM {name} WHERE Id = '{record_id}'"  # noqa: S608 - SOQL
        found: dict[str, Any] = (await self.http.get(f"{DATA}/queryAll", params={"q": text})).json()["records"][0]
        return found

    async def call(self, body: str, url: str = SOAP, session: str | None = None) -> httpx.Response:
        """Send an envelope."""
        session = self.known["access_token"] if session is None else session
        head = f"<urn:SessionHeader><urn:sessionId>{session}</urn:sessionId></urn:SessionHeader>"
        head += "<urn:CallOptions><urn:client>tool</urn:client></urn:CallOptions>"
        envelope = (
            f"{HEAD}<soapenv:Header>{head}</soapenv:Header><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
        )
        headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
        return await self.http.post(url, content=envelope, headers=headers)

    async def results(self, body: str) -> list[dict[str, str]]:
        """The results of a call, an inner element each."""
        answer = await self.call(body)
        assert answer.status_code == 200, answer.text
        rows = ET.fromstring(answer.content)[0][0]  # noqa: S314 - our own sandbox's answer
        return [{part.tag.rpartition("}")[2]: _text(part) for part in row} for row in rows]


def _text(part: ET.Element) -> str:
    inner = {child.tag.rpartition("}")[2]: child.text for child in part}
    return str(inner.get("statusCode") or part.text or "")


def _fault(answer: httpx.Response) -> tuple[int, str]:
    found = ET.fromstring(answer.content)  # noqa: S314 - our own sandbox's answer
    code = next(part for part in found.iter() if part.tag.endswith("}exceptionCode"))
    return answer.status_code, str(code.text)


@pytest.fixture
async def org(start: Start) -> AsyncIterator[Org]:
    """Org `acme`."""
    served = await start({"salesforce": (0, build)})
    async with httpx.AsyncClient(base_url=served.url("salesforce")) as http:
        known = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
        http.headers["Authorization"] = f"Bearer {known['access_token']}"
        yield Org(http, known)


async def test_leads_are_converted_one_by_one(org: Org) -> None:
    """A lead makes three records or joins existing ones, whose empty fields it fills; a bad one is its row's error."""
    first = await org.make("Lead", LastName="Ito", Company="Ito KK", Phone="1", LeadSource="Web", City="Kyoto")
    second = await org.make("Lead", LastName="Abe", Company="Abe KK", Phone="2", LeadSource="Web")
    account = await org.make("Account", Name="Kept", Phone="7")
    contact = await org.make("Contact", LastName="Kept", AccountId=account, LeadSource="Fair")
    body = "".join(
        f"<urn:leadConverts><urn:leadId>{lead}</urn:leadId>{more}"
        "<urn:convertedStatus>Closed - Converted</urn:convertedStatus></urn:leadConverts>"
        for lead, more in (
            (first, f"<urn:accountId>{account}</urn:accountId><urn:contactId>{contact[:15]}</urn:contactId>"),
            (first, ""),
            (second, "<urn:doNotCreateOpportunity>true</urn:doNotCreateOpportunity>"),
        )
    )
    rows = await org.results(f"<urn:convertLead>{body}</urn:convertLead>")
    assert [(row["success"], row.get("errors", "")) for row in rows] == [
        ("true", ""),
        ("false", "CANNOT_UPDATE_CONVERTED_LEAD"),
        ("true", ""),
    ]
    assert (rows[0]["accountId"], rows[0]["contactId"]) == (account, contact)
    kept, person = await org.get("Account", account), await org.get("Contact", contact)
    assert (kept["Phone"], kept["BillingCity"], person["LeadSource"]) == ("7", "Kyoto", "Fair")
    assert (rows[2]["opportunityId"], (await org.get("Lead", second))["ConvertedOpportunityId"]) == ("", None)
    assert (await org.get("Lead", first))["ConvertedContactId"] == contact


async def test_a_merge_moves_what_belonged_to_the_losers(org: Org) -> None:
    """Losers go to the bin with the master's id, their children refer to the master, and they cannot come back."""
    master, loser, other = [await org.make("Account", Name=name, Phone="1") for name in ("M", "L", "O")]
    contact = await org.make("Contact", LastName="C", AccountId=loser)
    rows = await org.results(
        "<urn:merge><urn:request><urn:masterRecord xsi:type='urn:Account'>"
        f"<urn:Id>{master}</urn:Id><urn:Name>Merged</urn:Name><urn:fieldsToNull>Phone</urn:fieldsToNull></urn:masterRecord>"
        f"<urn:recordToMergeIds>{loser}</urn:recordToMergeIds><urn:recordToMergeIds>{other}</urn:recordToMergeIds>"
        "</urn:request></urn:merge>"
    )
    assert (rows[0]["success"], rows[0]["id"], rows[0]["updatedRelatedIds"]) == ("true", master, contact)
    kept, lost = await org.get("Account", master), await org.get("Account", loser)
    assert (kept["Name"], kept["Phone"], kept["MasterRecordId"]) == ("Merged", None, None)
    assert (lost["IsDeleted"], lost["MasterRecordId"]) == (True, master)
    assert (await org.get("Contact", contact))["AccountId"] == master
    rows = await org.results(f"<urn:undelete><urn:ids>{loser}</urn:ids></urn:undelete>")
    assert (rows[0]["success"], rows[0]["errors"]) == ("false", "UNDELETE_FAILED")
    rows = await org.results(
        f"<urn:merge><urn:request><urn:masterRecord><urn:type>Product2</urn:type><urn:Id>{master}</urn:Id>"
        f"</urn:masterRecord><urn:recordToMergeIds>{other}</urn:recordToMergeIds></urn:request></urn:merge>"
    )
    assert rows[0]["errors"] == "INVALID_TYPE"


async def test_undelete_brings_back_what_was_deleted_along(org: Org, clock: Any) -> None:
    """A deleted account comes back with its contacts, but not with one that was deleted before it."""
    account = await org.make("Account", Name="A")
    before = await org.make("Contact", LastName="Before", AccountId=account)
    along = await org.make("Contact", LastName="Along", AccountId=account)
    for name, record_id in (("Contact", before), ("Account", account)):
        clock.instant += timedelta(minutes=1)
        assert (await org.http.delete(f"{DATA}/sobjects/{name}/{record_id}")).status_code == 204
    clock.instant += timedelta(minutes=1)
    rows = await org.results(f"<urn:undelete><urn:ids>{account}</urn:ids><urn:ids>{account}</urn:ids></urn:undelete>")
    assert [row.get("errors", "") for row in rows] == ["", "UNDELETE_FAILED"]
    assert [(await org.get("Contact", found))["IsDeleted"] for found in (before, along)] == [True, False]


async def test_the_bin_can_be_emptied(org: Org, clock: Any) -> None:
    """A purged record is in no query any more, but getDeleted still tells of it; a live one cannot be purged."""
    start = clock.now()
    account, live = await org.make("Account", Name="A"), await org.make("Account", Name="B")
    clock.instant += timedelta(minutes=1)
    rows = await org.results(f"<urn:delete><urn:ids>{account}</urn:ids></urn:delete>")
    assert rows[0] == {"id": account, "success": "true"}
    clock.instant += timedelta(minutes=1)
    rows = await org.results(
        f"<urn:emptyRecycleBin><urn:ids>{account}</urn:ids><urn:ids>{live}</urn:ids></urn:emptyRecycleBin>"
    )
    assert [row.get("errors", "") for row in rows] == ["", "INVALID_ID_FIELD"]
    found = await org.http.get(f"{DATA}/queryAll", params={"q": "SELECT Id FROM Account"})
    assert [row["Id"] for row in found.json()["records"]] == [live]
    window = {"start": start.isoformat(), "end": (clock.now() + timedelta(minutes=1)).isoformat()}
    gone = (await org.http.get(f"{DATA}/sobjects/Account/deleted/", params=window)).json()["deletedRecords"]
    assert gone == [{"id": account, "deletedDate": "2026-03-01T12:01:00.000+0000"}]


async def test_login_ends_with_api_64(org: Org) -> None:
    """Username and password give a session up to API 64.0; later versions and wrong passwords are faults."""
    known = org.known
    good = f"<urn:login><urn:username>{known['username']}</urn:username><urn:password>{known['password']}"
    good += f"{known['security_token']}</urn:password></urn:login>"
    answer = await org.call(good, "/services/Soap/u/64.0", session="")
    found = {part.tag.rpartition("}")[2]: part.text for part in ET.fromstring(answer.content).iter()}  # noqa: S314
    assert found["serverUrl"] == f"{str(org.http.base_url).rstrip('/')}/services/Soap/u/64.0/{known['org_id']}"
    assert found["organizationId"] == known["org_id"]
    headers = {"Authorization": f"Bearer {found['sessionId']}"}
    assert (await org.http.get(f"{DATA}/limits", headers=headers)).status_code == 200
    assert _fault(await org.call(good, session="")) == (500, "UNSUPPORTED_API_VERSION")
    bad = good.replace(known["security_token"], "x")
    assert _fault(await org.call(bad, "/services/Soap/u/64.0", session="")) == (500, "INVALID_LOGIN")


@pytest.mark.parametrize(
    ("body", "session", "code"),
    [
        ("<urn:getUserInfo/>", "00D000000000001!x", "INVALID_SESSION_ID"),
        ("<urn:search/>", None, "INVALID_OPERATION"),
        ("", None, "INVALID_SOAP"),
        ("<broken", None, "INVALID_SOAP"),
    ],
)
async def test_refused_calls_are_faults(org: Org, body: str, session: str | None, code: str) -> None:
    """Dead sessions, unknown calls and broken envelopes are SOAP faults with HTTP 500."""
    assert _fault(await org.call(body, session=session)) == (500, code)


async def test_who_and_when_can_be_asked(org: Org) -> None:
    """User and org, and the time of the sandbox, are told; each question is a call of the daily limit."""
    (user,) = await org.results("<urn:getUserInfo/>")
    assert (user["userId"], user["organizationId"]) == (org.known["user_id"], org.known["org_id"])
    (now,) = await org.results("<urn:getServerTimestamp/>")
    assert now["timestamp"] == "2026-03-01T12:00:00.000Z"
    left = (await org.http.get(f"{DATA}/limits")).json()["DailyApiRequests"]
    assert left["Remaining"] == 100_000 - 3
