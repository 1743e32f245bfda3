"""Following a stream: flow control, replay, the 72 hours, restarts."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import grpc
import httpx
import pytest

from connectors.pubsub_api.pubsub_api_pb2 import FetchRequest, ReplayPreset
from connectors.pubsub_api.pubsub_api_pb2_grpc import PubSubStub
from connectors.sandbox.listener import PortTakenError
from connectors.sandbox.server import serve
from tests.contract.clients.kit.pubsub import ACCOUNTS, DATA, MovedClock, Org, fetch, open_channel, refusal_of


async def test_a_stream_gets_no_more_than_it_asked_for(org: Org) -> None:
    """Demand is counted down in each response, added to by later requests, and never above 100."""
    rows = [{"attributes": {"type": "Account"}, "Name": f"A{n}"} for n in range(130)]
    await org.http.post(f"{DATA}/composite/sobjects", json={"records": rows})
    async with org.stream(fetch(ACCOUNTS, 3, ReplayPreset.EARLIEST)) as stream:
        first = await stream.next()
        assert (len(first.events), first.pending_num_requested) == (3, 0)
        await stream.ask(FetchRequest(num_requested=500))
        second = await stream.next()
        assert (len(second.events), second.pending_num_requested) == (100, 0)
        await stream.ask(fetch(ACCOUNTS, 50))
        third = await stream.next()
        assert (len(third.events), third.pending_num_requested) == (27, 23)
    assert third.latest_replay_id == third.events[-1].replay_id


async def test_replay_goes_on_after_an_id(org: Org) -> None:
    """Ids are eight bytes, grow with gaps, and are exclusive; EARLIEST begins with the oldest, LATEST with none."""
    names = [f"A{n}" for n in range(12)]
    for name in names:
        await org.make("Account", Name=name)
    async with org.stream(fetch(ACCOUNTS, 100, ReplayPreset.EARLIEST)) as stream:
        every = await stream.next()
    assert [event["Name"] for event in await org.decode(every)] == names
    ids = [consumed.replay_id for consumed in every.events]
    numbers = [int.from_bytes(id_, "big") for id_ in ids]
    steps = {after - before for before, after in pairwise(numbers)}
    assert {len(id_) for id_ in ids} == {8}
    assert min(steps) >= 1
    assert len(steps) > 1
    async with org.stream(fetch(ACCOUNTS, 100, ReplayPreset.CUSTOM, ids[8])) as stream:
        rest = await stream.next()
    assert [consumed.replay_id for consumed in rest.events] == ids[9:]


async def test_silence_is_answered_with_a_place_to_resume_from(org: Org) -> None:
    """With demand open an empty response moves the id on, past other topics' events; without, the stream ends."""
    await org.put("settings", settings={"keepalive_milliseconds": 20, "idle_milliseconds": 500})
    await org.make("Contact", LastName="Other topic")
    async with org.stream(fetch(ACCOUNTS, 1)) as stream:
        silent = await stream.next()
        assert (list(silent.events), silent.pending_num_requested) == ([], 1)
        await org.make("Account", Name="A")
        response = await stream.events()
        with pytest.raises(EOFError):
            await stream.next()
    async with org.stream(fetch(ACCOUNTS, 1, ReplayPreset.CUSTOM, silent.latest_replay_id)) as stream:
        assert (await stream.next()).events[0].replay_id == response.events[0].replay_id


