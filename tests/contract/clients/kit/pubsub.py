"""A plain grpcio client, written from the vendor's Pub/Sub API guide, and the org it works in."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import fastavro
import grpc
import httpx
import pytest
from grpc.aio import AioRpcError, Channel, secure_channel

from connectors.pubsub_api.pubsub_api_pb2 import (
    FetchRequest,
    FetchResponse,
    ManagedFetchRequest,
    ReplayPreset,
    SchemaRequest,
)
from connectors.pubsub_api.pubsub_api_pb2_grpc import PubSubStub
from connectors.sandbox.server import Sandboxes

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


def fetch(topic: str, most: int, preset: ReplayPreset = ReplayPreset.LATEST, replay_id: bytes = b"") -> FetchRequest:
    """Return a request for at most so many events."""
    return FetchRequest(topic_name=topic, num_requested=most, replay_preset=preset, replay_id=replay_id)


def code_of(error: AioRpcError) -> str:
    """Return the vendor's code of a refusal, without its prefix."""
    trailers = dict(error.trailing_metadata() or ())
    assert f"rpcId: {trailers['rpc-id']}" in (error.details() or "")
    return str(trailers["error-code"]).removeprefix(PREFIX)


async def refusal_of(stream: Stream) -> tuple[grpc.StatusCode, str]:
    """Return how a stream is refused."""
    with pytest.raises(AioRpcError) as caught:
        await stream.next()
    return caught.value.code(), code_of(caught.value)


def open_channel(sandbox: Sandboxes, known: dict[str, Any]) -> Channel:
    """Connect to an org's Pub/Sub API."""
    credentials = grpc.ssl_channel_credentials(sandbox.ca_file.read_bytes())
    return secure_channel(known["pubsub_endpoint"], credentials)


def managed_fetch(org: Org, *requests: ManagedFetchRequest) -> Any:
    """Open a managed subscription with these requests."""

    async def asked() -> AsyncIterator[ManagedFetchRequest]:
        for request in requests:
            yield request
        await asyncio.Event().wait()  # the client keeps its side open

    return org.stub.ManagedSubscribe(asked(), metadata=org.metadata)
