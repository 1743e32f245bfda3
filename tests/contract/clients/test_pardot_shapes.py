"""The Pardot sandbox answers in the shapes that real clients of API v5 send and expect.

A plain HTTP client written from the vendor's guide: no Python package speaks version 5. PyPardotSF, PyPardot4,
`airbyte-source-pardot` (0.1.22) and `tap-pardot` on PyPI speak versions 3 and 4 only.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.sandbox.server import Sandboxes, serve

BASE = "/api/v5/objects"


class StandingClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.instant

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.instant += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> StandingClock:
    """The sandbox's clock."""
    return StandingClock()


@pytest.fixture
async def sandbox(tmp_path: Path, clock: StandingClock) -> AsyncIterator[Sandboxes]:
    """The Pardot sandbox on a free port."""
    served = await serve(["pardot"], tmp_path, {"pardot": 0}, clock=clock)
    yield served
    await served.aclose()


@pytest.fixture
async def known(sandbox: Sandboxes) -> dict[str, Any]:
    """The credentials of one business unit."""
    async with httpx.AsyncClient(base_url=sandbox.url("pardot")) as http:
        found: dict[str, Any] = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
        return found


@pytest.fixture
async def api(sandbox: Sandboxes, known: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token from the token endpoint and the business unit's header."""
    async with httpx.AsyncClient(base_url=sandbox.url("pardot")) as http:
        form = {
            "grant_type": "client_credentials",
            "client_id": known["client_id"],
            "client_secret": known["client_secret"],
        }
        token = (await http.post("/services/oauth2/token", data=form)).json()
        http.headers["Authorization"] = f"Bearer {token['access_token']}"
        http.headers["Pardot-Business-Unit-Id"] = known["business_unit_id"]
        yield http


async def _switch(api: httpx.AsyncClient, **settings: object) -> None:
    answer = await api.post("/__sandbox/settings", json={"account": "acme", "settings": settings})
    assert answer.status_code == 200, answer.text


async def _prospect(api: httpx.AsyncClient, email: str, **values: object) -> int:
    answer = await api.post(f"{BASE}/prospects", params={"fields": "id"}, json={"email": email, **values})
    assert answer.status_code == 201, answer.text
    made: int = answer.json()["id"]
    return made


def _refusal(answer: httpx.Response) -> tuple[int, int]:
    assert set(answer.json()) == {"code", "message"}
    return answer.status_code, answer.json()["code"]


async def test_the_token_has_no_lifetime_and_can_be_refreshed(api: httpx.AsyncClient, known: dict[str, Any]) -> None:
    """A refresh gives a new access token and no new refresh token, like Salesforce."""
    form = {"grant_type": "refresh_token", "refresh_token": known["refresh_token"]}
    auth = (known["client_id"], known["client_secret"])
    answer = (await api.post("/services/oauth2/token", data=form, auth=auth)).json()
    assert {"access_token", "instance_url", "token_type"} <= set(answer)
    assert not {"expires_in", "refresh_token"} & set(answer)
    wrong = await api.post("/services/oauth2/token", data=form, auth=(known["client_id"], "wrong"))
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client")


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"Authorization": "Bearer nonsense"}, (401, 184)),
        ({"Pardot-Business-Unit-Id": "123"}, (400, 182)),
        ({"Pardot-Business-Unit-Id": "0Uv000000000001CAA"}, (400, 201)),
    ],
)
async def test_wrong_headers_have_their_codes(
    api: httpx.AsyncClient, headers: dict[str, str], refusal: tuple[int, int]
) -> None:
    """Token and business unit are refused with the guide's codes."""
    assert _refusal(await api.get(f"{BASE}/prospects", params={"fields": "id"}, headers=headers)) == refusal


async def test_a_missing_business_unit_is_named(api: httpx.AsyncClient) -> None:
    """Without the header the code is 181."""
    del api.headers["Pardot-Business-Unit-Id"]
    assert _refusal(await api.get(f"{BASE}/prospects", params={"fields": "id"})) == (400, 181)


