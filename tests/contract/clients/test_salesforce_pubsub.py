"""A plain grpcio client, written from the vendor's Pub/Sub API guide, against the Salesforce sandbox over TLS."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import fastavro
import grpc
import httpx
import pytest
from grpc.aio import AioRpcError, Channel, secure_channel

from connectors.pubsub_api.pubsub_api_pb2 import (
    CommitReplayRequest,
    FetchRequest,
    FetchResponse,
    ManagedFetchRequest,
    ManagedFetchResponse,
    ProducerEvent,
    PublishRequest,
    PublishResponse,
    ReplayPreset,
    SchemaRequest,
    TopicRequest,
)
from connectors.pubsub_api.pubsub_api_pb2_grpc import PubSubStub
from connectors.sandbox.listener import PortTakenError
from connectors.sandbox.server import Sandboxes, serve

DATA = "/services/data/v67.0"
ACCOUNTS, EVERYTHING = "/data/AccountChangeEvent", "/data/ChangeEvents"
PREFIX = "sfdc.platform.eventbus.grpc."
QUICK = 10.0


class MovedClock:
    """The machine's time plus what a test adds."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)


@dataclass
class Org:
    """One org as a client sees it: REST, Pub/Sub, and the sandbox's admin."""

    http: httpx.AsyncClient
    stub: PubSubStub
    metadata: list[tuple[str, str]]
    clock: MovedClock
    known: dict[str, Any]

    async def make(self, name: str, **values: object) -> str:
        """Create a record."""
        answer = await self.http.post(f"{DATA}/sobjects/{name}", json=values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def put(self, path: str, /, **body: Any) -> None:
        """Change something as an administrator."""
        answer = await self.http.post(f"/__sandbox/{path}", json={"account": "acme", **body})
        assert answer.is_success, answer.text

    def stream(self, *requests: FetchRequest) -> "Stream":
        """Subscribe."""
        return Stream(self, requests)

    async def decode(self, response: FetchResponse) -> list[dict[str, Any]]:
        """The events of a response, read with their own schemas."""
        found = []
        for consumed in response.events:
            request = SchemaRequest(schema_id=consumed.event.schema_id)
            schema = json.loads((await self.stub.GetSchema(request, metadata=self.metadata)).schema_json)
            read: Any = fastavro.schemaless_reader(io.BytesIO(consumed.event.payload), schema, None)
            found.append(read)
        return found


class Stream:
    """A Subscribe call whose requests a test sends one by one."""

    def __init__(self, org: Org, requests: Sequence[FetchRequest]) -> None:
        self._asked: asyncio.Queue[FetchRequest] = asyncio.Queue()
        for request in requests:
            self._asked.put_nowait(request)
        self._call = org.stub.Subscribe(self._requests(), metadata=org.metadata)

    async def _requests(self) -> AsyncIterator[FetchRequest]:
        while True:
            yield await self._asked.get()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._call.cancel()

    async def ask(self, request: FetchRequest) -> None:
        """Send a request."""
        await self._asked.put(request)

    async def next(self) -> FetchResponse:
        """The next response; raises AioRpcError when the stream is refused, EOFError when it ends."""
        async with asyncio.timeout(QUICK):
            async for response in self._call:
                return response
        raise EOFError

    async def events(self) -> FetchResponse:
        """The next response that has events."""
        while not (response := await self.next()).events:
            pass
        return response


def _fetch(topic: str, most: int, preset: ReplayPreset = ReplayPreset.LATEST, replay_id: bytes = b"") -> FetchRequest:
    return FetchRequest(topic_name=topic, num_requested=most, replay_preset=preset, replay_id=replay_id)


def _code(error: AioRpcError) -> str:
    trailers = dict(error.trailing_metadata() or ())
    assert f"rpcId: {trailers['rpc-id']}" in (error.details() or "")
    return str(trailers["error-code"]).removeprefix(PREFIX)


async def _refusal(stream: Stream) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(AioRpcError) as caught:
        await stream.next()
    return caught.value.code(), _code(caught.value)


def _channel(sandbox: Sandboxes, known: dict[str, Any]) -> Channel:
    credentials = grpc.ssl_channel_credentials(sandbox.ca_file.read_bytes())
    return secure_channel(known["pubsub_endpoint"], credentials)


@pytest.fixture
async def org(tmp_path: Path) -> AsyncIterator[Org]:
    """Org `acme` of a sandbox on free ports."""
    clock = MovedClock()
    sandbox = await serve(["salesforce"], tmp_path, {"salesforce": 0}, clock=clock)
    async with httpx.AsyncClient(base_url=sandbox.url("salesforce")) as http:
        known = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
        http.headers["Authorization"] = f"Bearer {known['access_token']}"
        metadata = [
            ("accesstoken", known["access_token"]),
            ("instanceurl", known["instance_url"]),
            ("tenantid", known["org_id"]),
        ]
        async with _channel(sandbox, known) as channel:
            yield Org(http, PubSubStub(channel), metadata, clock, known)
    await sandbox.aclose()


async def test_a_change_reaches_a_subscriber_with_its_schema(org: Org) -> None:
    """Topic, schema and payload agree; header and bitmap tell who changed what; ids are 18 characters."""
    topic = await org.stub.GetTopic(TopicRequest(topic_name=ACCOUNTS), metadata=org.metadata)
    assert (topic.can_subscribe, topic.can_publish, topic.tenant_guid) == (True, False, org.known["org_id"])
    await org.put("settings", settings={"keepalive_milliseconds": 100})
    async with org.stream(_fetch(ACCOUNTS, 5)) as stream:
        await stream.next()
        org.http.headers["Sforce-Call-Options"] = "client=sluiceway"
        account = await org.make("Account", Name="Ärger & Co")
        made = await stream.events()
        await org.http.patch(f"{DATA}/sobjects/Account/{account}", json={"Phone": "1"})
        changed = await stream.events()
    (event,) = await org.decode(made)
    assert made.events[0].event.schema_id == topic.schema_id
    assert (event["Name"], event["ChangeEventHeader"]["recordIds"]) == ("Ärger & Co", [account])
    (update,) = await org.decode(changed)
    header = update["ChangeEventHeader"]
    assert (update["Name"], update["Phone"], header["changeType"], header["sequenceNumber"]) == (None, "1", "UPDATE", 1)
    assert header["changeOrigin"] == "com/salesforce/api/rest/67.0;client=sluiceway"
    assert header["commitUser"] == org.known["user_id"]
    assert header["commitNumber"] > event["ChangeEventHeader"]["commitNumber"]
    assert abs(header["commitTimestamp"] / 1000 - datetime.now(UTC).timestamp()) < 60


async def test_a_stream_gets_no_more_than_it_asked_for(org: Org) -> None:
    """Demand is counted down in each response, added to by later requests, and never above 100."""
    rows = [{"attributes": {"type": "Account"}, "Name": f"A{n}"} for n in range(130)]
    await org.http.post(f"{DATA}/composite/sobjects", json={"records": rows})
    async with org.stream(_fetch(ACCOUNTS, 3, ReplayPreset.EARLIEST)) as stream:
        first = await stream.next()
        assert (len(first.events), first.pending_num_requested) == (3, 0)
        await stream.ask(FetchRequest(num_requested=500))
        second = await stream.next()
        assert (len(second.events), second.pending_num_requested) == (100, 0)
        await stream.ask(_fetch(ACCOUNTS, 50))
        third = await stream.next()
        assert (len(third.events), third.pending_num_requested) == (27, 23)
    assert third.latest_replay_id == third.events[-1].replay_id


async def test_replay_goes_on_after_an_id(org: Org) -> None:
    """Ids are eight bytes, grow with gaps, and are exclusive; EARLIEST begins with the oldest, LATEST with none."""
    names = [f"A{n}" for n in range(12)]
    for name in names:
        await org.make("Account", Name=name)
    async with org.stream(_fetch(ACCOUNTS, 100, ReplayPreset.EARLIEST)) as stream:
        every = await stream.next()
    assert [event["Name"] for event in await org.decode(every)] == names
    ids = [consumed.replay_id for consumed in every.events]
    numbers = [int.from_bytes(id_, "big") for id_ in ids]
    steps = {after - before for before, after in pairwise(numbers)}
    assert {len(id_) for id_ in ids} == {8}
    assert min(steps) >= 1
    assert len(steps) > 1
    async with org.stream(_fetch(ACCOUNTS, 100, ReplayPreset.CUSTOM, ids[8])) as stream:
        rest = await stream.next()
    assert [consumed.replay_id for consumed in rest.events] == ids[9:]


async def test_silence_is_answered_with_a_place_to_resume_from(org: Org) -> None:
    """With demand open an empty response moves the id on, past other topics' events; without, the stream ends."""
    await org.put("settings", settings={"keepalive_milliseconds": 20, "idle_milliseconds": 500})
    await org.make("Contact", LastName="Other topic")
    async with org.stream(_fetch(ACCOUNTS, 1)) as stream:
        silent = await stream.next()
        assert (list(silent.events), silent.pending_num_requested) == ([], 1)
        await org.make("Account", Name="A")
        response = await stream.events()
        with pytest.raises(EOFError):
            await stream.next()
    async with org.stream(_fetch(ACCOUNTS, 1, ReplayPreset.CUSTOM, silent.latest_replay_id)) as stream:
        assert (await stream.next()).events[0].replay_id == response.events[0].replay_id


async def test_events_expire_after_72_hours(org: Org) -> None:
    """An id that is too old, forged or absent is refused with the vendor's code; EARLIEST finds what is left."""
    await org.make("Account", Name="Old")
    async with org.stream(_fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
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
        async with org.stream(_fetch(ACCOUNTS, 1, ReplayPreset.CUSTOM, replay_id)) as stream:
            refused = await _refusal(stream)
        assert refused == (grpc.StatusCode.INVALID_ARGUMENT, f"subscription.fetch.replayid.{code}")
    async with org.stream(_fetch(ACCOUNTS, 9, ReplayPreset.EARLIEST)) as stream:
        left = await org.decode(await stream.next())
    assert [event["Name"] for event in left] == ["New"]


async def test_ids_can_be_made_to_expire(org: Org) -> None:
    """The fault `expire_replay_ids` makes a resuming client start over, once."""
    await org.make("Account", Name="A")
    async with org.stream(_fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
        known = (await stream.next()).latest_replay_id
    await org.put("faults", kind="expire_replay_ids", count=1)
    async with org.stream(_fetch(ACCOUNTS, 1, ReplayPreset.CUSTOM, known)) as stream:
        assert (await _refusal(stream))[1] == "subscription.fetch.replayid.corrupted"


async def test_gaps_and_overflow_come_on_request(org: Org) -> None:
    """A gap event has a header alone and the record's id; an overflow tells of no record at all."""
    await org.put("faults", kind="gap_event", path=ACCOUNTS, count=1)
    account = await org.make("Account", Name="Gap")
    await org.put("faults", kind="event_overflow", count=1)
    await org.make("Account", Name="Overflow")
    async with org.stream(_fetch(EVERYTHING, 9, ReplayPreset.EARLIEST)) as stream:
        gap, overflow = await org.decode(await stream.next())
    assert (gap["ChangeEventHeader"]["changeType"], gap["ChangeEventHeader"]["recordIds"]) == ("GAP_CREATE", [account])
    assert {key for key, value in gap.items() if value is not None} == {"ChangeEventHeader"}
    assert overflow["ChangeEventHeader"]["changeType"] == "GAP_OVERFLOW"
    assert overflow["ChangeEventHeader"]["entityName"] == "Account"


async def _long_texts(org: Org, count: int) -> dict[str, str]:
    long = {f"Text{number}__c": "x" * 131_072 for number in range(count)}
    for name in long:
        field = {"FullName": f"Account.{name}", "Metadata": {"type": "LongTextArea", "length": 131_072}}
        assert (await org.http.post(f"{DATA}/tooling/sobjects/CustomField", json=field)).status_code == 201
    return long


async def test_a_response_stays_below_what_clients_take(org: Org) -> None:
    """Large events come in several responses of less than 4 MB each, however many were asked for."""
    long = await _long_texts(org, 7)
    for number in range(5):
        await org.make("Account", Name=f"A{number}", **long)
    async with org.stream(_fetch(ACCOUNTS, 100, ReplayPreset.EARLIEST)) as stream:
        responses = [await stream.next(), await stream.next()]
    assert [len(response.events) for response in responses] == [3, 2]
    assert max(response.ByteSize() for response in responses) < 4_000_000


async def test_an_event_over_a_megabyte_is_a_gap(org: Org) -> None:
    """Values that do not fit into an event leave a gap event behind."""
    long = await _long_texts(org, 9)
    account = await org.make("Account", Name="A", **long)
    async with org.stream(_fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
        (event,) = await org.decode(await stream.next())
    header = event["ChangeEventHeader"]
    assert (header["changeType"], header["recordIds"], event["Name"]) == ("GAP_CREATE", [account], None)


async def test_one_event_tells_of_200_deleted_records(org: Org) -> None:
    """Equal changes of one request are one event with all ids, in order."""
    rows = [{"attributes": {"type": "Account"}, "Name": f"A{n}"} for n in range(200)]
    made = (await org.http.post(f"{DATA}/composite/sobjects", json={"records": rows})).json()
    await org.http.delete(f"{DATA}/composite/sobjects", params={"ids": ",".join(row["id"] for row in made)})
    async with org.stream(_fetch(ACCOUNTS, 100, ReplayPreset.EARLIEST)) as stream:
        await stream.next()
        await stream.ask(_fetch(ACCOUNTS, 100))
        await stream.next()
        await stream.ask(_fetch(ACCOUNTS, 100))
        (deleted,) = await org.decode(await stream.next())
    assert deleted["ChangeEventHeader"]["changeType"] == "DELETE"
    assert deleted["ChangeEventHeader"]["recordIds"] == [row["id"] for row in made]


async def test_a_new_field_gives_a_new_schema(org: Org) -> None:
    """Events before and after a field was added are read with their own schemas."""
    await org.make("Account", Name="Before")
    field = {"FullName": "Account.Region__c", "Metadata": {"type": "Text", "length": 40}}
    assert (await org.http.post(f"{DATA}/tooling/sobjects/CustomField", json=field)).status_code == 201
    await org.make("Account", Name="After", Region__c="north")
    async with org.stream(_fetch(ACCOUNTS, 2, ReplayPreset.EARLIEST)) as stream:
        response = await stream.next()
    before, after = await org.decode(response)
    assert ("Region__c" in before, after["Region__c"]) == (False, "north")
    assert response.events[0].event.schema_id != response.events[1].event.schema_id


async def test_channels_leave_out_what_is_not_selected_or_not_allowed(org: Org) -> None:
    """/data/ChangeEvents has the selected objects; without the right it is silent and the object's topic refused."""
    await org.put("settings", settings={"selected_entities": ["Account", "Contact"], "hidden_entities": ["Contact"]})
    await org.make("Contact", LastName="Hidden")
    await org.make("Lead", LastName="Not selected", Company="C")
    await org.make("Account", Name="Seen")
    async with org.stream(_fetch(EVERYTHING, 9, ReplayPreset.EARLIEST)) as stream:
        seen = await org.decode(await stream.next())
    assert [event["ChangeEventHeader"]["entityName"] for event in seen] == ["Account"]
    async with org.stream(_fetch("/data/ContactChangeEvent", 1)) as stream:
        assert await _refusal(stream) == (grpc.StatusCode.PERMISSION_DENIED, "topic.meta.permission")


async def test_a_custom_channel_has_its_members_events(org: Org) -> None:
    """A declared channel has the objects that were added to it, and nothing else; bad names are refused."""
    made = [
        (
            "PlatformEventChannel",
            {"FullName": "Sales__chn", "Metadata": {"channelType": "data", "label": "Sales"}},
            201,
        ),
        ("PlatformEventChannel", {"FullName": "Sales__chn", "Metadata": {"channelType": "data"}}, 400),
        ("PlatformEventChannel", {"FullName": "Sales"}, 400),
        ("PlatformEventChannelMember", _member("Sales__chn", "ContactChangeEvent"), 201),
        ("PlatformEventChannelMember", _member("Sales__chn", "NopeChangeEvent"), 400),
        ("PlatformEventChannelMember", _member("Nope__chn", "ContactChangeEvent"), 400),
        ("PlatformEventChannelMember", _member("Sales__chn", "LeadChangeEvent", filterExpression="x"), 400),
    ]
    for name, body, status in made:
        answer = await org.http.post(f"{DATA}/tooling/sobjects/{name}", json=body)
        assert answer.status_code == status, answer.text
    await org.make("Account", Name="A")
    await org.make("Contact", LastName="C")
    async with org.stream(_fetch("/data/Sales__chn", 9, ReplayPreset.EARLIEST)) as stream:
        (event,) = await org.decode(await stream.next())
    assert event["ChangeEventHeader"]["entityName"] == "Contact"
    topic = await org.stub.GetTopic(TopicRequest(topic_name="/data/Sales__chn"), metadata=org.metadata)
    assert (topic.can_subscribe, topic.schema_id) == (True, "")


def _member(channel: str, event: str, **more: str) -> dict[str, Any]:
    return {"FullName": f"{channel}_{event}", "Metadata": {"eventChannel": channel, "selectedEntity": event, **more}}


@pytest.mark.parametrize(
    ("requests", "status", "code"),
    [
        ([_fetch("/data/NopeChangeEvent", 1)], grpc.StatusCode.NOT_FOUND, "topic.not.found"),
        ([_fetch("/data/OpportunityLineItemChangeEvent", 1)], grpc.StatusCode.NOT_FOUND, "topic.not.found"),
        ([_fetch("", 1)], grpc.StatusCode.INVALID_ARGUMENT, "topic.validation.empty"),
        ([_fetch(ACCOUNTS, 0)], grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.requested.events.invalid"),
        (
            [_fetch(ACCOUNTS, 1), _fetch(EVERYTHING, 1)],
            grpc.StatusCode.INVALID_ARGUMENT,
            "subscription.fetch.topic.mismatch",
        ),
    ],
)
async def test_bad_requests_have_the_vendors_codes(
    org: Org, requests: list[FetchRequest], status: grpc.StatusCode, code: str
) -> None:
    """Unknown and empty topics, no demand and a changed topic end the stream with their own codes."""
    async with org.stream(*requests) as stream:
        assert await _refusal(stream) == (status, code)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("accesstoken", "00D000000000001!nonsense", "service.auth.error"),
        ("tenantid", "00D000000000001AAA", "service.auth.error"),
        ("accesstoken", "", "service.auth.headers.invalid"),
        ("instanceurl", "localhost", "service.auth.headers.invalid"),
    ],
)
async def test_every_call_must_say_who_calls(org: Org, name: str, value: str, code: str) -> None:
    """A wrong token or org, or missing metadata, is UNAUTHENTICATED; the org's 15-character id is as good as 18."""
    known = dict(org.metadata)
    org.metadata[2] = ("tenantid", known["tenantid"][:15])
    assert (await org.stub.GetTopic(TopicRequest(topic_name=ACCOUNTS), metadata=org.metadata)).topic_name == ACCOUNTS
    with pytest.raises(AioRpcError) as caught:
        await org.stub.GetTopic(TopicRequest(topic_name=ACCOUNTS), metadata=list({**known, name: value}.items()))
    assert (caught.value.code(), _code(caught.value)) == (grpc.StatusCode.UNAUTHENTICATED, code)


async def test_an_open_stream_ends_with_its_session(org: Org) -> None:
    """Once the token has expired the next event is not delivered: the client must authenticate again."""
    async with org.stream(_fetch(ACCOUNTS, 5, ReplayPreset.EARLIEST)) as stream:
        await org.make("Account", Name="A")
        assert len((await stream.next()).events) == 1
        org.clock.ahead = timedelta(hours=3)
        token = (await org.http.get("/__sandbox/credentials", params={"account": "acme"})).json()["access_token"]
        org.http.headers["Authorization"] = f"Bearer {token}"
        await org.make("Account", Name="B")
        assert await _refusal(stream) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")


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
        async with org.stream(_fetch(ACCOUNTS, 1)) as stream:
            assert await _refusal(stream) == (status, code)


async def test_the_delivery_allocation_ends_streams(org: Org) -> None:
    """Over the org's daily deliveries a stream is refused; REST's limits resource shows what is left."""
    await org.put("limits", limits={"DailyDeliveredPlatformEvents": 1})
    for name in ("A", "B"):
        await org.make("Account", Name=name)
    async with org.stream(_fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
        await stream.next()
        left = (await org.http.get(f"{DATA}/limits")).json()["DailyDeliveredPlatformEvents"]
        assert left == {"Max": 1, "Remaining": 0}
        await stream.ask(_fetch(ACCOUNTS, 1))
        assert await _refusal(stream) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "subscription.limit.exceeded")


async def test_what_cannot_be_published_or_read_is_refused(org: Org) -> None:
    """Publishing to a change topic, an unknown schema and an unknown managed subscription have the vendor's codes."""
    with pytest.raises(AioRpcError) as caught:
        await org.stub.Publish(PublishRequest(topic_name=ACCOUNTS), metadata=org.metadata)
    assert _code(caught.value) == "publish.topic.cannot.publish"
    with pytest.raises(AioRpcError) as caught:
        await org.stub.GetSchema(SchemaRequest(schema_id="x"), metadata=org.metadata)
    assert _code(caught.value) == "schema.validation.failed"
    with pytest.raises(AioRpcError) as caught:
        await _managed(org, ManagedFetchRequest(developer_name="Nope", num_requested=1)).read()
    assert _code(caught.value) == "managed.subscription.developer.name.not.found"


def _managed(org: Org, *requests: ManagedFetchRequest) -> Any:
    async def asked() -> AsyncIterator[ManagedFetchRequest]:
        for request in requests:
            yield request
        await asyncio.Event().wait()  # the client keeps its side open

    return org.stub.ManagedSubscribe(asked(), metadata=org.metadata)


async def _declare_event(org: Org) -> None:
    call = (
        '<createMetadata xmlns="http://soap.sforce.com/2006/04/metadata"><metadata xsi:type="CustomObject">'
        "<fullName>Paid__e</fullName></metadata></createMetadata>"
    )
    session = f"<SessionHeader><sessionId>{org.known['access_token']}</sessionId></SessionHeader>"
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<e:Header>{session}</e:Header><e:Body>{call}</e:Body></e:Envelope>"
    )
    answer = await org.http.post("/services/Soap/m/67.0", content=envelope, headers={"Content-Type": "text/xml"})
    assert "<success>true</success>" in answer.text
    field = {"FullName": "Paid__e.Amount__c", "Metadata": {"type": "Number"}}
    assert (await org.http.post(f"{DATA}/tooling/sobjects/CustomField", json=field)).status_code == 201


async def test_platform_events_are_published_both_ways(org: Org) -> None:
    """By REST and by gRPC an event reaches its topic; a payload that does not fit is an error of its own row."""
    await _declare_event(org)
    made = await org.http.post(f"{DATA}/sobjects/Paid__e", json={"Amount__c": 7})
    assert (made.status_code, made.json()["errors"][0]["statusCode"]) == (201, "OPERATION_ENQUEUED")
    topic = await org.stub.GetTopic(TopicRequest(topic_name="/event/Paid__e"), metadata=org.metadata)
    assert topic.can_publish
    schema = json.loads(
        (await org.stub.GetSchema(SchemaRequest(schema_id=topic.schema_id), metadata=org.metadata)).schema_json
    )
    payload = io.BytesIO()
    fastavro.schemaless_writer(payload, schema, {"CreatedDate": 1, "CreatedById": "x", "Amount__c": 8.5})
    events = [
        ProducerEvent(id="a", schema_id=topic.schema_id, payload=payload.getvalue()),
        ProducerEvent(id="b", schema_id=topic.schema_id, payload=b""),
        ProducerEvent(id="c", schema_id="nope", payload=payload.getvalue()),
    ]
    request = PublishRequest(topic_name="/event/Paid__e", events=events)
    done = await org.stub.Publish(request, metadata=org.metadata)
    assert [(row.correlation_key, row.HasField("error")) for row in done.results] == [
        ("a", False),
        ("b", True),
        ("c", True),
    ]
    stream = org.stub.PublishStream(metadata=org.metadata)
    await stream.write(PublishRequest(topic_name="/event/Paid__e", events=events[:1]))
    again = await stream.read()
    assert isinstance(again, PublishResponse)
    stream.cancel()
    async with org.stream(_fetch("/event/Paid__e", 9, ReplayPreset.EARLIEST)) as subscribed:
        response = await subscribed.next()
    assert [event["Amount__c"] for event in await org.decode(response)] == [7.0, 8.5, 8.5]
    assert [row.replay_id for row in response.events[1:]] == [done.results[0].replay_id, again.results[0].replay_id]


async def test_a_managed_subscription_resumes_after_its_commit(org: Org) -> None:
    """The server keeps the committed place; a bad commit does not end the stream; only one stream at a time."""
    body = {"FullName": "Mine", "Metadata": {"topicName": ACCOUNTS, "defaultReplay": "EARLIEST", "state": "RUN"}}
    made = await org.http.post(f"{DATA}/tooling/sobjects/ManagedEventSubscription", json=body)
    assert made.status_code == 201
    for name in ("A", "B"):
        await org.make("Account", Name=name)
    first = org.stub.ManagedSubscribe(metadata=org.metadata)
    await first.write(ManagedFetchRequest(developer_name="Mine", num_requested=1))
    got = await first.read()
    assert isinstance(got, ManagedFetchResponse)
    with pytest.raises(AioRpcError) as caught:
        await _managed(org, ManagedFetchRequest(developer_name="Mine", num_requested=1)).read()
    assert _code(caught.value) == "managed.subscription.already.active"
    for replay_id, failed in ((b"x", True), (got.events[0].replay_id, False)):
        commit = CommitReplayRequest(commit_request_id="1", replay_id=replay_id)
        await first.write(ManagedFetchRequest(commit_replay_id_request=commit))
        told = await first.read()
        assert isinstance(told, ManagedFetchResponse)
        assert (told.commit_response.commit_request_id, told.commit_response.HasField("error")) == ("1", failed)
    await first.done_writing()
    assert await first.read() is grpc.aio.EOF
    second = _managed(org, ManagedFetchRequest(subscription_id=made.json()["id"], num_requested=5))
    (event,) = (await second.read()).events
    second.cancel()
    assert event.replay_id > got.events[0].replay_id


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
        async with _channel(again, endpoint) as channel:
            org = Org(http, PubSubStub(channel), metadata, MovedClock(), known)
            async with org.stream(_fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
                (event,) = await org.decode(await stream.next())
    await again.aclose()
    assert event["Name"] == "A"
