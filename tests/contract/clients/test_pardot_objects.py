"""The Pardot sandbox: the objects beside prospects, record actions, and the rules of calls."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.pardot.catalogue import OBJECTS
from tests.contract.clients.kit.pardot import BusinessUnit, StandingClock, business_unit


@pytest.fixture
def clock() -> StandingClock:
    """The sandbox's clock."""
    return StandingClock()


@pytest.fixture
async def unit(tmp_path: Path, clock: StandingClock) -> AsyncIterator[BusinessUnit]:
    """A new business unit."""
    async with business_unit(tmp_path, clock) as made:
        yield made


async def test_every_object_is_read_queried_and_made_as_the_guide_allows(unit: BusinessUnit) -> None:
    """All fields can be asked for; what nobody may make or change is 405, the rest can be made and read."""
    for name, target in OBJECTS.items():
        fields = ",".join(target.fields)
        order = "updatedAt ASC" if "updatedAt" in target.fields else "id ASC"
        await unit.get(name, fields=fields, orderBy=order, limit=1000)
        body = {field: "x" if kind == "text" else "a@example.com" for field, kind in target.fields.items()
                if field in target.required and kind in {"text", "email"}}  # fmt: skip
        if not target.creates:
            assert await unit.refusal("POST", name, json=body) == (405, 60)
        elif name not in {"list-memberships", "custom-fields"}:
            made = (await unit.post(name, body, fields="id"))["id"]
            assert (await unit.get(f"{name}/{made}", fields=fields))["id"] == made
        if not target.changes:
            assert await unit.refusal("PATCH", f"{name}/1", json={}) == (405, 60)
            assert await unit.refusal("DELETE", f"{name}/1") == (405, 60)
        deleted = {"fields": "id", "deleted": "all"}
        if target.binned:
            await unit.get(name, **deleted)
        else:
            assert await unit.refusal("GET", name, params=deleted) == (400, 5)


async def test_relations_reach_over_three_objects(unit: BusinessUnit) -> None:
    """One call reads the name of the creator of the campaign of the prospect of a membership; a fourth step is 154."""
    prospect = await unit.prospect("a@example.com", campaignId=1)
    await unit.post("list-memberships", {"listId": 1, "prospectId": prospect})
    asked = "prospect.email,prospect.campaign.createdBy.firstName"
    found = await unit.get("list-memberships/1", fields=asked)
    assert found == {"prospect": {"email": "a@example.com", "campaign": {"createdBy": {"firstName": "Api"}}}}
    four = {"fields": "prospect.campaign.createdBy.updatedBy.email"}
    assert await unit.refusal("GET", "list-memberships/1", params=four) == (400, 154)


async def test_prospect_accounts_have_no_filter_by_time(unit: BusinessUnit) -> None:
    """A filter by updatedAt is 224; ids work."""
    when = {"fields": "id", "updatedAtAfter": "2026-01-01T00:00:00+00:00"}
    assert await unit.refusal("GET", "prospect-accounts", params=when) == (400, 224)
    assert await unit.ids("prospect-accounts", idGreaterThan=0) == []


async def test_tags_are_added_and_removed(unit: BusinessUnit) -> None:
    """Tagging is counted, can be read as tagged objects, and twice is once; names are unique."""
    prospect = await unit.prospect("a@example.com")
    for _ in range(2):
        await unit.post(f"prospects/{prospect}/do/addTag", {"tagName": "VIP"}, 204)
    assert (await unit.get("tags/1", fields="name,objectCount")) == {"name": "VIP", "objectCount": 1}
    found = await unit.get("tagged-objects", fields="objectType,objectId,tag.name", tagId=1)
    assert found["values"] == [{"objectType": "prospects", "objectId": prospect, "tag": {"name": "VIP"}}]
    assert await unit.refusal("POST", "tags", json={"name": "vip"}) == (400, 245)
    await unit.post(f"prospects/{prospect}/do/removeTag", {"tagId": 1}, 204)
    assert await unit.ids("tagged-objects") == []


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("prospects/do/explode", {}, 205),
        ("visitor-activities/1/do/addTag", {"tagName": "x"}, 205),
        ("prospects/do/upsertLatestByEmail", {"prospect": "a@example.com"}, 206),
        ("prospects/do/upsertLatestByEmail", {"matchEmail": "a@example.com"}, 207),
        ("prospects/do/upsertLatestByEmail", {"prospect": {}}, 207),
        ("prospects/do/upsertLatestByEmail", {"prospect": {}, "upsert": True}, 208),
        ("prospects/do/undelete", {}, 207),
        ("campaigns/1/do/connectSalesforceCampaign", {}, 207),
    ],
)
async def test_actions_check_their_arguments(unit: BusinessUnit, path: str, body: dict[str, Any], code: int) -> None:
    """Unknown action, bad, missing and unknown argument are told apart."""
    assert await unit.refusal("POST", path, json=body) == (400, code)


