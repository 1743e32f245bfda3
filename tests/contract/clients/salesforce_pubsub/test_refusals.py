"""Calls that are refused, with the vendor's codes."""

import grpc
import pytest
from grpc.aio import AioRpcError

from connectors.pubsub_api.pubsub_api_pb2 import (
    FetchRequest,
    ManagedFetchRequest,
    PublishRequest,
    SchemaRequest,
    TopicRequest,
)
from tests.contract.clients.kit.pubsub import ACCOUNTS, EVERYTHING, Org, code_of, fetch, managed_fetch, refusal_of


@pytest.mark.parametrize(
    ("requests", "status", "code"),
    [
        ([fetch("/data/NopeChangeEvent", 1)], grpc.StatusCode.NOT_FOUND, "topic.not.found"),
        ([fetch("/data/OpportunityLineItemChangeEvent", 1)], grpc.StatusCode.NOT_FOUND, "topic.not.found"),
        ([fetch("", 1)], grpc.StatusCode.INVALID_ARGUMENT, "topic.validation.empty"),
        ([fetch(ACCOUNTS, 0)], grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.requested.events.invalid"),
        (
            [fetch(ACCOUNTS, 1), fetch(EVERYTHING, 1)],
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
        assert await refusal_of(stream) == (status, code)


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
    assert (caught.value.code(), code_of(caught.value)) == (grpc.StatusCode.UNAUTHENTICATED, code)


async def test_what_cannot_be_published_or_read_is_refused(org: Org) -> None:
    """Publishing to a change topic, an unknown schema and an unknown managed subscription have the vendor's codes."""
    with pytest.raises(AioRpcError) as caught:
        await org.stub.Publish(PublishRequest(topic_name=ACCOUNTS), metadata=org.metadata)
    assert code_of(caught.value) == "publish.topic.cannot.publish"
    with pytest.raises(AioRpcError) as caught:
        await org.stub.GetSchema(SchemaRequest(schema_id="x"), metadata=org.metadata)
    assert code_of(caught.value) == "schema.validation.failed"
    with pytest.raises(AioRpcError) as caught:
        await managed_fetch(org, ManagedFetchRequest(developer_name="Nope", num_requested=1)).read()
    assert code_of(caught.value) == "managed.subscription.developer.name.not.found"
