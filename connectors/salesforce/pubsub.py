"""Salesforce's Pub/Sub API: subscriptions to change events, over gRPC with TLS.

Flow control is pull: the server owes at most as many events as were asked for, 100 at most, and says something at least
every 270 seconds while it owes any (Pub/Sub API, "Pull Subscription and Flow Control").
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

import grpc
from grpc import aio

from connectors.errors import ConnectorError, FatalError, RetryableError, UnauthorizedError
from connectors.http import Tokens, tls_context
from connectors.ports import Account, Clock
from connectors.pubsub_api.pubsub_api_pb2 import FetchRequest, FetchResponse, ReplayPreset, SchemaRequest, TopicRequest
from connectors.pubsub_api.pubsub_api_pb2_grpc import PubSubStub
from connectors.salesforce.changes import EventSchema
from connectors.wire import scrub

MOST_OWED = 100
CALL_SECONDS = 30.0
PREFIX = "sfdc.platform.eventbus.grpc."
OPTIONS = (("grpc.max_receive_message_length", 64 * 1024 * 1024), ("grpc.enable_http_proxy", 0))
NO_RIGHTS = frozenset({grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND})


class ReplayExpiredError(RetryableError):
    """The replay id is unknown, or older than the 72 hours that events are kept."""


class EndedError(RetryableError):
    """The server closed the stream in good order."""


class PubSub:
    """One org's event bus; opens its channel when it is first needed.

    Args:
        endpoint: host and port.
        account: its org id and address go with every call.
        tokens: where access tokens come from, as for HTTP.
        ca_file: further certificates to trust.
    """

    def __init__(self, endpoint: str, account: Account, tokens: Tokens, ca_file: str) -> None:
        self._endpoint = endpoint
        self._account = account
        self._tokens = tokens
        self._ca_file = ca_file
        self._channel: aio.Channel | None = None
        self._schemas: dict[str, EventSchema] = {}
        self._token = ""

    async def subscribe(self, topic: str, replay: bytes | None) -> "Subscription":
        """Begin to listen after a replay id, or from now on; what goes wrong is said by `Subscription.take`.

        Raises:
            ConnectorError: there is no token.
        """
        call = self._stub().Subscribe(metadata=await self._metadata())
        preset = ReplayPreset.LATEST if replay is None else ReplayPreset.CUSTOM
        first = FetchRequest(topic_name=topic, replay_preset=preset, replay_id=replay or b"", num_requested=MOST_OWED)
        return Subscription(call, topic, first)

    async def schema(self, schema_id: str) -> EventSchema:
        """Return the schema of that id, asked for once.

        Raises:
            ConnectorError, DecodeError: it cannot be had.
        """
        if schema_id not in self._schemas:
            request = SchemaRequest(schema_id=schema_id)
            try:
                info = await self._stub().GetSchema(request, metadata=await self._metadata(), timeout=CALL_SECONDS)
            except aio.AioRpcError as error:
                raise to_error(error) from None
            self._schemas[schema_id] = EventSchema(info.schema_json)
        return self._schemas[schema_id]

    async def may_read(self, topic: str) -> bool:
        """Tell whether there is such a topic and we may subscribe to it.

        Raises:
            ConnectorError: it is not known now.
        """
        try:
            info = await self._stub().GetTopic(
                TopicRequest(topic_name=topic), metadata=await self._metadata(), timeout=CALL_SECONDS
            )
        except aio.AioRpcError as error:
            if error.code() in NO_RIGHTS:
                return False
            raise to_error(error) from None
        return info.can_subscribe

    async def refresh(self) -> None:
        """Get another token than the one that was refused.

        Raises:
            ConnectorError: there is none.
        """
        await self._tokens.refresh(self._token)

    async def aclose(self) -> None:
        """End all streams."""
        if self._channel is not None:
            await self._channel.close()

    async def _metadata(self) -> Sequence[tuple[str, str]]:
        self._token = await self._tokens.token()
        instance = self._account.base_url.rstrip("/")
        return ("accesstoken", self._token), ("instanceurl", instance), ("tenantid", self._account.account)

    def _stub(self) -> PubSubStub:
        if self._channel is None:
            credentials = grpc.ssl_channel_credentials(_certificates(self._ca_file))
            self._channel = aio.secure_channel(self._endpoint, credentials, options=OPTIONS)
        return PubSubStub(self._channel)


class Subscription:
    """A running stream. A task reads it, since a read that is given up ends the whole call."""

    def __init__(self, call: Any, topic: str, first: FetchRequest) -> None:
        self._call = call
        self._topic = topic
        self._responses: list[FetchResponse] = []
        self._failure: ConnectorError | None = None
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read(first))

    @property
    def quiet(self) -> bool:
        """Tell whether nothing is there to be taken."""
        return not self._responses and self._failure is None

    def take(self) -> Sequence[FetchResponse]:
        """Return what has come.

        Raises:
            ReplayExpiredError: the replay id is of no use any more.
            UnauthorizedError: the token is not accepted, or not any more.
            RetryableError: the stream has broken or ended.
            FatalError: the topic is not there, or not for us.
        """
        responses, self._responses = self._responses, []
        if not responses and self._failure is not None:
            raise self._failure
        if self._failure is None:
            self._news.clear()
        return responses

    async def more(self, events: int) -> None:
        """Ask for so many more events."""
        if events > 0 and self._failure is None:
            try:
                await self._call.write(FetchRequest(topic_name=self._topic, num_requested=events))
            except (aio.AioRpcError, asyncio.InvalidStateError):
                return  # the reader meets the same error and tells it

    async def wait(self, clock: Clock, seconds: float) -> None:
        """Return when something came, or after a while."""
        news, sleep = asyncio.ensure_future(self._news.wait()), asyncio.ensure_future(clock.sleep(seconds))
        try:
            await asyncio.wait((news, sleep), return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            sleep.cancel()
            await asyncio.gather(news, sleep, return_exceptions=True)

    async def aclose(self) -> None:
        """End the stream."""
        self._call.cancel()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, first: FetchRequest) -> None:
        try:
            await self._call.write(first)
            while (response := await self._call.read()) is not aio.EOF:
                self._responses.append(response)
                self._news.set()
            self._failure = EndedError("Salesforce: the event stream was closed")
        except aio.AioRpcError as error:
            self._failure = to_error(error)
        except asyncio.InvalidStateError:
            self._failure = EndedError("Salesforce: the event stream was closed before it began")
        finally:
            self._failure = self._failure or EndedError("Salesforce: the event stream was given up")
            self._news.set()


def to_error(error: aio.AioRpcError) -> ConnectorError:
    """Return what a failed call means for the caller (Pub/Sub API, "Handle Errors")."""
    status, code = error.code(), _code(error)
    message = f"Salesforce Pub/Sub answers {status.name} {code}: {scrub(error.details() or '')}"
    if code.startswith("subscription.fetch.replayid"):
        return ReplayExpiredError(message, code=code)
    if status is grpc.StatusCode.UNAUTHENTICATED or code.startswith("service.auth"):
        return UnauthorizedError(message, code=code)
    if status in NO_RIGHTS or code == "service.tenant.license":
        return FatalError(f"{message}; give the integration user the right, or set changes to poll", code=code)
    return RetryableError(message, code=code)


def _code(error: aio.AioRpcError) -> str:
    for key, value in error.trailing_metadata() or ():
        if key == "error-code":
            return str(value).removeprefix(PREFIX)
    return ""


def _certificates(ca_file: str) -> bytes:
    """Return the authorities that HTTP trusts as well, as PEM.

    Raises:
        FatalError: the file is none of certificates.
    """
    trusted = tls_context(ca_file).get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, trusted)).encode()