async def test_campaigns_are_connected_where_the_feature_is_on(unit: BusinessUnit) -> None:
    """The Salesforce id is kept; without Connected Campaigns the code is 218."""
    path, body = "campaigns/1/do/connectSalesforceCampaign", {"salesforceId": "701A", "fields": ["salesforceId"]}
    assert await unit.post(path, body, 200) == {"salesforceId": "701A"}
    await unit.switch(connected_campaigns=False)
    assert await unit.refusal("POST", path, json=body) == (400, 218)


async def test_visitors_become_prospects(unit: BusinessUnit) -> None:
    """A visitor is assigned to a prospect; a company is told only of an identified one with an address."""
    prospect = await unit.prospect("a@example.com")
    visitor = (await unit.post("/sandbox/visitors", {"ipAddress": "192.0.2.1"}))["id"]
    identify = f"visitors/{visitor}/do/identifyCompany"
    assert await unit.refusal("POST", identify, json={}) == (400, 217)
    assign = f"visitors/{visitor}/do/assignToProspect"
    assert await unit.refusal("POST", assign, json={"prospectId": 99}) == (400, 3)
    asked = {"prospectId": prospect, "fields": ["isIdentified", "prospect.email"]}
    assert await unit.post(assign, asked, 200) == {"isIdentified": True, "prospect": {"email": "a@example.com"}}
    await unit.post(identify, {}, 204)


async def test_what_visitors_do_is_read_back(unit: BusinessUnit) -> None:
    """Visits, page views and activities come from visitors; an activity moves the prospect's lastActivityAt."""
    prospect = await unit.prospect("a@example.com")
    visitor = (await unit.post("/sandbox/visitors", {"prospectId": prospect, "sourceParameter": "ads"}))["id"]
    visit = (await unit.post("/sandbox/visits", {"visitorId": visitor, "durationInSeconds": 30}))["id"]
    view = {"visitId": visit, "url": "https://acme.example/", "title": "Home"}
    await unit.post("/sandbox/visitor-page-views", view)
    await unit.post("/sandbox/visitor-activities", {"type": 20, "prospectId": prospect, "visitId": visit})
    found = await unit.get("visitor-activities", fields="type,visit.visitor.sourceParameter", prospectId=prospect)
    assert found["values"] == [{"type": 20, "visit": {"visitor": {"sourceParameter": "ads"}}}]
    assert (await unit.get("visitor-page-views/1", fields="title,visit.durationInSeconds")) == {
        "title": "Home",
        "visit": {"durationInSeconds": 30},
    }
    read = await unit.get(f"prospects/{prospect}", fields="lastActivityAt,firstActivityAt")
    assert set(read.values()) == {"2026-03-01T07:00:00-05:00"}


