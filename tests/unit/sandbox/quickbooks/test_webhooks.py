import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.receiving import receiving

Books = Any  # the fixture's class lives in conftest, which tests cannot import


class Endpoint:
    """Takes webhooks in; `statuses` are its answers, 200 once they are used up."""

    def __init__(self, clock: Any) -> None:
        self.got: asyncio.Queue[tuple[bytes, dict[str, str]]] = asyncio.Queue()
        self.statuses: list[int] = []
        self.times: list[float] = []
        self.url = ""
        self._clock = clock

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request per connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {k.lower(): v for k, v in (row.split(": ", 1) for row in head.split("\r\n")[1:] if ": " in row)}
        body = await reader.readexactly(int(fields["content-length"]))
        self.times.append(self._clock.now().timestamp())
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        self.got.put_nowait((body, fields))

    async def events(self) -> list[dict[str, Any]]:
        """The CloudEvents of the next request."""
        found: list[dict[str, Any]] = json.loads((await self.got.get())[0])
        return found


@pytest.fixture
async def endpoint(clock: Any) -> AsyncIterator[Endpoint]:
    """An endpoint on a free port."""
    made = Endpoint(clock)
    async with receiving(made.serve) as url:
        made.url = f"{url}/qbo"
        yield made


@pytest.mark.parametrize("form", ["cloudevents", "legacy"])
async def test_webhooks_are_signed_in_both_forms(books: Books, endpoint: Endpoint, form: str) -> None:
    """A payment announces itself and the invoice it moved, signed over the raw bytes."""
    await books.set(webhook_format=form)
    made = await books.bill()
    await books.admin("webhooks", url=endpoint.url)
    line = {"Amount": 100, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Invoice"}]}
    paid = await books.save("Payment", {"CustomerRef": {"value": "1"}, "TotalAmt": 100, "Line": [line]})
    body, fields = await endpoint.got.get()
    digest = hmac.new(books.credentials["webhook_secret"].encode(), body, hashlib.sha256).digest()
    assert fields["intuit-signature"] == base64.b64encode(digest).decode()
    assert {"intuit-created-time", "intuit-t-id", "intuit-notification-schema-version"} <= {*fields}
    events, realm = json.loads(body), books.credentials["realm"]
    if form == "cloudevents":
        seen = [(event["type"], event["intuitentityid"], event["intuitaccountid"]) for event in events]
        created, updated = "qbo.payment.created.v1", "qbo.invoice.updated.v1"
        assert seen == [(created, paid["Id"], realm), (updated, made["Id"], realm)]
    else:
        (notification,) = events["eventNotifications"]
        entities = notification["dataChangeEvent"]["entities"]
        assert notification["realmId"] == realm
        assert [(each["name"], each["operation"]) for each in entities] == [
            ("Payment", "Create"),
            ("Invoice", "Update"),
        ]


@pytest.mark.parametrize("form", ["cloudevents", "legacy"])
async def test_every_operation_has_its_verb(books: Books, endpoint: Endpoint, form: str) -> None:
    """Emailed, voided, deleted and merged are told apart; a merge names the loser."""
    await books.set(webhook_format=form)
    await books.save("Customer", {"DisplayName": "Loser"})
    winner = await books.save("Customer", {"DisplayName": "Winner"})
    sale = await books.bill()
    await books.admin("webhooks", url=endpoint.url)
    reference = {"Id": sale["Id"], "SyncToken": "1"}
    await books.call("POST", f"invoice/{sale['Id']}/send", params={"sendTo": "a@b.example"})
    await books.save("Invoice", reference, operation="void")
    await books.save("Invoice", {**reference, "SyncToken": "2"}, operation="delete")
    merge = {"entity": "Customer", "from": "1", "into": winner["Id"]}
    await books.client.post(f"/app/company/{books.credentials['realm']}/merge", json=merge, headers=books.headers)
    told: list[tuple[str, str]] = []
    for _ in range(4):
        body = json.loads((await endpoint.got.get())[0])
        if form == "cloudevents":
            told += [(each["type"].split(".")[2], each["data"].get("deletedid", "")) for each in body]
        else:
            entities = body["eventNotifications"][0]["dataChangeEvent"]["entities"]
            told += [(each["operation"], each.get("deletedId", "")) for each in entities]
    verbs = (
        ("emailed", "voided", "deleted", "merged") if form == "cloudevents" else ("Emailed", "Void", "Delete", "Merge")
    )
    assert told == [(verbs[0], ""), (verbs[1], ""), (verbs[2], ""), (verbs[3], "1")]


async def test_a_silent_endpoint_is_tried_again_as_intuit_does(books: Books, endpoint: Endpoint) -> None:
    """After 10, 20, 30 s, 5 and 20 min, 2, 4 and 6 h, then every 6 h; later events wait for the first."""
    await books.admin("webhooks", url=endpoint.url)
    endpoint.statuses = [500] * 9
    await books.save("Customer", {"DisplayName": "Acme"})
    await books.save("Customer", {"DisplayName": "Bolt"})
    ids = [(await endpoint.events())[0]["intuitentityid"] for _ in range(11)]
    assert ids == ["1"] * 10 + ["2"]
    waits = [round(later - sooner) for sooner, later in zip(endpoint.times, endpoint.times[1:], strict=False)]
    assert waits[:9] == [10, 20, 30, 300, 1200, 7200, 14400, 21600, 21600]


async def test_webhooks_come_twice_late_or_never_on_request(books: Books, endpoint: Endpoint, clock: Any) -> None:
    """One fault each: doubled, lost, overtaken by a later one."""
    late = asyncio.Event()

    async def wait(seconds: float) -> None:
        await (late.wait() if seconds > 1 else asyncio.sleep(0))

    clock.sleep = wait
    await books.admin("webhooks", url=endpoint.url)
    for kind in ("duplicate_webhook", "lost_webhook", "late_webhook"):
        extra = {"seconds": 60} if kind == "late_webhook" else {}
        await books.admin("faults", kind=kind, count=1, **extra)
        await books.save("Customer", {"DisplayName": kind})
        await books.client.delete("/__sandbox/faults")
    await books.save("Customer", {"DisplayName": "last"})
    assert [(await endpoint.events())[0]["intuitentityid"] for _ in range(3)] == ["1", "1", "4"]
    late.set()
    assert (await endpoint.events())[0]["intuitentityid"] == "3"


@pytest.mark.parametrize(
    "kind", ["Account", "Class", "Term", "Department", "PaymentMethod", "Vendor", "Employee", "Item"]
)
async def test_lists_are_announced(books: Books, endpoint: Endpoint, kind: str) -> None:
    """As Intuit's list of entities says."""
    await books.admin("webhooks", url=endpoint.url)
    bodies: dict[str, dict[str, Any]] = {
        "Account": {"AccountType": "Bank"},
        "Term": {"DueDays": 5},
        "Item": {"IncomeAccountRef": {"value": "1"}},
    }
    name = "DisplayName" if kind in {"Vendor", "Employee"} else "Name"
    made = await books.save(kind, {name: "New", **bodies.get(kind, {})})
    [event] = await endpoint.events()
    assert (event["type"], event["intuitentityid"]) == (f"qbo.{kind.lower()}.created.v1", made["Id"])
