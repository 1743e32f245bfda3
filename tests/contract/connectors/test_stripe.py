"""What the Stripe connector makes of an account's objects."""

import httpx
import pytest

from connectors.ports import Raw
from connectors.stripe.objects import PATHS
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company, Connect


async def read(company: Company, cursor: str | None = None) -> tuple[list[Raw], str | None]:
    """Read to the end."""
    raws: list[Raw] = []
    async for batch in company.source.read(cursor):
        raws, cursor = [*raws, *batch.records], batch.cursor
    return raws, cursor


async def test_every_object_is_read_and_followed(connect: Connect) -> None:
    """All kinds come from their lists, what is ended included; afterwards each comes when an event speaks of it."""
    company = await connect("stripe")
    await company.put("seed", {"size": 4, "seed": 1})
    key = {"Authorization": f"Bearer {company.credentials['api_key']}"}
    async with httpx.AsyncClient(base_url=company.admin.base_url, headers=key, timeout=60) as user:
        invoices = (await user.get("/v1/invoices", params={"status": "paid", "limit": 100})).json()["data"]
        paid = next(row for row in invoices if row["total"])
        form = {"invoice": paid["id"], "amount": "100", "refund_amount": "100"}
        note = (await user.post("/v1/credit_notes", data=form)).json()
        live = (await user.get("/v1/subscriptions")).json()["data"]
        await user.delete(f"/v1/subscriptions/{live[0]['id']}")
        raws, cursor = await read(company)
        assert {raw.object for raw in raws} == set(PATHS)
        ended = [loads(raw.body)["status"] for raw in raws if raw.remote_id == live[0]["id"]]
        assert ended == ["canceled"]
        refund = note["refunds"][0]["refund"]
        assert [raw.object for raw in raws if raw.remote_id == refund] == ["refund"]
        assert (await read(company, cursor))[0] == []
        await user.post(f"/v1/subscriptions/{live[1]['id']}", data={"metadata[deal]": "7"})
        again, _ = await read(company, cursor)
        assert [(raw.object, raw.remote_id, raw.deleted) for raw in again] == [("subscription", live[1]["id"], False)]
        assert loads(again[0].body)["metadata"] == {"deal": "7"}
        assert again[0].version > max(raw.version for raw in raws)


async def test_an_invoice_is_read_with_all_its_lines(connect: Connect) -> None:
    """Stripe shows ten of them; the others are fetched, from the list as well as one by one."""
    company = await connect("stripe", objects="invoice", overlap_seconds="0")
    key = {"Authorization": f"Bearer {company.credentials['api_key']}"}
    async with httpx.AsyncClient(base_url=company.admin.base_url, headers=key, timeout=60) as user:
        customer = (await user.post("/v1/customers", data={"name": "Ada"})).json()["id"]
        for number in range(123):
            item = {"customer": customer, "amount": "100", "currency": "usd", "description": f"Part {number}"}
            await user.post("/v1/invoiceitems", data=item)
        form = {"customer": customer, "pending_invoice_items_behavior": "include"}
        invoice = (await user.post("/v1/invoices", data=form)).json()
    assert (len(invoice["lines"]["data"]), invoice["lines"]["has_more"]) == (10, True)
    [listed], _ = await read(company)
    [fetched] = await company.fetcher.fetch("invoice", [invoice["id"]])
    for raw in (listed, fetched):
        lines = loads(raw.body)["lines"]
        assert len({line["description"] for line in lines["data"]}) == len(lines["data"]) == 123
        assert lines["has_more"] is False


async def test_a_deletion_that_stripe_has_forgotten_is_warned_of(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """After more than thirty days changes are read from the lists; what may be missing is said, with the tenant."""
    company = await connect("stripe", objects="customer")
    key = {"Authorization": f"Bearer {company.credentials['api_key']}"}
    async with httpx.AsyncClient(base_url=company.admin.base_url, headers=key, timeout=60) as user:
        gone, kept = [(await user.post("/v1/customers", data={"name": name})).json()["id"] for name in ("Ada", "Bo")]
        _, cursor = await read(company)
        await user.delete(f"/v1/customers/{gone}")
        await user.post(f"/v1/customers/{kept}", data={"name": "Bob"})
        newest = (await user.get("/v1/events", params={"limit": 1})).json()["data"][0]["id"]
    await company.put("settings", {"settings": {"forgotten_event": newest}})
    raws, _ = await read(company, cursor)
    assert [(raw.remote_id, loads(raw.body)["name"]) for raw in raws] == [(kept, "Bob")]
    assert f"tenant {company.name}, stripe: Stripe does not keep the events" in caplog.text