async def test_steps_of_the_lifecycle_are_kept(unit: BusinessUnit, clock: StandingClock) -> None:
    """A history row knows the stage before and how long it took; the prospect knows its stage."""
    prospect = await unit.prospect("a@example.com")
    for stage in (1, 2):
        clock.instant += timedelta(seconds=90)
        await unit.post("/sandbox/lifecycle-histories", {"prospectId": prospect, "nextStageId": stage})
    found = await unit.get("lifecycle-histories", fields="previousStageId,nextStage.name,secondsElapsed")
    assert found["values"] == [
        {"previousStageId": None, "nextStage": {"name": "Prospect"}, "secondsElapsed": 90},
        {"previousStageId": 1, "nextStage": {"name": "Marketing Qualified Lead"}, "secondsElapsed": 90},
    ]
    assert await unit.get(f"prospects/{prospect}", fields="lifecycleStageId") == {"lifecycleStageId": 2}


async def test_list_emails_have_statistics(unit: BusinessUnit) -> None:
    """They count the activities of that e-mail."""
    sent = (await unit.post("list-emails", {"name": "News", "subject": "Hello"}))["id"]
    for kind in (6, 6, 11):
        await unit.post("/sandbox/visitor-activities", {"type": kind, "listEmailId": sent})
    assert await unit.get(f"list-emails/{sent}/stats", fields="sent,opens") == {"sent": 2, "opens": 1}


async def test_custom_fields_can_be_changed_and_go_for_good(unit: BusinessUnit) -> None:
    """Their name may change, their id not; a deleted one is no field any more."""
    field = {"name": "Region", "fieldId": "Region__c", "type": "Text"}
    made = (await unit.post("custom-fields", field))["id"]
    assert await unit.refusal("POST", "custom-fields", json=field) == (400, 154)
    assert (await unit.call("PATCH", f"custom-fields/{made}", json={"name": "Area"})).status_code == 204
    assert await unit.refusal("PATCH", f"custom-fields/{made}", json={"fieldId": "Area__c"}) == (400, 180)
    assert (await unit.call("DELETE", f"custom-fields/{made}")).status_code == 204
    assert await unit.refusal("POST", "prospects", json={"email": "a@example.com", "Region__c": "north"}) == (400, 154)


async def test_a_program_is_entered_by_its_list(unit: BusinessUnit) -> None:
    """Programs are read only and name the lists whose members they take."""
    found = await unit.get("engagement-studio-programs/1", fields="name,recipientListIds,suppressionListIds")
    assert found == {"name": "Nurture customers", "recipientListIds": [1], "suppressionListIds": []}


async def test_a_record_that_has_not_changed_is_not_sent_again(unit: BusinessUnit, clock: StandingClock) -> None:
    """If-Modified-Since with the Last-Modified of the last answer gives 304 until the record changes."""
    made = await unit.prospect("a@example.com")
    path, asked = f"prospects/{made}", {"fields": "email"}
    first = await unit.call("GET", path, params=asked)
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert (await unit.call("GET", path, params=asked, headers=since)).status_code == 304
    clock.instant += timedelta(seconds=1)
    await unit.call("PATCH", path, json={"firstName": "A"})
    assert (await unit.call("GET", path, params=asked, headers=since)).status_code == 200


