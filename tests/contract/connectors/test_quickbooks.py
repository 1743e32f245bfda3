"""What is QuickBooks' own: sync tokens, names shared by three kinds, hints and fetches, void and delete."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import DuplicateError, FatalError, MissingReferenceError, RejectedError, StaleError
from connectors.ports import Call, Lookup, Raw
from connectors.quickbooks.webhook import QuickBooksWebhook
from connectors.wire import loads
from tests.receiving import receiving

Company = Any  # the fixture's class lives in conftest, which tests cannot import
Connect = Callable[..., Awaitable[Company]]
MakeCall = Callable[..., Call]
ADA = {"DisplayName": "Ada", "CompanyName": "Analytical"}


def sale(customer: str) -> dict[str, Any]:
    """Make an invoice of one line."""
    detail = {"ItemRef": {"value": "1"}}
    lines = [{"Amount": 10, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}]
    return {"CustomerRef": {"value": customer}, "Line": lines}


@pytest.fixture
async def company(connect: Connect) -> Company:
    """A new company."""
    return await connect("quickbooks")


async def test_a_stale_token_is_read_again_and_the_update_goes_through(company: Company, make_call: MakeCall) -> None:
    """Someone else changed the object: stale, then found with a fresh token, then written."""
    created = await company.write(make_call("Customer", ADA))
    call = replace(make_call("Customer", {"Notes": "Ours"}), remote=created.remote)
    await company.write(replace(call, body={"Notes": "Theirs"}, request_id="theirs"))
    stale = await company.write(call)
    assert type(stale.error) is StaleError
    found = await company.sink.find(call)
    written = await company.write(replace(call, remote=found.remote))
    assert written.error is None
    assert loads(written.body)["Notes"].startswith("Ours")
    assert loads(written.body)["CompanyName"] == "Analytical"


async def test_a_name_of_a_vendor_is_a_duplicate(company: Company, make_call: MakeCall) -> None:
    """Vendors and employees share the names of customers; the look-up tells whose it is."""
    created = await company.write(make_call("Customer", ADA))
    assert created.error is None
    same = make_call("Customer", {"DisplayName": "Ada"}, key="party/2")
    assert type((await company.write(same)).error) is DuplicateError
    found = await company.sink.find(same)
    assert type(found.error) is DuplicateError
    assert f"Customer {created.remote.id}" in str(found.error)
    ours = await company.sink.find(make_call("Customer", ADA, key="party/2"))
    assert ours.remote == created.remote


async def test_an_unknown_customer_is_a_missing_reference(company: Company, make_call: MakeCall) -> None:
    """The invoice waits for its customer instead of being dead-lettered."""
    outcome = await company.write(make_call("Invoice", sale("99999")))
    assert type(outcome.error) is MissingReferenceError


async def test_void_and_delete_end_an_invoice(company: Company, make_call: MakeCall) -> None:
    """A voided invoice is worth nothing and keeps our reference; a deleted one is gone."""
    customer = await company.write(make_call("Customer", ADA, key="party/1"))
    for entity in ("Invoice", "SalesReceipt"):
        call = make_call(entity, sale(customer.remote.id), key=f"order/{entity}")
        made = await company.write(call)
        voided = await company.write(replace(call, operation="void", remote=made.remote))
        assert voided.error is None
        [stored] = await company.records(entity)
        assert float(stored["TotalAmt"]) == 0
        assert (await company.sink.find(call)).remote == voided.remote
        deleted = await company.write(replace(call, operation="delete", remote=voided.remote))
        assert deleted.error is None
        assert await company.sink.find(replace(call, remote=made.remote)) is None
        assert await company.sink.find(call) is None


async def test_a_deleted_customer_is_inactive(company: Company, make_call: MakeCall) -> None:
    """List entities stay, inactive, and are still found by id."""
    call = make_call("Customer", ADA)
    made = await company.write(call)
    gone = await company.write(replace(call, operation="delete", remote=made.remote))
    assert loads(gone.body)["Active"] is False
    assert (await company.sink.find(replace(call, remote=made.remote))).remote == gone.remote


async def test_fetch_reads_many_and_tells_what_is_gone(company: Company, make_call: MakeCall) -> None:
    """One query for all; inactive objects are there, unknown and deleted ones are deleted."""
    made = [await company.write(make_call("Customer", {"DisplayName": f"C{n}"}, key=f"party/{n}")) for n in range(3)]
    inactive = replace(make_call("Customer", {}), operation="delete", remote=made[2].remote)
    await company.write(inactive)
    ids = [outcome.remote.id for outcome in made]
    raws = {raw.remote_id: raw for raw in await company.fetcher.fetch("Customer", [*ids, "99999"])}
    assert {remote_id: raw.deleted for remote_id, raw in raws.items()} == {**dict.fromkeys(ids, False), "99999": True}
    assert raws[ids[0]].version == made[0].version
    assert loads(raws[ids[0]].body)["DisplayName"] == "C0"
    [item] = await company.fetcher.fetch("Item", ["1"])
    assert loads(item.body)["Name"] == "Services"


@pytest.mark.parametrize(
    ("object_type", "name", "stored"),
    [
        *(("Class", "Web", "Class"), ("Term", "Net 30", "Term"), ("Account", "Sales of Product Income", "Account")),
        *(("Item", "Services", "Item"), ("PaymentMethod", "Cash", "PaymentMethod")),
    ],
)
async def test_names_of_the_company_become_ids(company: Company, object_type: str, name: str, stored: str) -> None:
    """What a company set up itself is known by name; another name is None."""
    rows = {row["Name"]: row["Id"] for row in await company.records(stored)}
    assert isinstance(company.sink, Lookup)
    assert await company.sink.lookup(object_type, name) == rows[name]
    assert await company.sink.lookup(object_type, "It's not there") is None


async def test_only_what_may_be_used_is_found(company: Company, make_call: MakeCall) -> None:
    """An inactive item is not offered, US tax codes are their own ids, invoices have no names."""
    assert isinstance(company.sink, Lookup)
    item = await company.write(make_call("Item", ITEM))
    assert await company.sink.lookup("Item", "Box") == item.remote.id
    await company.write(replace(make_call("Item", {}), operation="delete", remote=item.remote))
    assert await company.sink.lookup("Item", "Box") is None
    assert await company.sink.lookup("TaxCode", "NON") == "NON"
    with pytest.raises(RejectedError, match="Invoice is not looked up"):
        await company.sink.lookup("Invoice", "1001")


ITEM = {"Name": "Box", "Type": "Service", "IncomeAccountRef": {"value": "1"}}


@pytest.mark.parametrize("xml", [True, False])
async def test_throttles_in_any_form_are_told_apart_from_content(
    company: Company, make_call: MakeCall, *, xml: bool
) -> None:
    """The gateway's XML is read as its JSON is."""
    await company.put("settings", {"settings": {"xml_faults": xml}})
    await company.fault("throttle", path="/v3/company")
    outcome = await company.write(make_call("Customer", ADA))
    assert outcome.error.code == "3001"
    assert outcome.error.retry_after == 60