async def test_reads_need_fields_and_know_relations(api: httpx.AsyncClient) -> None:
    """Without fields a read is refused; with them exactly those come back, relations nested."""
    made = await _prospect(api, "mia@example.com", campaignId=1, Lifetime_Value__c=12.5)
    assert _refusal(await api.get(f"{BASE}/prospects/{made}")) == (400, 153)
    assert _refusal(await api.get(f"{BASE}/prospects/{made}", params={"fields": "nope"})) == (400, 154)
    answer = await api.get(
        f"{BASE}/prospects/{made}", params={"fields": "id,email,campaign.name,Lifetime_Value__c,createdAt"}
    )
    assert answer.json() == {
        "id": made,
        "email": "mia@example.com",
        "campaign": {"name": "Website Tracking"},
        "Lifetime_Value__c": 12.5,
        "createdAt": "2026-03-01T07:00:00-05:00",
    }


async def test_pages_go_on_by_absolute_url_with_only_fields_beside_the_token(api: httpx.AsyncClient) -> None:
    """Following nextPageUrl verbatim gives every record once; anything else beside the token is refused."""
    for number in range(5):
        await _prospect(api, f"p{number}@example.com")
    answer = (await api.get(f"{BASE}/prospects", params={"fields": "id", "limit": 2, "orderBy": "id DESC"})).json()
    seen = [row["id"] for row in answer["values"]]
    token = answer["nextPageToken"]
    refused = await api.get(f"{BASE}/prospects", params={"fields": "id", "nextPageToken": token, "limit": 2})
    assert _refusal(refused) == (400, 5)
    while answer["nextPageUrl"]:
        assert answer["nextPageUrl"].startswith(str(api.base_url).rstrip("/"))
        answer = (await api.get(answer["nextPageUrl"])).json()
        seen += [row["id"] for row in answer["values"]]
    assert seen == [5, 4, 3, 2, 1]
    assert answer["nextPageToken"] is None


async def test_a_page_token_dies_after_four_hours(api: httpx.AsyncClient, clock: StandingClock) -> None:
    """An old token is 210, a made-up one 211."""
    for number in range(3):
        await _prospect(api, f"p{number}@example.com")
    await _switch(api, session_seconds=86_400)
    first = (await api.get(f"{BASE}/prospects", params={"fields": "id", "limit": 1})).json()
    clock.instant += timedelta(minutes=100)
    assert (await api.get(first["nextPageUrl"])).status_code == 200
    clock.instant += timedelta(minutes=141)
    fresh = (await api.get("/__sandbox/credentials", params={"account": "acme"})).json()["access_token"]
    api.headers["Authorization"] = f"Bearer {fresh}"
    assert _refusal(await api.get(first["nextPageUrl"])) == (400, 210)
    made_up = await api.get(f"{BASE}/prospects", params={"fields": "id", "nextPageToken": "bm9uc2Vuc2U"})
    assert _refusal(made_up) == (400, 211)


async def test_a_chain_of_pages_ends_at_the_wall_with_a_warning(api: httpx.AsyncClient) -> None:
    """The last page before the wall has no token and says so; rows beyond are not given."""
    for number in range(5):
        await _prospect(api, f"p{number}@example.com")
    await _switch(api, page_chain_records=3)
    first = await api.get(f"{BASE}/prospects", params={"fields": "id", "limit": 2})
    last = await api.get(first.json()["nextPageUrl"])
    assert [row["id"] for row in last.json()["values"]] == [3]
    assert last.json()["nextPageToken"] is None
    assert last.headers["Pardot-Warning"].startswith("203;")
    assert "Pardot-Warning" not in first.headers


