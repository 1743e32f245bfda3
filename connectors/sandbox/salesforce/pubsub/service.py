"""The gRPC service: who calls, what it may, and the vendor's errors."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from grpc.aio import ServicerContext

from connectors.pubsub_api.pubsub_api_pb2 import (
    Error,
    ErrorCode,
    FetchRequest,
    FetchResponse,
    ManagedFetchRequest,
    ManagedFetchResponse,
    ProducerEvent,
    PublishRequest,
    PublishResponse,
    PublishResult,
    SchemaInfo,
    SchemaRequest,
    TopicInfo,
    TopicRequest,
)
from connectors.pubsub_api.pubsub_api_pb2_grpc import PubSubServicer
from connectors.sandbox.context import SandboxContext
from connectors.sandbox.salesforce.allowances import DELIVERED
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.ids import canonical_id
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.orgs import Orgs
from connectors.sandbox.salesforce.pubsub.log import EventLog, replay_bytes
from connectors.sandbox.salesforce.pubsub.managed import ManagedStream, ManagedSubscriptions
from connectors.sandbox.salesforce.pubsub.platform import check_payload
from connectors.sandbox.salesforce.pubsub.publisher import Publisher
from connectors.sandbox.salesforce.pubsub.refusals import RefusalError
from connectors.sandbox.salesforce.pubsub.subscription import Patience, Subscription
from connectors.sandbox.salesforce.pubsub.topics import EVENT, Topic, Topics
from connectors.sandbox.salesforce.sessions import Sessions

KEEPALIVE, IDLE = "keepalive_milliseconds", "idle_milliseconds"
# "Pull Subscription and Flow Control": at least one response in 270 s; 70 s to ask for more.
PATIENCE = {KEEPALIVE: 270_000, IDLE: 70_000}
# "Publish": the most events of a request.
_MOST_EVENTS = 200
_PATH = "/eventbus.v1.PubSub/"
_FAULTS = frozenset({"status", "throttle", "reset_before_commit"})
_STATUSES = {status.value[0]: status for status in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class _Caller:
    """The session of one call; the guard of its stream."""

    service: "PubSub"
    account: str
    token: str
    path: str

    def topic(self, name: str) -> Topic:
        return self.service.topics.find(self.service.orgs.org(self.account), name)

    def still_welcome(self) -> None:
        self.service.check_session(self.token, self.account)
        self.service.strike(self.account, self.path)

    def admit(self, events: int) -> None:
        for _ in range(events):
            if not self.service.ctx.limits.admit(self.account, DELIVERED):
                raise RefusalError("subscription.limit.exceeded")

    async def mark(self) -> int:
        async with self.service.ctx.database.transaction():
            return self.service.log.mark(self.account)


class PubSub(PubSubServicer):
    """`eventbus.v1.PubSub` over the orgs of this sandbox."""

    def __init__(
        self,
        ctx: SandboxContext,
        orgs: Orgs,
        sessions: Sessions,
        log: EventLog,
        publisher: Publisher,
        managed: ManagedSubscriptions,
    ) -> None:
        self.ctx = ctx
        self.orgs = orgs
        self.log = log
        self.topics = Topics(ctx)
        self._sessions = sessions
        self._publisher = publisher
        self._managed = managed

    async def GetTopic(self, request: TopicRequest, context: ServicerContext[TopicRequest, TopicInfo]) -> TopicInfo:
        """What a topic is; `schema_id` only for a topic of one object."""
        async with self._called(context, "GetTopic") as caller:
            topic = caller.topic(request.topic_name)
            schema_id = ""
            if topic.entity:
                async with self.ctx.database.transaction():
                    schema_id = self._publisher.schema(self.orgs.org(caller.account).schema.addressed(topic.entity))
            return TopicInfo(
                topic_name=topic.name,
                tenant_guid=self.orgs.org_id(caller.account),
                can_publish=topic.name.startswith(EVENT),
                can_subscribe=True,
                schema_id=schema_id,
                rpc_id=str(uuid.uuid4()),
            )

    async def GetSchema(
        self, request: SchemaRequest, context: ServicerContext[SchemaRequest, SchemaInfo]
    ) -> SchemaInfo:
        """A schema that an event was written with, or a topic named."""
        async with self._called(context, "GetSchema"):
            text = self.log.schema(request.schema_id)
            if text is None:
                raise RefusalError("schema.validation.failed")
            return SchemaInfo(schema_json=text, schema_id=request.schema_id, rpc_id=str(uuid.uuid4()))

    async def Subscribe(
        self, request_iterator: AsyncIterator[FetchRequest], context: ServicerContext[FetchRequest, FetchResponse]
    ) -> AsyncIterator[FetchResponse]:
        """Events as they are asked for."""
        async with self._called(context, "Subscribe") as caller:
            if self.ctx.faults.take("expire_replay_ids", caller.account):
                async with self.ctx.database.transaction():
                    self.log.forget(caller.account, all_of_it=True)
            stream = Subscription(caller.account, self.log, caller, self._patience(caller.account))
            async for response in stream.run(request_iterator):
                yield response

    def _patience(self, account: str) -> Patience:
        keepalive, idle = (self.ctx.setting(account, name, PATIENCE[name]) for name in (KEEPALIVE, IDLE))
        return Patience(keepalive / 1000, idle / 1000)

    async def Publish(
        self, request: PublishRequest, context: ServicerContext[PublishRequest, PublishResponse]
    ) -> PublishResponse:
        """Publish platform events; change events are the vendor's own."""
        async with self._called(context, "Publish") as caller:
            return await self._published(caller, request)

    async def PublishStream(
        self, request_iterator: AsyncIterator[PublishRequest], context: ServicerContext[PublishRequest, PublishResponse]
    ) -> AsyncIterator[PublishResponse]:
        """As `Publish`, a response for each request of one topic."""
        async with self._called(context, "PublishStream") as caller:
            topic = ""
            async for request in request_iterator:
                if topic and request.topic_name not in {"", topic}:
                    raise RefusalError("publish.topic.mismatch")
                topic = topic or request.topic_name
                yield await self._published(caller, PublishRequest(topic_name=topic, events=request.events))

    async def _published(self, caller: _Caller, request: PublishRequest) -> PublishResponse:
        topic = caller.topic(request.topic_name)
        if topic.entity is None or not topic.name.startswith(EVENT):
            raise RefusalError("publish.topic.cannot.publish")
        if not 0 < len(request.events) <= _MOST_EVENTS:
            raise RefusalError("publish.event.count.invalid")
        base = self.orgs.org(caller.account).schema.addressed(topic.entity)
        async with self.ctx.database.transaction():
            self.log.forget(caller.account)
            schema_id = self._publisher.schema(base)
            results = [self._appended(caller.account, base, event) for event in request.events]
        return PublishResponse(results=results, schema_id=schema_id, rpc_id=str(uuid.uuid4()))

    def _appended(self, account: str, base: SObject, event: ProducerEvent) -> PublishResult:
        schema = self.log.schema(event.schema_id)
        try:
            check_payload(base, schema, event.payload)
        except RefusalError as error:
            return PublishResult(error=Error(code=ErrorCode.PUBLISH, msg=error.message), correlation_key=event.id)
        replay = self._publisher.publish(account, base.name, event.schema_id, event.payload, event.id)
        return PublishResult(replay_id=replay_bytes(replay), correlation_key=event.id)

    async def ManagedSubscribe(
        self,
        request_iterator: AsyncIterator[ManagedFetchRequest],
        context: ServicerContext[ManagedFetchRequest, ManagedFetchResponse],
    ) -> AsyncIterator[ManagedFetchResponse]:
        """Events from where the last commit was."""
        async with self._called(context, "ManagedSubscribe") as caller:
            stream = Subscription(caller.account, self.log, caller, self._patience(caller.account))
            async for response in ManagedStream(caller.account, self._managed, stream).run(request_iterator):
                yield response

    @asynccontextmanager
    async def _called(self, context: ServicerContext[Any, Any], method: str) -> AsyncIterator[_Caller]:
        """Meter one call; a RefusalError inside ends it with its status and trailers."""
        account: str | None = None
        status = grpc.StatusCode.OK
        try:
            token, account = self._session(context)
            self.ctx.meter.call(account, method)
            await self._prelude(account, _PATH + method)
            caller = _Caller(self, account, token, _PATH + method)
            caller.still_welcome()
            yield caller
        except RefusalError as error:
            status = error.status
            rpc_id = str(uuid.uuid4())
            trailers = (("error-code", error.code), ("rpc-id", rpc_id))
            await context.abort(error.status, f"{error.message} rpcId: {rpc_id}", trailers)
        finally:
            self.ctx.meter.answer(account, status.name)

    def _session(self, context: ServicerContext[Any, Any]) -> tuple[str, str]:
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        token, instance, tenant = (metadata.get(name, "") for name in ("accesstoken", "instanceurl", "tenantid"))
        if not token or not tenant or not instance.startswith(("https://", "http://")):
            raise RefusalError("service.auth.headers.invalid")
        try:
            account, _ = self._sessions.caller(token)
        except ApiError:
            raise RefusalError("service.auth.error") from None
        if canonical_id(tenant) != self.orgs.org_id(account):
            raise RefusalError("service.auth.error")
        return token, account

    def check_session(self, token: str, account: str) -> None:
        """Raise RefusalError once the session has ended."""
        try:
            if self._sessions.caller(token)[0] == account:
                return
        except ApiError:
            pass
        raise RefusalError("service.auth.error")

    async def _prelude(self, account: str, path: str) -> None:
        delay = self.ctx.faults.take("delay", account, path=path)
        if delay:
            await self.ctx.clock.sleep(delay.seconds)
        if self.ctx.faults.take("expire_tokens", account, path=path):
            async with self.ctx.database.transaction():
                self.ctx.tokens.expire(account)

    def strike(self, account: str, path: str) -> None:
        """Raise what a fault wants: `status` is a gRPC status number, `body` an error code without its prefix."""
        fault = self.ctx.faults.take(_FAULTS, account, path=path)
        if fault is None:
            return
        if fault.kind == "status" and fault.status in _STATUSES:
            raise RefusalError(fault.body, _STATUSES[fault.status])
        raise RefusalError("service.protection.triggered" if fault.kind == "throttle" else "service.unavailable")