async def test_events_expire_after_72_hours(org: Org) -> None:
    """An id that is too old, forged or absent is refused with the vendor's code; EARLIEST finds what is left."""
    await org.make("Account", Name="Old")
    async with org.stream(fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
        old = (await stream.next()).events[0].replay_id
    await org.put("settings", settings={"session_seconds": 1_000_000})
    token = (await org.http.get("/__sandbox/credentials", params={"account": "acme"})).json()["access_token"]
    org.metadata[0] = ("accesstoken", token)
    org.http.headers["Authorization"] = f"Bearer {token}"
    org.clock.ahead = timedelta(hours=72, seconds=1)
    await org.make("Account", Name="New")
    for replay_id, code in (
        (old, "corrupted"),
        (b"\0" * 8, "corrupted"),
        (b"x", "corrupted"),
        (b"", "validation.failed"),
    ):
        async with org.stream(fetch(ACCOUNTS, 1, ReplayPreset.CUSTOM, replay_id)) as stream:
            refused = await refusal_of(stream)
        assert refused == (grpc.StatusCode.INVALID_ARGUMENT, f"subscription.fetch.replayid.{code}")
    async with org.stream(fetch(ACCOUNTS, 9, ReplayPreset.EARLIEST)) as stream:
        left = await org.decode(await stream.next())
    assert [event["Name"] for event in left] == ["New"]


async def test_ids_can_be_made_to_expire(org: Org) -> None:
    """The fault `expire_replay_ids` makes a resuming client start over, once."""
    await org.make("Account", Name="A")
    async with org.stream(fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
        known = (await stream.next()).latest_replay_id
    await org.put("faults", kind="expire_replay_ids", count=1)
    async with org.stream(fetch(ACCOUNTS, 1, ReplayPreset.CUSTOM, known)) as stream:
        assert (await refusal_of(stream))[1] == "subscription.fetch.replayid.corrupted"


async def test_an_open_stream_ends_with_its_session(org: Org) -> None:
    """Once the token has expired the next event is not delivered: the client must authenticate again."""
    async with org.stream(fetch(ACCOUNTS, 5, ReplayPreset.EARLIEST)) as stream:
        await org.make("Account", Name="A")
        assert len((await stream.next()).events) == 1
        org.clock.ahead = timedelta(hours=3)
        token = (await org.http.get("/__sandbox/credentials", params={"account": "acme"})).json()["access_token"]
        org.http.headers["Authorization"] = f"Bearer {token}"
        await org.make("Account", Name="B")
        assert await refusal_of(stream) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")


async def test_faults_strike_streams_too(org: Org) -> None:
    """A fault on the service's path ends a stream as unavailable, or with the status and code it names."""
    for body, status, code in (
        ({"kind": "reset_before_commit"}, grpc.StatusCode.UNAVAILABLE, "service.unavailable"),
        (
            {"kind": "status", "status": 14, "body": "topic.api.unavailable"},
            grpc.StatusCode.UNAVAILABLE,
            "topic.api.unavailable",
        ),
    ):
        await org.put("faults", path="PubSub/Subscribe", count=1, **body)
        async with org.stream(fetch(ACCOUNTS, 1)) as stream:
            assert await refusal_of(stream) == (status, code)


async def test_the_delivery_allocation_ends_streams(org: Org) -> None:
    """Over the org's daily deliveries a stream is refused; REST's limits resource shows what is left."""
    await org.put("limits", limits={"DailyDeliveredPlatformEvents": 1})
    for name in ("A", "B"):
        await org.make("Account", Name=name)
    async with org.stream(fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
        await stream.next()
        left = (await org.http.get(f"{DATA}/limits")).json()["DailyDeliveredPlatformEvents"]
        assert left == {"Max": 1, "Remaining": 0}
        await stream.ask(fetch(ACCOUNTS, 1))
        assert await refusal_of(stream) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "subscription.limit.exceeded")


async def test_a_restart_keeps_events_and_positions(tmp_path: Path) -> None:
    """After a restart a stored id goes on; the address is on the host one asked; a taken port is a clear error."""
    first = await serve(["salesforce"], tmp_path, {"salesforce": 0})
    async with httpx.AsyncClient(base_url=first.url("salesforce")) as http:
        known = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
        port = int(known["pubsub_endpoint"].rpartition(":")[2])
        asked = await http.get("/__sandbox/credentials", headers={"Host": f"localhost:{http.base_url.port}"})
        assert asked.json()["pubsub_endpoint"] == f"localhost:{port}"
        with pytest.raises(PortTakenError, match=str(port)):
            await serve(["salesforce"], tmp_path / "other", {"salesforce": 0, "salesforce_pubsub": port})
        headers = {"Authorization": f"Bearer {known['access_token']}"}
        await http.post(f"{DATA}/sobjects/Account", json={"Name": "A"}, headers=headers)
    await first.aclose()
    again = await serve(["salesforce"], tmp_path, {"salesforce": 0})
    async with httpx.AsyncClient(base_url=again.url("salesforce")) as http:
        endpoint = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
        metadata = [
            ("accesstoken", known["access_token"]),
            ("instanceurl", known["instance_url"]),
            ("tenantid", known["org_id"]),
        ]
        async with open_channel(again, endpoint) as channel:
            org = Org(http, PubSubStub(channel), metadata, MovedClock(), known)
            async with org.stream(fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
                (event,) = await org.decode(await stream.next())
    await again.aclose()
    assert event["Name"] == "A"