async def test_filters_work_and_at_most_three_fields_are_filtered(api: httpx.AsyncClient, clock: StandingClock) -> None:
    """Ranges of one field count once; a fourth field is 209, a field without filter 224."""
    first = await _prospect(api, "Old@example.com")
    clock.instant += timedelta(minutes=10)
    second = await _prospect(api, "new@example.com")
    between = {"updatedAtAfter": "2026-03-01T12:05:00+00:00", "updatedAtBeforeOrEqualTo": "2026-03-01T12:10:00+00:00"}
    found = await api.get(f"{BASE}/prospects", params={"fields": "id", **between, "idGreaterThan": 0})
    assert [row["id"] for row in found.json()["values"]] == [second]
    found = await api.get(f"{BASE}/prospects", params={"fields": "id", "email": "old@EXAMPLE.com"})
    assert [row["id"] for row in found.json()["values"]] == [first]
    four: dict[str, Any] = {"email": "a@b.c", "idGreaterThan": 1, "campaignId": 1, **between}
    assert _refusal(await api.get(f"{BASE}/prospects", params={"fields": "id", **four})) == (400, 209)
    assert _refusal(await api.get(f"{BASE}/prospects", params={"fields": "id", "score": 1})) == (400, 224)
    assert _refusal(await api.get(f"{BASE}/prospects", params={"fields": "id", "limit": 1001})) == (400, 23)


async def test_upsert_updates_the_latest_and_creates_otherwise(api: httpx.AsyncClient) -> None:
    """The address that matches may change; a second call with the same address is no second prospect."""
    body = {"matchEmail": "a@example.com", "prospect": {"email": "a@example.com", "Sluiceway_Id__c": "p1"}}
    url = f"{BASE}/prospects/do/upsertLatestByEmail"
    made = await api.post(url, json={**body, "fields": ["id", "Sluiceway_Id__c"]})
    moved = {"matchEmail": "A@example.com", "prospect": {"email": "b@example.com", "firstName": "B"}}
    changed = await api.post(url, json={**moved, "fields": ["id", "email", "firstName", "Sluiceway_Id__c"]})
    assert (made.status_code, made.json()) == (201, {"id": 1, "Sluiceway_Id__c": "p1"})
    assert changed.status_code == 200
    assert changed.json() == {"id": 1, "email": "b@example.com", "firstName": "B", "Sluiceway_Id__c": "p1"}


async def test_an_upsert_that_is_refused_changes_nothing(api: httpx.AsyncClient) -> None:
    """A bad value leaves a binned prospect in the bin."""
    made = await _prospect(api, "gone@example.com")
    await api.delete(f"{BASE}/prospects/{made}")
    body = {"prospect": {"email": "gone@example.com", "Nope__c": 1}, "secondaryDeletedSearch": True, "fields": ["id"]}
    assert _refusal(await api.post(f"{BASE}/prospects/do/upsertLatestByEmail", json=body)) == (400, 154)
    assert (await api.get(f"{BASE}/prospects/{made}", params={"fields": "id"})).status_code == 404


async def test_addresses_are_unique_only_without_ampsea(api: httpx.AsyncClient) -> None:
    """With the feature two prospects share an address; without it code 9 on create and 54 on change."""
    await _prospect(api, "same@example.com")
    await _prospect(api, "same@example.com")
    other = await _prospect(api, "other@example.com")
    await _switch(api, ampsea=False)
    again = await api.post(f"{BASE}/prospects", json={"email": "same@example.com"})
    assert _refusal(again) == (400, 9)
    assert _refusal(await api.patch(f"{BASE}/prospects/{other}", json={"email": "same@example.com"})) == (400, 54)


