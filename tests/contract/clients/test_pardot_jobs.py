"""The Pardot sandbox: exports, imports, bulk actions, external activities and the Salesforce connector."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.clients.kit.pardot import API, BusinessUnit, StandingClock, business_unit

DONE = timedelta(seconds=2)
UPDATED = {"name": "filter_by_updated_at", "arguments": {"updated_after": "2026-03-01T00:00:00+00:00"}}
UPSERT = {"operation": "Upsert", "object": "Prospect"}
DELETE = {"object": "Prospect", "bulkAction": "delete"}


@pytest.fixture
def clock() -> StandingClock:
    """The sandbox's clock."""
    return StandingClock()


@pytest.fixture
async def unit(tmp_path: Path, clock: StandingClock) -> AsyncIterator[BusinessUnit]:
    """A new business unit whose sessions outlive a test."""
    async with business_unit(tmp_path, clock) as made:
        await made.switch(session_seconds=100_000_000)
        fresh = (await made.http.get("/__sandbox/credentials", params={"account": "acme"})).json()
        made.http.headers["Authorization"] = f"Bearer {fresh['access_token']}"
        yield made


def form(given: dict[str, Any], *files: str) -> dict[str, Any]:
    """Make a multipart form with a part `input` and parts `file`."""
    parts: list[tuple[str, tuple[str | None, bytes, str]]] = [
        ("input", (None, json.dumps(given).encode(), "application/json"))
    ]
    parts += [("file", ("rows.csv", file.encode(), "text/csv")) for file in files]
    return {"files": parts}


def table(answer: httpx.Response) -> list[list[str]]:
    """Return the lines of a CSV answer."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.text)))


async def test_an_export_is_waited_for_and_comes_in_files(unit: BusinessUnit, clock: StandingClock) -> None:
    """Waiting, Processing, Complete; then every record once, in files that are told by address, in no order."""
    await unit.switch(export_file_records=3)
    for number in range(5):
        await unit.prospect(f"p{number}@example.com", campaignId=1, isStarred=number == 0)
    await unit.call("DELETE", "prospects/5")
    fields = ["id", "email", "campaign.name", "isStarred", "phone"]
    made = await unit.post(f"{API}/exports", {"object": "prospect", "fields": fields, "procedure": UPDATED})
    path, states = f"{API}/exports/{made['id']}", [made["status"]]
    assert await unit.refusal("GET", f"{path}/results/1") == (400, 178)
    for _ in range(2):
        clock.instant += DONE / 2
        states.append((await unit.get(path))["status"])
    assert states == ["Waiting", "Processing", "Complete"]
    refs = (await unit.get(path, fields="resultRefs"))["resultRefs"]
    assert all(ref.startswith(str(unit.http.base_url).rstrip("/")) for ref in refs)
    files = [table(await unit.call("GET", ref.removeprefix(str(unit.http.base_url).rstrip("/")))) for ref in refs]
    assert [len(lines) - 1 for lines in files] == [3, 2]
    assert {tuple(lines[0]) for lines in files} == {tuple(fields)}
    rows = sorted(line for lines in files for line in lines[1:])
    assert rows[0] == ["1", "p0@example.com", "Website Tracking", "true", ""]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]


async def test_exports_run_one_after_the_other_and_expire(unit: BusinessUnit, clock: StandingClock) -> None:
    """The second of two waits twice as long; after seven days the files are gone."""
    body = {"object": "visitorActivity", "procedure": {**UPDATED, "name": "filterByUpdatedAt"}}
    first, second = [(await unit.post(f"{API}/exports", body))["id"] for _ in range(2)]
    clock.instant += DONE
    assert (await unit.get(f"{API}/exports/{first}"))["status"] == "Complete"
    assert (await unit.get(f"{API}/exports/{second}"))["status"] != "Complete"
    clock.instant += DONE + timedelta(days=7)
    assert (await unit.get(f"{API}/exports/{second}", fields="isExpired,resultRefs")) == {
        "isExpired": True,
        "resultRefs": [],
    }
    assert await unit.ids(f"{API}/exports", orderBy="id DESC") == [second, first]
    assert await unit.refusal("GET", f"{API}/exports/{first}/results/1") == (400, 178)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"object": "unicorn", "procedure": UPDATED}, 51),
        ({"object": "prospect"}, 153),
        ({"object": "prospect", "procedure": {"name": "filter_by_mood"}}, 174),
        ({"object": "prospect", "procedure": {**UPDATED, "arguments": {"mood": 1}}}, 175),
        ({"object": "prospect", "procedure": {**UPDATED, "arguments": {}}}, 176),
        ({"object": "prospect", "procedure": {**UPDATED, "arguments": {"updated_after": "soon"}}}, 177),
        ({"object": "prospect", "procedure": {**UPDATED, "arguments": {"updated_after": "2024-01-01"}}}, 177),
        ({"object": "prospect", "procedure": UPDATED, "fields": ["mood"]}, 154),
        ({"object": "prospect", "procedure": UPDATED, "maxFileSizeBytes": 10}, 231),
        ({"object": "prospect", "procedure": UPDATED, "maxFileSizeBytes": 300_000_000}, 232),
    ],
)
async def test_exports_check_their_procedure(unit: BusinessUnit, body: dict[str, Any], code: int) -> None:
    """Object, procedure, its arguments, a window above a year and file sizes are refused with the guide's codes."""
    assert await unit.refusal("POST", f"{API}/exports", json=body) == (400, code)


