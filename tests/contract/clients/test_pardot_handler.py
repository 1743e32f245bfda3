"""Unmodified pardot-api-handler, the one Python package that speaks version 5, against the Pardot sandbox."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pardot_handler.client
import pytest

from tests.contract.clients.kit.pardot import BusinessUnit, StandingClock, business_unit

ADDRESS = "ada@acme.example"


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[BusinessUnit]:
    """A new business unit."""
    async with business_unit(tmp_path, StandingClock()) as made:
        yield made


@pytest.fixture
def client(unit: BusinessUnit, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The library with the integration user's token; its constant for the service's address names the sandbox."""
    monkeypatch.setattr(pardot_handler.client, "base_url", str(unit.http.base_url).rstrip("/"))
    return pardot_handler.client.PardotAPI(
        grant_type="client_credentials",
        client_id=unit.known["client_id"],
        client_secret=unit.known["client_secret"],
        username="",
        password="",
        business_unit_id=unit.known["business_unit_id"],
        access_token=unit.known["access_token"],
    )


async def upserted(client: Any, **values: str) -> Any:
    """Send a prospect as the library does; its answer."""
    body = {
        "matchEmail": values["email"],
        "prospect": values,
        "fields": ["id", "email", "lastName", "company"],
        "secondaryDeletedSearch": False,
    }
    return await asyncio.to_thread(client.prospects.upsert_latest_by_email, body)


async def test_a_prospect_is_made_and_then_changed(client: Any, unit: BusinessUnit) -> None:
    """An upsert by address makes a prospect once, changes it the next time, and tells the fields asked for."""
    first = await upserted(client, email=ADDRESS, lastName="Byron", company="Acme")
    assert first.ok, first.text
    again = await upserted(client, email=ADDRESS, lastName="Lovelace")
    assert again.ok, again.text
    made = first.json()
    assert again.json() == {"id": made["id"], "email": ADDRESS, "lastName": "Lovelace", "company": "Acme"}
    assert await unit.ids("prospects", email=ADDRESS) == [made["id"]]


async def test_the_library_sees_the_services_codes(client: Any) -> None:
    """A wrong body, token or business unit is refused in the service's own words."""
    wrong = await asyncio.to_thread(client.prospects.upsert_latest_by_email, {"prospect": {"company": "Acme"}})
    assert (wrong.status_code, set(wrong.json())) == (400, {"code", "message"})
    client.business_unit_id = "0Uv000000000000AAA"
    assert (await upserted(client, email=ADDRESS)).json()["code"] == 201
    client.access_token = "no-token"
    assert (await upserted(client, email=ADDRESS)).json()["code"] == 184
