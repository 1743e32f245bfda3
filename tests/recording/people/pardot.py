"""A marketer and what visitors do: a prospect with a place on a list, and a handful of activities."""

from collections.abc import AsyncIterator
from typing import Any

from tests.recording.buyers import Buyer
from tests.recording.company import Site

OBJECTS, VISITORS = "/api/v5/objects", "/sandbox"
ACTIVITIES: tuple[dict[str, Any], ...] = (
    {"type": 4, "typeName": "Form", "details": "Contact us"},
    {"type": 6, "typeName": "Email", "details": "Spring Webinar"},
    {"type": 1, "typeName": "Email", "details": "https://www.sluiceway.example/webinar"},
    {"type": 2, "typeName": "Landing Page", "details": "Prices"},
)


async def act(site: Site, buyer: Buyer) -> AsyncIterator[None]:
    """Do one thing after the other."""
    form = {"email": buyer.email, "firstName": buyer.given, "lastName": buyer.family, "source": "Web form"}
    prospect = (await _call(site, "POST", f"{OBJECTS}/prospects?fields=id", {**form, "campaignId": 1}))["id"]
    path = f"{OBJECTS}/prospects/{prospect}?fields=id"
    yield
    place = {"addressOne": buyer.street, "city": buyer.town, "state": buyer.state, "zip": buyer.zip}
    await _call(site, "PATCH", path, {**place, "country": "United States", "company": buyer.company})
    yield
    for number, activity in enumerate(ACTIVITIES):
        await _call(
            site, "POST", f"{VISITORS}/visitor-activities", {**activity, "campaignId": 1, "prospectId": prospect}
        )
        await _call(site, "PATCH", path, {"score": 10 * (number + 1) + buyer.number % 7})
        yield
    member = {"listId": 2, "prospectId": prospect}
    membership = (await _call(site, "POST", f"{OBJECTS}/list-memberships?fields=id", member))["id"]
    yield
    await _call(site, "PATCH", path, {"jobTitle": "Buyer", "website": f"www.{buyer.domain}", "isDoNotEmail": True})
    if buyer.number % 2 == 0:
        yield
        await _call(site, "DELETE", f"{OBJECTS}/list-memberships/{membership}", None)


async def tidy(site: Site, other: Buyer, third: Buyer) -> AsyncIterator[None]:
    """Delete two prospects and take one of them back; somebody gives up newsletters."""
    for person in (other, third):
        form = {"email": person.email, "firstName": person.given, "lastName": person.family, "campaignId": 1}
        await _call(site, "POST", f"{OBJECTS}/prospects?fields=id", form)
    yield
    await _call(site, "PATCH", await _of(site, other), {"phone": other.phone, "isDoNotEmail": True})
    yield
    for person in (other, third):
        await _call(site, "DELETE", (await _of(site, person)).partition("?")[0], None)
    yield
    await _call(site, "POST", f"{OBJECTS}/prospects/do/undelete?fields=id", {"matchEmail": other.email})
    yield
    await _call(site, "PATCH", await _of(site, other), {"jobTitle": "Clerk"})


async def _of(site: Site, person: Buyer) -> str:
    """Return the path of somebody's prospect."""
    found = await _call(site, "GET", f"{OBJECTS}/prospects?fields=id&email={person.email}", None)
    return f"{OBJECTS}/prospects/{found['values'][0]['id']}?fields=id"


async def _call(site: Site, method: str, path: str, body: Any) -> Any:
    headers = {
        "Authorization": f"Bearer {site.credentials['access_token']}",
        "Pardot-Business-Unit-Id": site.credentials["business_unit_id"],
    }
    return await site.call(method, path, headers=headers, json=body)