async def test_five_calls_at_once_are_answered_and_the_sixth_is_refused(unit: BusinessUnit) -> None:
    """The limit is the business unit's, over all its callers; who waits for an answer may send again."""
    await unit.http.post("/__sandbox/faults", json={"kind": "delay", "account": "acme", "seconds": 0.0, "count": 8})
    answers = await asyncio.gather(*(unit.call("GET", "lists", params={"fields": "id"}) for _ in range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(200) >= 5
    for answer in answers:
        assert answer.status_code == 200 or (answer.status_code, answer.json()["code"]) == (429, 66)
    await unit.switch(concurrent_calls=0)
    assert await unit.refusal("GET", "lists", params={"fields": "id"}) == (429, 66)


async def test_fields_that_may_not_be_read_are_redacted(unit: BusinessUnit) -> None:
    """The answer comes with warning 202 and without the value."""
    made = await unit.prospect("a@example.com", phone="555")
    await unit.switch(hidden_fields="phone")
    answer = await unit.call("GET", f"prospects/{made}", params={"fields": "email,phone"})
    assert answer.json() == {"email": "a@example.com", "phone": None}
    assert answer.headers["Pardot-Warning"].startswith("202;")


async def test_a_query_over_too_much_times_out(unit: BusinessUnit) -> None:
    """Ordering many records by time fails with 214 until the window is small enough; by id it does not."""
    for number in range(4):
        await unit.prospect(f"p{number}@example.com")
    await unit.switch(slow_query_records=3)
    by_time = {"fields": "id", "orderBy": "updatedAt ASC"}
    assert await unit.refusal("GET", "prospects", params=by_time) == (504, 214)
    narrow = {**by_time, "updatedAtAfter": "2026-03-01T13:00:00+00:00"}
    assert (await unit.call("GET", "prospects", params=narrow)).status_code == 200
    assert len(await unit.ids("prospects", orderBy="id ASC")) == 4


async def test_offsets_end_at_two_thousand(unit: BusinessUnit) -> None:
    """The deprecated offset skips records; beyond 2,000 it is 52."""
    for number in range(3):
        await unit.prospect(f"p{number}@example.com")
    assert await unit.ids("prospects", offset=1, orderBy="id ASC") == [2, 3]
    assert await unit.refusal("GET", "prospects", params={"fields": "id", "offset": 2001}) == (400, 52)


@pytest.mark.parametrize(
    ("method", "path", "more", "refusal"),
    [
        ("POST", "prospects", {"content": b"{", "headers": {"Content-Type": "application/json"}}, (400, 150)),
        ("POST", "prospects", {"content": b"x=1", "headers": {"Content-Type": "text/plain"}}, (400, 151)),
        ("PATCH", "prospects/1", {}, (400, 152)),
        ("GET", "unicorns", {"params": {"fields": "id"}}, (404, 109)),
        ("GET", "/api/v5/unicorns", {}, (404, 198)),
        ("GET", "prospects", {"params": {"fields": "id", "updatedAtAfter": "yesterday"}}, (400, 51)),
        ("GET", "prospects", {"params": {"fields": "id", "updatedAtAfter": ""}}, (400, 51)),
        ("GET", "prospects", {"params": {"fields": "id", "idGreaterThan": "x"}}, (400, 51)),
        ("GET", "prospects", {"params": {"fields": "id", "deleted": "maybe"}}, (400, 50)),
        ("GET", "prospects", {"params": {"fields": "id", "colour": "red"}}, (400, 5)),
        ("GET", "prospects", {"params": {"fields": "id", "orderBy": "colour"}}, (400, 5)),
        ("POST", "prospects", {"json": {"email": "a@example.com", "campaignId": 99}}, (400, 38)),
        ("PUT", "prospects/1", {}, (405, 60)),
    ],
)
async def test_malformed_calls_have_their_codes(
    unit: BusinessUnit, method: str, path: str, more: dict[str, Any], refusal: tuple[int, int]
) -> None:
    """Each mistake is refused with the guide's code."""
    assert await unit.refusal(method, path, **more) == refusal


async def test_a_unit_without_api_access_is_76(unit: BusinessUnit) -> None:
    """Whatever is asked."""
    await unit.switch(api_enabled=False)
    assert await unit.refusal("GET", "lists", params={"fields": "id"}) == (400, 76)


async def test_samples_are_the_same_for_the_same_seed(unit: BusinessUnit) -> None:
    """Names, addresses, scores and times of activity repeat; stamps are of now."""
    fields = "id,email,firstName,score,lastActivityAt"
    for _ in range(2):
        answer = await unit.http.post("/__sandbox/seed", json={"account": "acme", "size": 20, "seed": 7})
        assert answer.json()["made"] == {"prospects": 20, "visitor-activities": 20, "list-memberships": 10}
    rows = (await unit.get("prospects", fields=fields))["values"]
    assert [{**row, "id": 0} for row in rows[:20]] == [{**row, "id": 0} for row in rows[20:]]
    first = await unit.get("prospects/1", fields="updatedAt")
    assert first == {"updatedAt": "2026-03-01T07:00:00-05:00"}
