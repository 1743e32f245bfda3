"""What callers with an API key are answered, with Kafka and what follows played by hand."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

import connectors
from connectors.clock import ManualClock
from connectors.errors import RetryableError
from connectors.kafka.records import Connection, Reply, Request, VendorRecord
from connectors.tokens import MemoryTokenStore
from streams.gateway import api, openapi
from streams.gateway.api import Requests
from streams.gateway.events import BATCHED, MAX_EVENTS, STRUCTURED, Events
from streams.gateway.inbox import Item
from streams.gateway.keys import ApiKeys
from streams.gateway.replies import Outcomes
from streams.gateway.seen import Seen
from streams.stages.mapping import Templates

ADA = {"name": "Ada Lovelace", "emails": ["Ada@example.com"]}
EVENT = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "Customer", "subject": "c-1", "data": {"n": 1.5}}
CUSTOMERS, EVENTS = "/v1/tenants/acme/customers", "/v1/tenants/acme/events"


class Board:
    """`reply.v1` of one gateway: it knows what is written once `caught_up`."""

    def __init__(self, log: list[Reply]) -> None:
        self.outcomes = Outcomes()
        self.problem: str | None = None
        self.slow = False
        self._log = log
        self._read = 0

    async def caught_up(self, tenant: str) -> None:
        """Read what is new."""
        _ = tenant
        if self.slow:
            raise RetryableError("Kafka is slow")
        for reply in self._log[self._read :]:
            self.outcomes.note(reply)
        self._read = len(self._log)


class World:
    """One Kafka, any number of gateways before it."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.tokens = MemoryTokenStore()
        self.log: list[Reply] = []
        self.inbox: list[Item[Any]] = []
        self.error: Exception | None = None
        self.answer: Callable[[Request], Reply | None] = lambda _: None
        self.boards: list[Board] = []
        self._folder = folder
        self._templates = Templates.load(Path(connectors.__file__).parent)

    async def send(self, items: Sequence[Item[Any]]) -> None:
        """Write, and let the stages answer as told."""
        if self.error is not None:
            raise self.error
        for item in items:
            if isinstance(item.record, Reply):
                self.log.append(item.record)
                continue
            self.inbox.append(item)
            reply = self.answer(item.record) if isinstance(item.record, Request) else None
            if reply is not None:
                self.log.append(reply)
                for board in self.boards:
                    board.outcomes.note(reply)

    def connection(self, tenant: str) -> Connection | None:
        """Return acme's."""
        return Connection("acme", 1, {}, "UTC", "EUR") if tenant == "acme" else None

    def gateway(self, key: str) -> httpx.AsyncClient:
        """Start another gateway; its client has an API key."""
        self.boards.append(board := Board(self.log))
        keys = ApiKeys(self.tokens, self.clock)
        seen = Seen(self._folder / str(len(self.boards)), self.clock)
        seen.load()
        requests = Requests(keys, self, board, self.clock)
        events = Events(keys, self.connection, self._templates, self, seen, self.clock)
        app = Starlette(routes=[*requests.routes(), *events.routes(), *openapi.routes("http://gateway")])
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway", headers=headers)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A tenant's world."""
    return World(tmp_path)


@pytest.fixture
async def key(world: World) -> str:
    """An API key of acme."""
    return await ApiKeys(world.tokens, world.clock).issue("acme", "test", None)


