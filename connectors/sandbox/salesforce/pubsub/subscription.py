"""One Subscribe stream: demand from the client, events from the log, keepalives in silence."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.pubsub_api.pubsub_api_pb2 import ConsumerEvent, FetchRequest, FetchResponse, ProducerEvent, ReplayPreset
from connectors.sandbox.salesforce.pubsub.log import EventLog, Stored, replay_bytes
from connectors.sandbox.salesforce.pubsub.refusals import RefusalError
from connectors.sandbox.salesforce.pubsub.topics import Topic

# "Pull Subscription and Flow Control": the most events a stream may be owed.
MOST_PENDING = 100
# Clients take 4 MB unless they say otherwise (gRPC); the rest is room for headers.
_LARGEST_RESPONSE = 3_000_000


class Guard(Protocol):
    """What a stream asks before it goes on."""

    def topic(self, name: str) -> Topic:
        """The topic the caller may read; raises RefusalError."""
        ...

    def still_welcome(self) -> None:
        """Raise RefusalError when the session has ended, or a fault strikes."""
        ...

    def admit(self, events: int) -> None:
        """Count deliveries; raises RefusalError over the org's daily allocation."""
        ...

    async def mark(self) -> int:
        """Make a replay id that stands for silence."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until a keepalive while events are owed, and until the end while none is."""

    keepalive: float
    idle: float


class Subscription:
    """Serves one stream.

    Args:
        account: Whose log.
        log: The events.
        guard: Rights, limits and faults.
        patience: How long to stay silent.
    """

    def __init__(self, account: str, log: EventLog, guard: Guard, patience: Patience) -> None:
        self._account = account
        self._log = log
        self._guard = guard
        self._patience = patience
        self._wake = asyncio.Event()
        self._topic: Topic | None = None
        self._position = 0
        self._pending = 0
        self._finished = False
        self._failure: RefusalError | None = None

    async def run(self, requests: AsyncIterator[FetchRequest]) -> AsyncIterator[FetchResponse]:
        """Yield responses until the client leaves, nobody asks for more, or RefusalError."""
        self._log.changed(self._account, self._wake)
        reading = asyncio.create_task(self._read(requests))
        try:
            while True:
                self._wake.clear()
                if self._failure:
                    raise self._failure
                response = self._next()
                if response is not None:
                    yield response
                elif self._finished and not self._pending:
                    return
                elif not await self._woken():
                    if not self._pending:
                        return
                    yield await self._keepalive()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            self._log.leave(self._account, self._wake)

    async def _read(self, requests: AsyncIterator[FetchRequest]) -> None:
        try:
            async for request in requests:
                self._take(request)
                self._wake.set()
        except RefusalError as error:
            self._failure = error
        finally:
            self._finished = True
            self._wake.set()

    def _take(self, request: FetchRequest) -> None:
        self._guard.still_welcome()
        if self._topic is None:
            self._topic = self._guard.topic(request.topic_name)
            if request.num_requested > 0:
                self._position = self._start(request)
        elif request.topic_name not in {"", self._topic.name}:
            raise RefusalError("subscription.fetch.topic.mismatch")
        if request.num_requested <= 0:
            raise RefusalError("subscription.fetch.requested.events.invalid")
        self._pending = min(self._pending + request.num_requested, MOST_PENDING)

    def _start(self, request: FetchRequest) -> int:
        if request.replay_preset == ReplayPreset.EARLIEST:
            return self._log.oldest(self._account)
        if request.replay_preset != ReplayPreset.CUSTOM:
            return self._log.head(self._account)
        if not request.replay_id:
            raise RefusalError("subscription.fetch.replayid.validation.failed")
        known = self._log.knows(self._account, request.replay_id)
        if known is None:
            raise RefusalError("subscription.fetch.replayid.corrupted")
        return known

    def _next(self) -> FetchResponse | None:
        """The events that are owed and there, if any."""
        events = _fitting(self._waiting())
        if not events:
            return None
        self._guard.still_welcome()
        self._guard.admit(len(events))
        self._pending -= len(events)
        self._position = events[-1].replay
        return self._response([consumed(event) for event in events])

    def _waiting(self) -> Sequence[Stored]:
        if self._topic is None or not self._pending or not self._topic.entities:
            return []
        return self._log.after(self._account, self._position, self._topic.entities, self._pending)

    async def _woken(self) -> bool:
        seconds = self._patience.keepalive if self._pending else self._patience.idle
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _keepalive(self) -> FetchResponse:
        self._guard.still_welcome()
        mark = await self._guard.mark()
        if not self._waiting():
            self._position = mark
        return self._response([])

    def _response(self, events: list[ConsumerEvent]) -> FetchResponse:
        return FetchResponse(
            events=events,
            latest_replay_id=replay_bytes(self._position),
            rpc_id=str(uuid.uuid4()),
            pending_num_requested=self._pending,
        )


def _fitting(events: Sequence[Stored]) -> Sequence[Stored]:
    """As many as go into one response, the first one in any case."""
    size = 0
    for number, event in enumerate(events):
        size += len(event.payload)
        if number and size > _LARGEST_RESPONSE:
            return events[:number]
    return events


def consumed(event: Stored) -> ConsumerEvent:
    """An event in the API's form."""
    produced = ProducerEvent(id=event.event_id, schema_id=event.schema_id, payload=event.payload)
    return ConsumerEvent(event=produced, replay_id=replay_bytes(event.replay))