async def test_a_wrong_realm_stops_the_connection(connect: Connect, company: Company, make_call: MakeCall) -> None:
    """A good token for another company is not refreshed again and again."""
    other = await connect("quickbooks", secrets={name: company.credentials[name] for name in SECRETS})
    outcome = await other.write(make_call("Customer", ADA))
    assert type(outcome.error) is FatalError
    assert outcome.error.code in {"100", "3100"}


SECRETS = ("client_id", "client_secret", "refresh_token")


@pytest.mark.parametrize("form", ["cloudevents", "legacy"])
async def test_a_webhook_of_the_sandbox_is_read(company: Company, make_call: MakeCall, form: str) -> None:
    """Signed, either form: a hint of the object at the realm, not newer than the object fetched after it."""
    received: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        received.put_nowait((headers, body))

    async with receiving(receive) as url:
        await company.put("settings", {"settings": {"webhook_format": form}})
        await company.put("webhooks", {"url": f"{url}/"})
        made = await company.write(make_call("Customer", ADA))
        headers, body = await asyncio.wait_for(received.get(), 30)
    reader = QuickBooksWebhook()
    assert reader.verify(headers, body, [company.credentials["webhook_secret"]], datetime.now(UTC))
    assert not reader.verify(headers, body + b" ", [company.credentials["webhook_secret"]], datetime.now(UTC))
    [hint] = reader.parse({}, body)[company.credentials["realm"]]
    assert isinstance(hint, Raw)
    assert (hint.object, hint.remote_id, hint.hint) == ("Customer", made.remote.id, True)
    [fetched] = await company.fetcher.fetch("Customer", [hint.remote_id])
    assert fetched.version == made.version