@pytest.fixture
async def client(world: World, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one gateway."""
    async with world.gateway(key) as made:
        yield made


def done(request: Request, state: str = "done", **more: Any) -> Reply:
    """Return an answer to a request."""
    fields = {"vendor": "quickbooks", "remote_id": "58", "object_key": "party/p1"} if state == "done" else {}
    return Reply(request.tenant, request.key, request.digest, state, request.received_at, **{**fields, **more})


async def post(
    client: httpx.AsyncClient, body: Any = None, key: str | None = "k1", wait: str = "0s", **more: Any
) -> httpx.Response:
    """Ask for a customer."""
    headers = {"idempotency-key": key} if key is not None else {}
    return await client.post(
        CUSTOMERS, json=ADA if body is None else body, headers=headers, params={"wait": wait}, **more
    )


async def test_a_customer_is_answered_with_its_quickbooks_id(world: World, client: httpx.AsyncClient) -> None:
    """One record for the inbox, which says who waits; the answer has both ids."""
    world.answer = done
    answer = await post(client)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("status", "quickbooks_id", "customer_id")} == {
        "status": "done",
        "quickbooks_id": "58",
        "customer_id": "p1",
    }
    [item] = world.inbox
    headers = dict(item.headers)
    assert headers["x-request"] == f"{item.record.digest}:k1".encode()
    assert item.record.remote_id == "ada@example.com"
    assert json.loads(item.record.body) == {**ADA, "kind": "person", "external_id": "ada@example.com"}


async def test_the_same_request_has_the_same_answer(world: World, client: httpx.AsyncClient, key: str) -> None:
    """However often, however written, at whichever gateway: nothing is sent again."""
    world.answer = done
    first = await post(client)
    other_text = json.dumps(ADA, indent=1).encode()
    again = await client.post(CUSTOMERS, content=other_text, headers={"idempotency-key": '"k1"'})
    async with world.gateway(key) as elsewhere:
        there = await post(elsewhere)
    assert [first.json(), again.json(), there.json()] == [first.json()] * 3
    assert len(world.inbox) == 1


async def test_another_body_under_the_key_is_refused(world: World, client: httpx.AsyncClient, key: str) -> None:
    """422, also while the first is under way, also elsewhere, also when both raced and the stages found it."""
    assert (await post(client)).status_code == 202
    async with world.gateway(key) as elsewhere:
        for refused in (await post(client, {"name": "Eve"}), await post(elsewhere, {"name": "Eve"})):
            assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    world.answer = lambda request: done(request, "conflict")
    assert (await post(client, key="raced")).status_code == 422
    assert len(world.inbox) == 2


async def test_what_lasts_is_told_later_by_any_gateway(world: World, client: httpx.AsyncClient, key: str) -> None:
    """202 with an address; pending there, then done; the one that waits hears it at once."""
    answer = await post(client, key="k/1")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    address = answer.headers["location"]
    async with world.gateway(key) as elsewhere:
        assert (await elsewhere.get(address)).json()["status"] == "pending"
        waiting = asyncio.create_task(post(client, key="k/1", wait="30s"))
        await asyncio.sleep(0)
        reply = done(world.inbox[0].record)
        world.log.append(reply)
        for _ in range(20):
            await asyncio.sleep(0)
        world.boards[0].outcomes.note(reply)
        assert (await waiting).json()["quickbooks_id"] == "58"
        await world.boards[1].caught_up("acme")
        assert (await elsewhere.get(address)).json()["quickbooks_id"] == "58"


async def test_where_too_many_wait_nobody_waits_long(
    world: World, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is answered 202 at once, and may ask again."""
    monkeypatch.setattr(api, "MAX_WAITING", 0)
    assert (await post(client, wait="60s")).status_code == 202
    assert len(world.inbox) == 1


@pytest.mark.parametrize(("state", "status"), [("in_review", 202), ("failed", 422)])
async def test_other_ends_are_told(world: World, client: httpx.AsyncClient, state: str, status: int) -> None:
    """What a person must decide is not done yet; what failed says why, also at its address."""
    world.answer = lambda request: done(request, state, detail="the name is taken")
    answer = await post(client)
    assert answer.status_code == status
    assert answer.json()["detail"] == "the name is taken"
    shown = (await client.get("/v1/tenants/acme/requests/k1")).json()
    assert (shown["status"], shown["detail"]) == (state, "the name is taken")


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"key": None}, 400, "Idempotency-Key"),
        ({"key": "x" * 256}, 400, "Idempotency-Key"),
        ({"wait": "soon"}, 400, "wait"),
        ({"wait": "61s"}, 400, "wait"),
        ({"body": []}, 422, "body"),
        ({"body": {"emails": ["ada@example.com"]}}, 422, "name"),
        ({"body": {**ADA, "emails": ["ada"]}}, 422, "emails.0"),
        ({"body": {**ADA, "rights": "all"}}, 422, "rights"),
        ({"body": {**ADA, "billing_address": {"zip": "1"}}}, 422, "billing_address.zip"),
        ({"body": json.loads("[" * 65 + "]" * 65)}, 400, "within each other"),
    ],
)
async def test_what_is_wrong_is_named(
    world: World, client: httpx.AsyncClient, change: Mapping[str, Any], status: int, named: str
) -> None:
    """A problem with the place, and nothing is written."""
    answer = await post(client, **change)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    assert named in answer.json()["detail"]
    assert not world.inbox


async def test_only_the_tenants_keys_open(world: World, client: httpx.AsyncClient, key: str) -> None:
    """No key, a wrong one, another tenant's: the same answer, whether or not there is such a tenant or request."""
    other = await ApiKeys(world.tokens, world.clock).issue("globex", "", None)
    bodies = set()
    for wrong in ("", "nonsense", key[:-1], f"{key[:4]}{key[4:].upper()}", other):
        async with world.gateway(wrong) as stranger:
            answers = [
                await post(stranger),
                await stranger.get("/v1/tenants/acme/requests/k1"),
                await stranger.post("/v1/tenants/nobody/events", json={}),
            ]
        assert [(answer.status_code, answer.headers["www-authenticate"]) for answer in answers] == [(401, "Bearer")] * 3
        bodies |= {answer.text for answer in answers}
    assert len(bodies) == 1
    assert (await client.get("/v1/tenants/acme/requests/k1")).status_code == 404


