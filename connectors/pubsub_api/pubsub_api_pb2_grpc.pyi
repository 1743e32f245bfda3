# Types of the generated module, for grpc.aio alone: protoc writes none for it.
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from grpc.aio import Channel, Server, ServicerContext, StreamStreamMultiCallable, UnaryUnaryMultiCallable

from connectors.pubsub_api.pubsub_api_pb2 import (
    FetchRequest,
    FetchResponse,
    ManagedFetchRequest,
    ManagedFetchResponse,
    PublishRequest,
    PublishResponse,
    SchemaInfo,
    SchemaRequest,
    TopicInfo,
    TopicRequest,
)

class PubSubStub:
    def __init__(self, channel: Channel) -> None: ...
    Subscribe: StreamStreamMultiCallable[FetchRequest, FetchResponse]
    GetSchema: UnaryUnaryMultiCallable[SchemaRequest, SchemaInfo]
    GetTopic: UnaryUnaryMultiCallable[TopicRequest, TopicInfo]
    Publish: UnaryUnaryMultiCallable[PublishRequest, PublishResponse]
    PublishStream: StreamStreamMultiCallable[PublishRequest, PublishResponse]
    ManagedSubscribe: StreamStreamMultiCallable[ManagedFetchRequest, ManagedFetchResponse]

class PubSubServicer(ABC):
    @abstractmethod
    def Subscribe(
        self, request_iterator: AsyncIterator[FetchRequest], context: ServicerContext[FetchRequest, FetchResponse]
    ) -> AsyncIterator[FetchResponse]: ...
    @abstractmethod
    async def GetSchema(
        self, request: SchemaRequest, context: ServicerContext[SchemaRequest, SchemaInfo]
    ) -> SchemaInfo: ...
    @abstractmethod
    async def GetTopic(
        self, request: TopicRequest, context: ServicerContext[TopicRequest, TopicInfo]
    ) -> TopicInfo: ...
    @abstractmethod
    async def Publish(
        self, request: PublishRequest, context: ServicerContext[PublishRequest, PublishResponse]
    ) -> PublishResponse: ...
    @abstractmethod
    def PublishStream(
        self,
        request_iterator: AsyncIterator[PublishRequest],
        context: ServicerContext[PublishRequest, PublishResponse],
    ) -> AsyncIterator[PublishResponse]: ...
    @abstractmethod
    def ManagedSubscribe(
        self,
        request_iterator: AsyncIterator[ManagedFetchRequest],
        context: ServicerContext[ManagedFetchRequest, ManagedFetchResponse],
    ) -> AsyncIterator[ManagedFetchResponse]: ...

def add_PubSubServicer_to_server(servicer: PubSubServicer, server: Server) -> None: ...
