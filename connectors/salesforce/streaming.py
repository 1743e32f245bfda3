"""Follows an org's change events. An event names records, which are then read as they are; see the README."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.errors import DecodeError, RetryableError, UnauthorizedError
from connectors.pacing import room
from connectors.ports import Batch, Clock, Raw
from connectors.pubsub_api.pubsub_api_pb2 import ConsumerEvent, FetchResponse
from connectors.salesforce.budget import Budget
from connectors.salesforce.changes import Change
from connectors.salesforce.client import CLIENT, IDS, Record, SalesforceClient
from connectors.salesforce.cursor import State, decode, encode
from connectors.salesforce.history import History, Memory, gone
from connectors.salesforce.plan import Plan, topic_of
from connectors.salesforce.pubsub import EndedError, PubSub, ReplayExpiredError, Subscription
from connectors.salesforce.records import raw_of

SILENCE_SECONDS = 330.0
"""The service says something every 270 seconds: a stream that is silent for longer is dead."""
FIRST_RETRY_SECONDS = 5.0
MOST_RETRY_SECONDS = 60.0
LOOK_SECONDS = 1.0
"""How often to ask whether a backfill has room."""

logger = logging.getLogger(__name__)


class SalesforceStream:
    """Streams the objects of setting `objects`, polls those of `polled`."""

    name = "salesforce"
    streaming = True

    def __init__(self, client: SalesforceClient, pubsub: PubSub, plan: Plan, clock: Clock) -> None:
        self._client = client
        self._pubsub = pubsub
        self._plan = plan
        self._clock = clock

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield what comes from just after `cursor`; None: what there is, and then what comes.

        Raises:
            ConnectorError: see `ports.Source`. What ails the event stream alone is not raised but waited out.
        """
        reader = Reader(self._client, self._pubsub, self._plan, self._clock, decode(cursor, self._plan.where))
        try:
            while True:
                yield await reader.next()
        finally:
            await reader.aclose()


@dataclass(slots=True)
class Named:
    """A record that events have named.

    Attributes:
        committed: when it last changed.
        kinds: what happened to it.
        ours: nobody but us had a hand in it.
    """

    id: str
    committed: datetime
    kinds: set[str] = field(default_factory=set)
    ours: bool = True

    @property
    def surely_gone(self) -> bool:
        """Tell whether a record that is not found was deleted, rather than hidden from us."""
        return any(kind == "DELETE" or kind.startswith("GAP_") for kind in self.kinds)


