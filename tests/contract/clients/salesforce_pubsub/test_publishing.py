"""Platform events, and subscriptions that the server keeps."""

import io
import json

import fastavro
import grpc
import pytest
from grpc.aio import AioRpcError

from connectors.pubsub_api.pubsub_api_pb2 import (
    CommitReplayRequest,
    ManagedFetchRequest,
    ManagedFetchResponse,
    ProducerEvent,
    PublishRequest,
    PublishResponse,
    ReplayPreset,
    SchemaRequest,
    TopicRequest,
)
from tests.contract.clients.kit.pubsub import ACCOUNTS, DATA, Org, code_of, fetch, managed_fetch


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
    async with org.stream(fetch("/event/Paid__e", 9, ReplayPreset.EARLIEST)) as subscribed:
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
        await managed_fetch(org, ManagedFetchRequest(developer_name="Mine", num_requested=1)).read()
    assert code_of(caught.value) == "managed.subscription.already.active"
    for replay_id, failed in ((b"x", True), (got.events[0].replay_id, False)):
        commit = CommitReplayRequest(commit_request_id="1", replay_id=replay_id)
        await first.write(ManagedFetchRequest(commit_replay_id_request=commit))
        told = await first.read()
        assert isinstance(told, ManagedFetchResponse)
        assert (told.commit_response.commit_request_id, told.commit_response.HasField("error")) == ("1", failed)
    await first.done_writing()
    assert await first.read() is grpc.aio.EOF
    second = managed_fetch(org, ManagedFetchRequest(subscription_id=made.json()["id"], num_requested=5))
    (event,) = (await second.read()).events
    second.cancel()
    assert event.replay_id > got.events[0].replay_id
