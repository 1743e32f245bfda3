"""Managed subscriptions: the server keeps the position, the client commits it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace

from connectors.pubsub_api.pubsub_api_pb2 import (
    CommitReplayRequest,
    CommitReplayResponse,
    Error,
    ErrorCode,
    FetchRequest,
    ManagedFetchRequest,
    ManagedFetchResponse,
    ReplayPreset,
)
from connectors.sandbox.context import SandboxContext
from connectors.sandbox.salesforce.pubsub.bodies import milliseconds
from connectors.sandbox.salesforce.pubsub.log import EventLog, replay_bytes
from connectors.sandbox.salesforce.pubsub.refusals import RefusalError
from connectors.sandbox.salesforce.pubsub.subscription import Subscription

_KIND = "ManagedEventSubscription"
RUN, STOP = "RUN", "STOP"


@dataclass(frozen=True, slots=True)
class Managed:
    """One managed subscription; `committed` is the last replay id that was committed, 0 for none."""

    id: str
    name: str
    topic: str
    earliest: bool
    state: str = RUN
    committed: int = 0


class ManagedSubscriptions:
    """The managed subscriptions of all orgs; writes need an open transaction."""

    def __init__(self, ctx: SandboxContext, log: EventLog) -> None:
        self._ctx = ctx
        self._log = log
        self._active: set[tuple[str, str]] = set()

    def save(self, account: str, managed: Managed) -> None:
        """Store one."""
        self._ctx.database.put(account, _KIND, managed.id, asdict(managed))

    def find(self, account: str, subscription_id: str, name: str) -> Managed:
        """The one of that id, else of that developer name; raises RefusalError."""
        for body in self._ctx.database.all(account, _KIND):
            found = Managed(**body)
            if found.id == subscription_id or (not subscription_id and found.name == name):
                return found
        raise RefusalError(
            f"managed.subscription.{'subscription.id' if subscription_id else 'developer.name'}.not.found"
        )

    def begin(self, account: str, managed: Managed) -> None:
        """Take it for one stream; raises RefusalError when it is stopped or taken."""
        if managed.state == STOP:
            raise RefusalError("managed.subscription.config.stopped")
        if (account, managed.id) in self._active:
            raise RefusalError("managed.subscription.already.active")
        self._active.add((account, managed.id))

    def end(self, account: str, managed: Managed) -> None:
        """Give it back."""
        self._active.discard((account, managed.id))

    def start(self, account: str, managed: Managed) -> tuple[ReplayPreset, bytes]:
        """Where its stream begins: after the committed id, or where a new one does when there is none any more."""
        known = self._log.knows(account, replay_bytes(managed.committed)) if managed.committed else None
        if known is not None:
            return ReplayPreset.CUSTOM, replay_bytes(known)
        return (ReplayPreset.EARLIEST if managed.earliest or managed.committed else ReplayPreset.LATEST), b""

    async def commit(self, account: str, managed: Managed, request: CommitReplayRequest) -> CommitReplayResponse:
        """Move its position; an unknown id is an error in the response, which does not end the stream."""
        now = milliseconds(self._ctx.clock.now())
        known = self._log.knows(account, request.replay_id)
        if known is None:
            error = Error(code=ErrorCode.COMMIT, msg="The replay id is not valid.")
            return CommitReplayResponse(commit_request_id=request.commit_request_id, error=error, process_time=now)
        async with self._ctx.database.transaction():
            self.save(account, replace(managed, committed=known))
        return CommitReplayResponse(
            commit_request_id=request.commit_request_id, replay_id=request.replay_id, process_time=now
        )


class ManagedStream:
    """One ManagedSubscribe stream: a subscription underneath, commits beside its events."""

    def __init__(self, account: str, subscriptions: ManagedSubscriptions, stream: Subscription) -> None:
        self._account = account
        self._subscriptions = subscriptions
        self._stream = stream
        self._answers: asyncio.Queue[ManagedFetchResponse | BaseException | None] = asyncio.Queue()
        self._managed: Managed | None = None

    async def run(self, requests: AsyncIterator[ManagedFetchRequest]) -> AsyncIterator[ManagedFetchResponse]:
        """Yield events and commit responses; raises RefusalError."""
        pump = asyncio.create_task(self._pump(requests))
        try:
            while True:
                answer = await self._answers.get()
                if isinstance(answer, BaseException):
                    raise answer
                if answer is None:
                    return
                yield answer
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            if self._managed is not None:
                self._subscriptions.end(self._account, self._managed)

    async def _pump(self, requests: AsyncIterator[ManagedFetchRequest]) -> None:
        try:
            async for response in self._stream.run(self._asked(requests)):
                shown = ManagedFetchResponse(
                    events=response.events,
                    latest_replay_id=response.latest_replay_id,
                    rpc_id=response.rpc_id,
                    pending_num_requested=response.pending_num_requested,
                )
                self._answers.put_nowait(shown)
        except RefusalError as error:
            self._answers.put_nowait(error)
        else:
            self._answers.put_nowait(None)

    async def _asked(self, requests: AsyncIterator[ManagedFetchRequest]) -> AsyncIterator[FetchRequest]:
        async for request in requests:
            if self._managed is None:
                managed = self._subscriptions.find(self._account, request.subscription_id, request.developer_name)
                self._subscriptions.begin(self._account, managed)
                self._managed = managed
                preset, replay_id = self._subscriptions.start(self._account, managed)
                yield FetchRequest(
                    topic_name=managed.topic,
                    replay_preset=preset,
                    replay_id=replay_id,
                    num_requested=request.num_requested,
                )
                continue
            if request.HasField("commit_replay_id_request"):
                asked = request.commit_replay_id_request
                told = await self._subscriptions.commit(self._account, self._managed, asked)
                self._answers.put_nowait(ManagedFetchResponse(commit_response=told))
            if request.num_requested or not request.HasField("commit_replay_id_request"):
                yield FetchRequest(num_requested=request.num_requested)