async def test_deleted_prospects_are_in_the_bin_until_taken_back(api: httpx.AsyncClient) -> None:
    """A binned prospect is 404 with a warning, unwritable, listed only by deleted=, and can be undeleted."""
    made = await _prospect(api, "gone@example.com")
    assert (await api.delete(f"{BASE}/prospects/{made}")).status_code == 204
    read = await api.get(f"{BASE}/prospects/{made}", params={"fields": "id"})
    assert (_refusal(read), read.headers["Pardot-Warning"]) == ((404, 109), "201;Record In Recycle Bin")
    assert _refusal(await api.patch(f"{BASE}/prospects/{made}", json={"firstName": "X"})) == (400, 132)
    listed = await api.get(f"{BASE}/prospects", params={"fields": "id"})
    binned = await api.get(f"{BASE}/prospects", params={"fields": "id", "deleted": "all"})
    assert (len(listed.json()["values"]), len(binned.json()["values"])) == (0, 1)
    back = await api.post(f"{BASE}/prospects/do/undelete", json={"matchEmail": "gone@example.com", "fields": ["id"]})
    assert (back.status_code, back.json()) == (200, {"id": made})


async def test_writes_are_checked_field_by_field(api: httpx.AsyncClient) -> None:
    """Unknown, read-only, missing and malformed values are told apart and name the field."""
    for body, code in (
        ({"email": "a@example.com", "Nope__c": 1}, 154),
        ({"email": "a@example.com", "grade": "A"}, 180),
        ({"firstName": "No address"}, 153),
        ({"email": "not-an-address"}, 4),
        ({"email": "a@example.com", "isStarred": "yes"}, 50),
        ({"email": "a@example.com", "Last_Payment_On__c": "soon"}, 51),
    ):
        answer = await api.post(f"{BASE}/prospects", json=body)
        assert _refusal(answer) == (400, code)
        assert answer.json()["message"].split(":")[0] in {*body, "email"}


async def test_membership_of_a_static_list(api: httpx.AsyncClient) -> None:
    """Joining twice is 58, an absent list 55, an absent prospect 3; leaving makes room for joining again."""
    prospect = await _prospect(api, "a@example.com")
    join = {"listId": 1, "prospectId": prospect}
    made = await api.post(f"{BASE}/list-memberships", params={"fields": "id,list.name"}, json=join)
    assert (made.status_code, made.json()) == (201, {"id": 1, "list": {"name": "Customers"}})
    assert _refusal(await api.post(f"{BASE}/list-memberships", json=join)) == (400, 58)
    assert _refusal(await api.post(f"{BASE}/list-memberships", json={**join, "listId": 99})) == (400, 55)
    assert _refusal(await api.post(f"{BASE}/list-memberships", json={**join, "prospectId": 99})) == (400, 3)
    assert (await api.delete(f"{BASE}/list-memberships/1")).status_code == 204
    assert (await api.post(f"{BASE}/list-memberships", json=join)).status_code == 201


async def test_what_cannot_be_written_is_a_405(api: httpx.AsyncClient) -> None:
    """Activities and campaigns are read only; activities come from visitors."""
    assert _refusal(await api.post(f"{BASE}/visitor-activities", json={"type": 1})) == (405, 60)
    assert _refusal(await api.patch(f"{BASE}/campaigns/1", json={"name": "X"})) == (405, 60)
    prospect = await _prospect(api, "a@example.com")
    tracked = {"type": 11, "typeName": "Email", "prospectId": prospect, "details": "Opened"}
    assert (await api.post("/sandbox/visitor-activities", json=tracked)).status_code == 201
    found = await api.get(f"{BASE}/visitor-activities", params={"fields": "type,prospect.email", "type": 11})
    assert found.json()["values"] == [{"type": 11, "prospect": {"email": "a@example.com"}}]
    read = await api.get(f"{BASE}/prospects/{prospect}", params={"fields": "lastActivityAt"})
    assert read.json() == {"lastActivityAt": "2026-03-01T07:00:00-05:00"}