async def test_activities_are_exported_by_type_and_prospect(unit: BusinessUnit, clock: StandingClock) -> None:
    """The further arguments choose; words stand for times."""
    prospect = await unit.prospect("a@example.com")
    for body in ({"type": 6, "prospectId": prospect}, {"type": 6}, {"type": 11, "prospectId": prospect}):
        await unit.post("/sandbox/visitor-activities", body)
    arguments = {"created_after": "today", "type": [6], "prospectOnly": True}
    procedure = {"name": "filter_by_created_at", "arguments": arguments}
    await unit.post(f"{API}/exports", {"object": "visitorActivity", "fields": ["id"], "procedure": procedure})
    clock.instant += DONE
    assert table(await unit.call("GET", f"{API}/exports/1/results/1")) == [["id"], ["1"]]


async def test_an_import_matches_makes_restores_and_moves_between_lists(
    unit: BusinessUnit, clock: StandingClock
) -> None:
    """Rows match by id, address or CRM id; those without a match are made; wrong rows are told with their reason."""
    known, binned = await unit.prospect("known@example.com"), await unit.prospect("gone@example.com")
    await unit.call("DELETE", f"prospects/{binned}")
    await unit.post(
        "/sandbox/salesforce-sync", {"records": [{"type": "Contact", "Id": "003A", "Email": "crm@x.com"}]}, 200
    )
    lines = [
        "matchId,matchEmail,matchSalesforceId,email,firstName,addToList,removeFromList",
        f"{known},,,known@example.com,Known,1;2,",
        ",gone@example.com,,gone@example.com,Back,,",
        ",,003A,crm@x.com,Linked,,",
        ",,,new@example.com,New,1,",
        ",,,not an address,Bad,,",
        f"{known},known@example.com,,known@example.com,Twice,,",
        ",,,list@example.com,List,99,",
    ]
    body = {**UPSERT, "restoreDeleted": True}
    made = (await unit.call("POST", f"{API}/imports", json=body)).json()
    assert made["status"] == "Open"
    batch = made["batchesRef"].removeprefix(str(unit.http.base_url).rstrip("/"))
    assert (await unit.call("POST", batch, **form({}, "\n".join(lines)))).status_code == 204
    path = f"{API}/imports/{made['id']}"
    ready = await unit.call("PATCH", path, json={"status": "Ready"})
    assert ready.json()["status"] == "Waiting"
    clock.instant += DONE
    done = await unit.get(path)
    assert [done[name] for name in ("status", "createdCount", "updatedCount", "errorCount")] == ["Complete", 1, 3, 3]
    errors = table(await unit.call("GET", f"{path}/errors"))
    assert [line[4] for line in errors] == ["firstName", "Bad", "Twice", "List"]
    assert errors[1][-1].startswith("email:")
    found = await unit.get("prospects", fields="email,firstName", orderBy="id ASC")
    assert [row["firstName"] for row in found["values"]] == ["Known", "Back", "Linked", "New"]
    memberships = await unit.get("list-memberships", fields="listId,prospect.firstName", orderBy="id ASC")
    assert [(row["listId"], row["prospect"]["firstName"]) for row in memberships["values"]] == [
        (1, "Known"),
        (2, "Known"),
        (1, "New"),
    ]


async def test_an_import_may_spare_values(unit: BusinessUnit, clock: StandingClock) -> None:
    """`overwrite` false keeps a value, `nullOverwrite` false keeps it from empty cells; a binned match is an error."""
    made = await unit.prospect("a@example.com", firstName="Ann", phone="555", company="Acme")
    gone = await unit.prospect("gone@example.com")
    await unit.call("DELETE", f"prospects/{gone}")
    rows = f"matchId,firstName,phone,company\n{made},Other,,\n{gone},Other,,\n"
    options = [
        {"field": "matchId"},
        {"field": "firstName", "overwrite": False},
        {"field": "phone", "nullOverwrite": False},
        {"field": "company"},
    ]
    given = {**UPSERT, "status": "Ready", "fieldOptions": options}
    assert (await unit.call("POST", f"{API}/imports", **form(given, rows))).json()["status"] == "Waiting"
    clock.instant += DONE
    read = await unit.get(f"prospects/{made}", fields="firstName,phone,company")
    assert read == {"firstName": "Ann", "phone": "555", "company": None}
    assert (await unit.get(f"{API}/imports/1", fields="updatedCount,errorCount")) == {
        "updatedCount": 1,
        "errorCount": 1,
    }