class Reader:
    """One reading, from a cursor until it is given up: everything it remembers beside the state may be forgotten."""

    def __init__(self, client: SalesforceClient, pubsub: PubSub, plan: Plan, clock: Clock, state: State) -> None:
        now = clock.now()
        self._client = client
        self._pubsub = pubsub
        self._plan = plan
        self._clock = clock
        self._state = state
        self._memory = Memory()
        self._history = History(client, plan, clock, state, self._memory)
        self._budget = Budget(plan.daily_calls, now)
        self._subscription: Subscription | None = None
        self._checked = False
        self._unconfirmed = False
        self._renewed = False
        self._answered = False
        self._failures = 0
        self._heard_at = now
        self._retry_at = now

    async def aclose(self) -> None:
        """End stream and query."""
        await self._history.aclose()
        await self._drop()

    async def next(self) -> Batch:
        """Wait for the next thing to be stored: what events lead to before what history has.

        Raises:
            ConnectorError: begin anew from the stored cursor.
        """
        while True:
            now = self._clock.now()
            await self._connect(now)
            if self._has_news(now):
                records = await self._live()
                if records is not None:
                    return self._batch(records)
            elif self._history.wait(now) == 0 and (not self._history.patient or room()):
                return self._batch(await self._history.step())
            else:
                await self._wait(now)

    def _batch(self, records: Sequence[Raw]) -> Batch:
        # Nobody knows what is new at a bus that has not answered: who is alarmed by that is rightly so.
        heard = self._subscription is not None and self._subscription.quiet and self._answered
        return Batch(records, encode(self._state), caught_up=heard and not self._history.pending)

    def _has_news(self, now: datetime) -> bool:
        return self._subscription is not None and not self._subscription.quiet and self._budget.wait(now) == 0

    async def _wait(self, now: datetime) -> None:
        """Wait for an event, but no longer than until something else is to be done."""
        history = self._history.wait(now) or LOOK_SECONDS
        if self._subscription is None:
            await self._clock.sleep(min(history, max(0.0, (self._retry_at - now).total_seconds())))
        elif not self._subscription.quiet:
            await self._clock.sleep(min(history, self._budget.wait(now)))
        else:
            silence = SILENCE_SECONDS - (now - self._heard_at).total_seconds()
            await self._subscription.wait(self._clock, max(0.0, min(history, silence)))
            if silence <= 0 and self._subscription.quiet:
                await self._broken(RetryableError("Salesforce: the event stream is silent"))

    async def _connect(self, now: datetime) -> None:
        """Subscribe where the state says. Without a place to resume from, all that came meanwhile was missed."""
        if self._subscription is not None or now < self._retry_at:
            return
        try:
            if not self._checked:
                await self._check_rights()
            if self._state.replay is None:
                self._history.mark(self._plan.streamed)
            self._unconfirmed, self._answered = self._state.replay is None, False
            self._subscription = await self._pubsub.subscribe(self._plan.topic, self._state.replay)
            self._heard_at = now
        except UnauthorizedError as error:
            await self._renew(error)
        except RetryableError as error:
            await self._broken(error)

    async def _check_rights(self) -> None:
        """Poll what we may not subscribe to: the channel would leave it out without a word."""
        unheard = [name for name in self._plan.streamed if not await self._pubsub.may_read(topic_of(name))]
        if unheard:
            logger.warning("salesforce: no change events of %s for this user; polled instead", ", ".join(unheard))
        self._history.poll(unheard)
        self._checked = True

    async def _live(self) -> Sequence[Raw] | None:
        """Return what the events that have come lead to; None: there were none, the stream is not what it was."""
        subscription = self._subscription
        if subscription is None:
            return None
        try:
            responses = subscription.take()
        except ReplayExpiredError as error:
            logger.warning("salesforce: events were missed and are read again by their stamps: %s", error)
            self._state.replay = None
            await self._drop()
            return None
        except UnauthorizedError as error:
            await self._renew(error)
            return None
        except RetryableError as error:
            await self._broken(error)
            return None
        records = await self._taken(responses)
        await subscription.more(sum(len(response.events) for response in responses))
        return records

    async def _taken(self, responses: Sequence[FetchResponse]) -> Sequence[Raw]:
        """Return what responses lead to, and move the place to resume from behind them."""
        self._heard_at, self._answered, self._renewed, self._failures = self._clock.now(), True, False, 0
        replay, changes = self._state.replay, list[Change]()
        for response in responses:
            for event in response.events:
                changes += await self._decoded(event)
                replay = event.replay_id
            if not response.events:
                replay = response.latest_replay_id or replay
        if self._unconfirmed:
            # Only now is it sure that the subscription holds: what fell between the last look and it is looked for.
            self._unconfirmed = False
            self._history.mark(self._plan.streamed)
        records = await self._records(changes)
        self._state.replay = replay
        return records

    async def _decoded(self, event: ConsumerEvent) -> Sequence[Change]:
        try:
            schema = await self._pubsub.schema(event.event.schema_id)
            return [schema.read(event.event.payload)]
        except DecodeError as error:
            logger.error("%s; everything is read again by its stamps", error)  # noqa: TRY400  the message says it
            self._history.mark(self._plan.streamed)
            return []

    async def _records(self, changes: Sequence[Change]) -> Sequence[Raw]:
        """Read the records that changes name; they come in the order of their last change, as the vendor tells it."""
        named: dict[tuple[str, str], Named] = {}
        for change in changes:
            if change.object not in self._plan.streamed:
                continue
            if change.kind == "GAP_OVERFLOW":
                self._history.mark([change.object])
            elif change.uncounted:
                self._history.restart(change.object)
            elif change.touches(self._plan.columns[change.object]):
                _note(named, change)
        found: dict[tuple[str, str], Record] = {}
        for name in dict.fromkeys(object_type for object_type, _ in named):
            ids = [each.id for (object_type, _), each in named.items() if object_type == name]
            self._budget.spend(-(-len(ids) // IDS), self._clock.now())
            rows = await self._client.by_ids(name, self._plan.columns[name], ids, deleted=True)
            found |= {(name, short): row for short, row in rows.items()}
        raws = (self._raw(key[0], each, found.get(key)) for key, each in named.items())
        return [raw for raw in raws if raw is not None]

    def _raw(self, name: str, each: Named, record: Record | None) -> Raw | None:
        if record is None:
            return gone(name, each.id, each.committed, ours=each.ours) if each.surely_gone else None
        undeleted = bool({"UNDELETE", "GAP_UNDELETE"} & each.kinds)
        is_news = self._memory.is_news(record) or undeleted
        return raw_of(name, record, undeleted=undeleted, ours=each.ours) if is_news else None

    async def _renew(self, error: UnauthorizedError) -> None:
        """Get another token, once; a second refusal is everybody's business."""
        await self._drop()
        if self._renewed:
            raise error
        self._renewed = True
        await self._pubsub.refresh()

    async def _broken(self, error: RetryableError) -> None:
        """Come again later, and look by oneself meanwhile; a stream that ended in good order is opened at once."""
        now = self._clock.now()
        if isinstance(error, EndedError) and self._answered:
            await self._drop()
            return
        self._failures += 1
        wait = min(MOST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** (self._failures - 1))
        logger.warning("salesforce: %s; subscribed again in %.0f s", error, wait)
        self._retry_at = now + timedelta(seconds=wait)
        if wait == MOST_RETRY_SECONDS:
            self._history.look(self._plan.streamed)
        await self._drop()

    async def _drop(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await asyncio.shield(subscription.aclose())


def _note(named: dict[tuple[str, str], Named], change: Change) -> None:
    """Add what one change says to what is known of its records, and put them at the end."""
    for record_id in change.ids:
        key = change.object, record_id[:15]
        each = named.pop(key, None) or Named(record_id, change.committed)
        each.kinds.add(change.kind)
        each.committed = max(each.committed, change.committed)
        each.ours = each.ours and change.by(CLIENT)
        named[key] = each