async def test_the_daily_limit_ends_at_midnight_in_the_accounts_zone(
    api: httpx.AsyncClient, clock: StandingClock
) -> None:
    """Calls beyond the day's allowance are 429 with code 122 until the day changes; usage is shown on request."""
    await api.post("/__sandbox/limits", json={"account": "acme", "limits": {"DailyApiCalls": 2}})
    await _switch(api, session_seconds=200_000)
    used = await api.get(f"{BASE}/lists", params={"fields": "id"}, headers={"X-Return-Api-Usage": "1"})
    assert used.headers["x-api-usage"] == "1/2"
    account = await api.get(f"{BASE}/account", params={"fields": "maximumDailyApiCalls,apiCallsUsed"})
    assert account.json() == {"maximumDailyApiCalls": 2, "apiCallsUsed": 2}
    assert _refusal(await api.get(f"{BASE}/lists", params={"fields": "id"})) == (429, 122)
    clock.instant = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    fresh = (await api.get("/__sandbox/credentials", params={"account": "acme"})).json()["access_token"]
    api.headers["Authorization"] = f"Bearer {fresh}"
    assert (await api.get(f"{BASE}/lists", params={"fields": "id"})).status_code == 200


async def test_concurrency_is_refused_on_demand(api: httpx.AsyncClient) -> None:
    """The framework's throttle fault answers as the vendor does to a sixth request at once."""
    await api.post("/__sandbox/faults", json={"kind": "throttle", "account": "acme", "count": 1})
    assert _refusal(await api.get(f"{BASE}/lists", params={"fields": "id"})) == (429, 66)


async def test_reads_may_lag_behind_writes(api: httpx.AsyncClient, clock: StandingClock) -> None:
    """In stale mode neither a read nor a query sees a write until the lag is over; the write itself answers at once."""
    await _switch(api, stale_seconds=60)
    made = await _prospect(api, "a@example.com", firstName="Old")
    assert (await api.get(f"{BASE}/prospects/{made}", params={"fields": "id"})).status_code == 404
    clock.instant += timedelta(seconds=61)
    changed = await api.patch(f"{BASE}/prospects/{made}", params={"fields": "firstName"}, json={"firstName": "New"})
    assert changed.json() == {"firstName": "New"}
    found = await api.get(f"{BASE}/prospects", params={"fields": "firstName"})
    assert found.json()["values"] == [{"firstName": "Old"}]
    clock.instant += timedelta(seconds=61)
    found = await api.get(f"{BASE}/prospects", params={"fields": "firstName"})
    assert found.json()["values"] == [{"firstName": "New"}]


async def test_custom_fields_are_listed_and_can_be_added(api: httpx.AsyncClient) -> None:
    """The seeded custom fields are discoverable; a new one holds values at once."""
    listed = await api.get(f"{BASE}/custom-fields", params={"fields": "fieldId,type"})
    assert {"fieldId": "Lifetime_Value__c", "type": "Number"} in listed.json()["values"]
    field = {"name": "Region", "fieldId": "Region__c", "type": "Text"}
    assert (await api.post(f"{BASE}/custom-fields", json=field)).status_code == 201
    made = await _prospect(api, "a@example.com", Region__c="north")
    read = await api.get(f"{BASE}/prospects/{made}", params={"fields": "Region__c"})
    assert read.json() == {"Region__c": "north"}


async def test_records_outlive_the_process(
    api: httpx.AsyncClient, sandbox: Sandboxes, tmp_path: Path, known: dict[str, Any]
) -> None:
    """A restart over the same folder knows prospects, custom values and tokens."""
    made = await _prospect(api, "a@example.com", Lifetime_Value__c=10)
    authorization = api.headers["Authorization"]
    await sandbox.aclose()
    again = await serve(["pardot"], tmp_path, {"pardot": 0}, clock=StandingClock())
    headers = {"Authorization": authorization, "Pardot-Business-Unit-Id": known["business_unit_id"]}
    async with httpx.AsyncClient(base_url=again.url("pardot"), headers=headers) as http:
        read = await http.get(f"{BASE}/prospects/{made}", params={"fields": "email,Lifetime_Value__c"})
    await again.aclose()
    assert read.json() == {"email": "a@example.com", "Lifetime_Value__c": 10}