@pytest.mark.parametrize(
    ("files", "options", "code"),
    [
        (["email\n"], [], 159),
        (["email,phone\na@example.com\n"], [], 159),
        (["email,mood\na@example.com,good\n"], [], 130),
        (["email\na@example.com\n", "phone\n1\n"], [], 159),
        (["email\na@example.com\n"], [{"field": "phone"}], 227),
        ([""], [], 204),
        (["email\na@example.com\n"] * 11, [], 160),
    ],
)
async def test_batches_are_checked_as_they_come(
    unit: BusinessUnit, files: list[str], options: list[dict[str, Any]], code: int
) -> None:
    """Form, columns, equal headers, options and number of batches are refused with the guide's codes."""
    await unit.post(f"{API}/imports", {**UPSERT, "fieldOptions": options})
    path = f"{API}/imports/1/batches"
    for file in files[:-1]:
        assert (await unit.call("POST", path, **form({}, file))).status_code == 204
    assert await unit.refusal("POST", path, **form({}, files[-1])) == (400, code)


async def test_an_import_goes_through_its_states_once(unit: BusinessUnit, clock: StandingClock) -> None:
    """No start without data, no batch after the start, no errors before the end; an open one ends after a day."""
    await unit.post(f"{API}/imports", UPSERT)
    path = f"{API}/imports/1"
    assert await unit.refusal("PATCH", path, json={"status": "Ready"}) == (400, 156)
    assert await unit.refusal("POST", f"{path}/batches", json={}) == (400, 162)
    two = form({}, "email\na@example.com\n", "email\nb@example.com\n")
    assert await unit.refusal("POST", f"{path}/batches", **two) == (400, 163)
    await unit.call("POST", f"{path}/batches", **form({}, "email\na@example.com\n"))
    await unit.call("PATCH", path, json={"status": "Ready"})
    assert await unit.refusal("PATCH", path, json={"status": "Ready"}) == (400, 155)
    assert await unit.refusal("POST", f"{path}/batches", **form({}, "email\nb@example.com\n")) == (400, 161)
    assert await unit.refusal("GET", f"{path}/errors") == (400, 161)
    assert (await unit.call("POST", f"{path}/do/cancel", json={})).json()["status"] == "Cancelled"
    clock.instant += DONE
    assert await unit.ids("prospects") == []
    await unit.post(f"{API}/imports", UPSERT)
    clock.instant += timedelta(hours=24)
    assert (await unit.get(f"{API}/imports/2", fields="isExpired")) == {"isExpired": True}
    assert await unit.ids(f"{API}/imports", orderBy="id ASC") == [1, 2]


async def test_a_refused_call_does_not_undo_a_job_that_became_ready(unit: BusinessUnit, clock: StandingClock) -> None:
    """What a failing call came upon is done again by the next one, once."""
    await unit.call("POST", f"{API}/imports", **form({**UPSERT, "status": "Ready"}, "email\na@example.com\n"))
    clock.instant += DONE
    assert await unit.refusal("GET", "prospects/99", params={"fields": "id"}) == (404, 109)
    assert await unit.prospect("b@example.com") == 2
    assert await unit.ids("prospects", orderBy="id ASC") == [1, 2]
    assert (await unit.get(f"{API}/imports/1", fields="createdCount")) == {"createdCount": 1}


async def test_prospects_are_deleted_in_bulk_and_for_good(unit: BusinessUnit, clock: StandingClock) -> None:
    """First into the bin, then out of it; ids that do not fit are told."""
    for number in range(3):
        await unit.prospect(f"p{number}@example.com")
    made = await unit.call("POST", f"{API}/bulk-actions", **form(DELETE, "id\n1\n2\n99\n"))
    assert made.status_code == 201
    clock.instant += DONE
    done = await unit.get(f"{API}/bulk-actions/1", fields="status,count,processedCount,errorCount,percentComplete")
    assert done == {"status": "Complete", "count": 3, "processedCount": 3, "errorCount": 1, "percentComplete": 100}
    assert table(await unit.call("GET", f"{API}/bulk-actions/1/errors"))[1] == ["99", "no such prospect"]
    assert await unit.ids("prospects", deleted="true", orderBy="id ASC") == [1, 2]
    await unit.call("POST", f"{API}/bulk-actions", **form({**DELETE, "bulkAction": "permanentlyDelete"}, "id\n1\n3\n"))
    await unit.call("PATCH", f"{API}/bulk-actions/2", json={"status": "Paused"})
    clock.instant += DONE
    assert await unit.ids("prospects", deleted="all", orderBy="id ASC") == [1, 2, 3]
    await unit.call("PATCH", f"{API}/bulk-actions/2", json={"status": "Ready"})
    clock.instant += DONE
    assert await unit.ids("prospects", deleted="all", orderBy="id ASC") == [2, 3]


