from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from connectors.clock import ManualClock
from connectors.errors import InDoubtError, RejectedError, StaleError
from connectors.http import Http
from connectors.pardot.client import PardotClient
from connectors.pardot.fetch import PardotFetcher
from connectors.pardot.sink import PardotSink
from connectors.ports import Account, Call, RemoteRef
from connectors.wire import loads

UPDATED = "2026-01-01T09:00:00-05:00"


class Unit:
    """Answers with what a test puts in, and keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer the next request."""
        self.requests.append(request)
        return self.answers.pop(0)

    def answer(self, body: Any, status: int = 200) -> None:
        """Put an answer in."""
        self.answers.append(httpx.Response(status, json=body))


@pytest.fixture
def unit() -> Unit:
    """A business unit without answers."""
    return Unit()


@pytest.fixture
def client(unit: Unit, network: Callable[..., Http], clock: ManualClock) -> PardotClient:
    """A client of that unit."""
    return PardotClient(network(unit), "https://vendor.test", "0UvB0000000001", ZoneInfo("UTC"), clock)


@pytest.fixture
def sink(client: PardotClient) -> PardotSink:
    """The sink under test."""
    return PardotSink(client)


MakeCall = Callable[..., Call]
BODY = {"email": " Ada@Example.COM ", "Lifetime_Value__c": 120, "optedOut": False, "isDoNotEmail": True, "id": 9}


async def test_a_prospect_is_put_by_address(sink: PardotSink, unit: Unit, make_call: MakeCall) -> None:
    """Lower case, custom fields at the top, an opt-out never taken back."""
    unit.answer({"id": 12, "email": "ada@example.com", "updatedAt": UPDATED})
    [outcome] = await sink.write([make_call("Prospect", BODY)])
    request = unit.requests[0]
    assert request.url.path == "/api/v5/objects/prospects/do/upsertLatestByEmail"
    assert request.headers["pardot-business-unit-id"] == "0UvB0000000001"
    assert loads(request.content) == {
        "matchEmail": "ada@example.com",
        "prospect": {"email": "ada@example.com", "Lifetime_Value__c": 120, "isDoNotEmail": True},
        "fields": ["id", "email", "updatedAt", "Lifetime_Value__c", "isDoNotEmail"],
        "secondaryDeletedSearch": True,
    }
    assert (outcome.remote, outcome.version) == (RemoteRef("12"), "2026-01-01T14:00:00.000000Z")


async def test_a_known_prospect_is_changed_by_its_id(
    sink: PardotSink, unit: Unit, make_call: MakeCall, remote: RemoteRef
) -> None:
    """A new address then changes this prospect instead of making another."""
    unit.answer({"id": 12, "updatedAt": UPDATED})
    unit.answers.append(httpx.Response(204))
    for _ in range(2):
        [outcome] = await sink.write([make_call("Prospect", BODY, remote=remote)])
        assert outcome.remote == RemoteRef("12")
    assert {(request.method, request.url.path) for request in unit.requests} == {
        ("PATCH", "/api/v5/objects/prospects/12")
    }


@pytest.mark.parametrize(("code", "status"), [(109, 404), (132, 400), (219, 400)])
async def test_a_prospect_that_has_gone_is_looked_for_again(
    code: int, status: int, sink: PardotSink, unit: Unit, make_call: MakeCall, remote: RemoteRef
) -> None:
    """A stale id leads to a look-up, which tells that it is gone; then the address decides."""
    unit.answer({"code": code, "message": "gone"}, status)
    [outcome] = await sink.write([make_call("Prospect", BODY, remote=remote)])
    assert type(outcome.error) is StaleError
    unit.answer({"code": code, "message": "gone"}, status)
    assert await sink.find(make_call("Prospect", BODY, remote=remote)) is None


@pytest.mark.parametrize(
    ("object_type", "body", "operation"),
    [("List", BODY, "put"), ("Prospect", {}, "put"), ("Prospect", {"email": " "}, "put"), ("Prospect", BODY, "delete")],
)
async def test_what_cannot_be_done_is_not_sent(
    object_type: str, body: dict[str, Any], operation: str, sink: PardotSink, unit: Unit, make_call: MakeCall
) -> None:
    """Other objects, a missing address and other operations are refused."""
    [outcome] = await sink.write([make_call(object_type, body, operation=operation)])
    assert type(outcome.error) is RejectedError
    assert not unit.requests


async def test_a_cut_answer_is_in_doubt(sink: PardotSink, unit: Unit, make_call: MakeCall) -> None:
    """The prospect may have been written."""
    unit.answers.append(httpx.Response(200, text='{"id": 1'))
    [outcome] = await sink.write([make_call("Prospect", BODY)])
    assert type(outcome.error) is InDoubtError


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ({"Lifetime_Value__c": "120", "isDoNotEmail": True, "email": "ADA@example.com"}, True),
        ({"Lifetime_Value__c": "80", "isDoNotEmail": True, "email": "ada@example.com"}, False),
    ],
)
async def test_find_tells_whether_our_write_is_there(
    stored: dict[str, Any], found: bool, sink: PardotSink, unit: Unit, make_call: MakeCall
) -> None:
    """A prospect with other content is no proof: None lets the upsert be repeated."""
    unit.answer({"values": [{"id": 12, "updatedAt": UPDATED, **stored}], "nextPageToken": None})
    outcome = await sink.find(make_call("Prospect", BODY))
    assert (outcome is not None) is found
    assert unit.requests[0].url.params["email"] == "ada@example.com"
    assert "Lifetime_Value__c" in unit.requests[0].url.params["fields"]


@pytest.mark.parametrize(
    "others",
    [
        [],
        [{"id": 13, "updatedAt": UPDATED, "Lifetime_Value__c": 120, "isDoNotEmail": True, "email": "ada@example.com"}],
    ],
    ids=["alone", "beside ours"],
)
async def test_find_tells_a_former_prospect_of_that_address(
    others: list[dict[str, Any]], sink: PardotSink, unit: Unit, make_call: MakeCall
) -> None:
    """A write by address would change it, whatever else it says; not where ours is there."""
    values = [{"id": 12, "updatedAt": UPDATED, "email": "ada@example.com"}, *others]
    unit.answer({"values": values, "nextPageToken": None})
    outcome = await sink.find(make_call("Prospect", BODY, former_ids=["12"]))
    assert outcome is not None
    assert outcome.remote == RemoteRef("13" if others else "12")


async def test_prospects_are_fetched_by_id(
    client: PardotClient, unit: Unit, account: Account, clock: ManualClock
) -> None:
    """One that is gone comes back deleted; other objects are refused."""
    unit.answer({"id": 12, "updatedAt": UPDATED})
    unit.answer({"code": 109, "message": "gone"}, 404)
    fetcher = PardotFetcher(client, account, clock)
    raws = await fetcher.fetch("Prospect", ["12", "13", "12"])
    assert [(raw.remote_id, raw.deleted) for raw in raws] == [("12", False), ("13", True)]
    assert raws[0].version == "2026-01-01T14:00:00.000000Z"
    with pytest.raises(RejectedError, match="only Prospect"):
        await fetcher.fetch("List", ["1"])