async def test_keys_are_hashed_rotated_and_revoked(world: World) -> None:
    """The store has no key; the old one goes on for a while after a rotation; a revoked one ends within seconds."""
    keys = ApiKeys(world.tokens, world.clock)
    first = await keys.issue("acme", "shop", timedelta(days=30))
    [key_id] = await keys.all("acme")
    stored = await world.tokens.get("acme", "api")
    assert stored is not None
    assert first.split("_")[2] not in json.dumps(dict(stored.values))
    second = await keys.rotate("acme", key_id, timedelta(hours=1))
    world.clock.advance(6)
    assert [await keys.opens("acme", key) for key in (first, second)] == [True, True]
    world.clock.advance(3600)
    assert [await keys.opens("acme", key) for key in (first, second)] == [False, True]
    await keys.revoke("acme", second.split("_")[1])
    world.clock.advance(6)
    assert not await keys.opens("acme", second)


async def test_kafka_away_is_told_and_may_be_tried_again(world: World, client: httpx.AsyncClient) -> None:
    """429 and when to come again; the same key is then taken."""
    world.error = RetryableError("away")
    refused = await post(client)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    world.error, world.answer = None, done
    assert (await post(client)).status_code == 200
    world.boards[0].slow = True
    assert (await client.get("/v1/tenants/acme/requests/other")).status_code == 429
    world.boards[0].problem = "replies are being read"
    assert (await post(client, key="k2")).status_code == 503


def test_outcomes_are_forgotten_after_a_day(world: World) -> None:
    """Memory holds what was answered in the last 24 hours."""
    outcomes, at = Outcomes(), world.clock.now()
    outcomes.note(Reply("acme", "old", "d", "done", at))
    outcomes.note(Reply("acme", "new", "d", "done", at + timedelta(hours=25)))
    assert outcomes.of("acme", "old") is None
    assert outcomes.of("acme", "new") is not None


def requests_of(event: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return an event in every mode of the HTTP binding."""
    binary = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    in_base64 = {name: value for name, value in event.items() if name != "data"}
    in_base64["data_base64"] = b64encode(json.dumps(event["data"]).encode()).decode()
    return {
        "binary": {"json": event["data"], "headers": binary},
        "structured": {"content": json.dumps(event), "headers": {"content-type": f"{STRUCTURED}; charset=utf-8"}},
        "base64": {"content": json.dumps(in_base64), "headers": {"content-type": STRUCTURED}},
        "batched": {"content": json.dumps([event]), "headers": {"content-type": BATCHED}},
    }


@pytest.mark.parametrize("mode", ["binary", "structured", "base64", "batched"])
async def test_a_cloud_event_becomes_a_record(world: World, client: httpx.AsyncClient, mode: str) -> None:
    """In every mode the same record, with the event's own id, source and time; sent again it is known."""
    request = requests_of({**EVENT, "time": "2026-01-01T00:00:00Z"})[mode]
    answers = [await client.post(EVENTS, **request) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (202, {"accepted": 1, "repeated": 0}),
        (202, {"accepted": 0, "repeated": 1}),
    ]
    [item] = world.inbox
    record: VendorRecord = item.record
    assert (record.vendor, record.object, record.remote_id, record.body) == ("api", "Customer", "c-1", b'{"n":1.5}')
    assert record.source_version == "2026-01-01T00:00:00.000000Z"
    headers = dict(item.headers)
    assert (headers["ce_id"], headers["ce_source"], headers["ce_time"]) == (b"e1", b"/shop", b"2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("request_", "status", "named"),
    [
        ({"content": b"x", "headers": {"content-type": STRUCTURED}}, 400, "not JSON"),
        ({"json": {}}, 400, "no CloudEvent"),
        ({"content": b"[1]", "headers": {"content-type": BATCHED}}, 400, "event 0"),
        ({"content": json.dumps([EVENT] * (MAX_EVENTS + 1)), "headers": {"content-type": BATCHED}}, 400, "at most"),
        (requests_of({**EVENT, "id": ""})["structured"], 400, "attribute id"),
        (requests_of({**EVENT, "specversion": "0.3"})["binary"], 400, "specversion"),
        (requests_of({**EVENT, "time": "noon"})["structured"], 400, "time"),
        (requests_of({**EVENT, "data": [1]})["structured"], 400, "data"),
        (requests_of({**EVENT, "type": "Unheard"})["structured"], 422, "no mapping reads events of type Unheard"),
    ],
)
async def test_a_wrong_event_is_refused_whole(
    world: World, client: httpx.AsyncClient, request_: Mapping[str, Any], status: int, named: str
) -> None:
    """With the place, and nothing is written."""
    answer = await client.post(EVENTS, **request_)
    assert answer.status_code == status
    assert named in answer.json()["detail"]
    assert not world.inbox


async def test_the_api_is_described(client: httpx.AsyncClient) -> None:
    """The document names every route that is served, its references lead somewhere; the page shows the same."""
    described = (await client.get("/openapi.json")).json()
    text = json.dumps(described)
    schemas = described["components"]["schemas"]
    assert {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]} <= set(schemas)
    for path in described["paths"]:
        answer = await client.request("DELETE", path.replace("{tenant}", "acme").replace("{key}", "k"))
        assert answer.status_code == 405
    page = (await client.get("/docs")).text
    assert all(path in page for path in described["paths"])
    assert "<script" not in page