async def test_external_activities_find_their_prospect(unit: BusinessUnit) -> None:
    """They belong to an active extension and type, and to the prospect of the address."""
    prospect = await unit.prospect("a@example.com")
    path = f"{API}/external-activities"
    body = {"extension": "Sluiceway", "type": "Won", "email": "a@example.com", "value": "1000",
            "activityDate": "2026-01-01T10:00:00+00:00"}  # fmt: skip
    made = await unit.post(path, body, fields="id,prospectId,activityDate")
    assert made == {"id": 1, "prospectId": prospect, "activityDate": "2026-01-01T05:00:00-05:00"}
    assert await unit.ids(path) == [1]
    assert await unit.refusal("POST", path, json={**body, "type": "Lost"}) == (400, 52)
    assert await unit.refusal("POST", path, json={**body, "extension": "Other"}) == (400, 52)
    assert await unit.refusal("POST", path, json={**body, "email": "b@example.com"}) == (400, 4)


async def test_the_connector_makes_links_converts_and_deletes(unit: BusinessUnit) -> None:
    """A lead makes a prospect, becomes its contact on conversion, and is flagged and binned when it is deleted."""
    fields = "email,salesforceId,salesforceLeadId,salesforceContactId,optedOut"

    async def sync(**record: Any) -> None:
        await unit.post("/sandbox/salesforce-sync", {"records": [{"Email": "a@example.com", **record}]}, 200)

    await sync(type="Lead", Id="00QA", HasOptedOutOfEmail=True)
    assert (await unit.get("prospects/1", fields=fields))["salesforceLeadId"] == "00QA"
    await sync(type="Lead", Id="00QA", ConvertedContactId="003A", HasOptedOutOfEmail=False)
    assert await unit.get("prospects/1", fields=fields) == {
        "email": "a@example.com",
        "salesforceId": "003A",
        "salesforceLeadId": None,
        "salesforceContactId": "003A",
        "optedOut": True,
    }
    await sync(type="Contact", Id="003A", IsDeleted=True)
    found = await unit.get("prospects", fields="salesforceId", deleted="true")
    assert found["values"] == [{"salesforceId": "[[crm_deleted]]"}]


async def test_the_connector_matches_by_address_only_where_addresses_are_unique(unit: BusinessUnit) -> None:
    """With AMPSEA a contact with a known address makes another prospect; and assigned prospects become leads."""
    await unit.prospect("a@example.com", assignedToId=3)
    contact = {"records": [{"type": "Contact", "Id": "003A", "Email": "a@example.com"}]}
    await unit.switch(ampsea=False, create_from_salesforce=False)
    told = await unit.post("/sandbox/salesforce-sync", {}, 200)
    assert [lead["prospectId"] for lead in told["leads"]] == [1]
    told = await unit.post("/sandbox/salesforce-sync", contact, 200)
    assert (told["changed"], told["leads"]) == (1, [])
    await unit.switch(ampsea=True, create_from_salesforce=True)
    contact["records"][0]["Id"] = "003B"
    assert (await unit.post("/sandbox/salesforce-sync", contact, 200))["made"] == 1


async def test_opportunities_come_with_a_contact_and_move_scores(unit: BusinessUnit) -> None:
    """Without a contact role none; a new one gives 50 points and a lost one takes 100, each with its activity."""
    contact = {"records": [{"type": "Contact", "Id": "003A", "Email": "a@example.com"}]}
    await unit.post("/sandbox/salesforce-sync", contact, 200)

    async def sync(**more: Any) -> int:
        body = {"opportunities": [{"Id": "006A", "Name": "Deal", "Amount": 10, **more}]}
        synced: int = (await unit.post("/sandbox/salesforce-sync", body, 200))["opportunities"]
        return synced

    assert await sync() == 0
    assert await sync(ContactIds=["003A"]) == 1
    await sync(ContactIds=["003A"], IsClosed=True)
    await sync(ContactIds=["003A"])
    await sync(ContactIds=["003A"], IsClosed=True, IsWon=True)
    assert await unit.get("opportunities/1", fields="name,value,status") == {
        "name": "Deal",
        "value": 10,
        "status": "won",
    }
    found = await unit.get("visitor-activities", fields="type,opportunity.name", orderBy="id ASC")
    assert [row["type"] for row in found["values"]] == [8, 10, 18, 9]
    assert (await unit.get("prospects/1", fields="score")) == {"score": -50}
    assert await unit.refusal("POST", "opportunities", json={"name": "x"}) == (405, 60)
