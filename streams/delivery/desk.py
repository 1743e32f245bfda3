"""What everything done for one connection shares: its rows, permits and pauses, and whether it may run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from connectors import accounts
from connectors.errors import ConnectorError, FatalError, NotSentError
from connectors.kafka.records import VendorConnection
from connectors.pacing import after_the_first, paced
from connectors.ports import Account, Connector, Limits
from streams.delivery.outbox import Outbox
from streams.delivery.pauses import OPERATOR, Pauses, pause_for
from streams.delivery.permits import Permit, Permits
from streams.delivery.pulse import Pulse
from streams.delivery.tables import Put, Tables
from streams.delivery.tools import DeliveryTools
from streams.delivery.waits import after, until
from streams.runtime.types import Output, StateShard

GATHER_SECONDS = 0.05
FURTHER_FIRST = -2
"""Before all priorities: what is begun is ended first."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The settings of a connection that the delivery reads, in seconds."""

    in_doubt: float
    poll: float
    gather: float


class ClosedError(Exception):
    """The connection is paused or gone: give back what was begun."""


class StoppedError(Exception):
    """The shard is being given up: begin nothing more."""


class UnsentError(Exception):
    """The permit ran out before the call could be sent: queue it again."""


class Desk:
    """One tenant's connection to one vendor, at its owner."""

    def __init__(self, shard: StateShard, tools: DeliveryTools, tenant: str, vendor: str) -> None:
        self.shard = shard
        self.tools = tools
        self.clock = tools.clock
        self.tenant = tenant
        self.vendor = vendor
        self.tables = Tables(tools.codec)
        self.outbox = Outbox(tools.codec, tools.partitions)
        self.changed = Pulse(tools.clock)
        self.stopped = False
        self.pauses = Pauses(vendor, self.tables.pauses.get(shard, tenant, vendor))
        self.timing = Timing(0, 0, GATHER_SECONDS)
        self._permits: Permits | None = None

    def now(self) -> datetime:
        """Return the current instant."""
        return self.clock.now()

    def settings(self) -> VendorConnection | None:
        """Return the connection as the directory has it now."""
        connection = self.tools.directory.get(self.tenant)
        return connection.vendors.get(self.vendor) if connection else None

    async def opened(self) -> Connector:
        """Wait until the connection exists and is not paused; return its connector.

        Raises:
            StoppedError: the shard is being given up.
        """
        while not self.stopped:
            if (connector := await self._look()) is not None:
                return connector
            pause = self.pauses.row
            await self.changed.wait(until(pause.until, self.now()) if pause.reason and pause.until else None)
        raise StoppedError

    def offers(self, connector: Connector) -> bool:
        """Tell whether the connection runs, and this is its connector still.

        Raises:
            FatalError: a setting of the changed connection is wrong.
        """
        settings = self.settings()
        if self.stopped or self.pauses.reason or settings is None or settings.paused:
            return False
        return self.tools.connectors(self.tenant, self.vendor) is connector

    def stop(self) -> None:
        """Begin nothing more; what is under way may end."""
        self.stopped = True
        self.changed.beat()

    async def _look(self) -> Connector | None:
        now, settings = self.now(), self.settings()
        if settings is None:
            return None
        if settings.paused:
            if self.pauses.reason != OPERATOR:
                await self.pause(OPERATOR, None, "")
            return None
        if self.pauses.reason:
            if self.pauses.reason != OPERATOR and not self.pauses.over(self._revision(), now):
                return None
            await self._resume(now)
        try:
            connector = self.tools.connectors(self.tenant, self.vendor)
            if connector is not None:
                account = Account(self.tenant, self.vendor, settings.base_url, settings.account, settings.settings)
                self.timing = timing_of(account, connector.limits)
        except FatalError as error:
            await self.pause_for(error)
            return None
        return connector

    def _revision(self) -> int:
        connection = self.tools.directory.get(self.tenant)
        return connection.revision if connection else 0

    async def pause_for(self, error: ConnectorError) -> bool:
        """Pause the connection if the error says so; tell whether it did."""
        pause = pause_for(error, self.now())
        if pause is not None:
            await self.pause(*pause, str(error), error.code)
        return pause is not None

    async def pause(self, reason: str, until_: datetime | None, detail: str, code: str = "") -> None:
        """Stop everything of this connection until the instant, or until the connection changes."""
        now = self.now()
        self.pauses.pause(reason, until_, self._revision(), now)
        self.changed.beat()
        entry = self.outbox.connection(
            self.tenant, self.vendor, "paused", now, detail=f"{reason}: {detail}", code=code or None, not_before=until_
        )
        await self.shard.commit([entry], dict([self._pause_row()]))

    async def _resume(self, now: datetime) -> None:
        self.pauses.resume(now)
        self.changed.beat()
        entry = self.outbox.connection(self.tenant, self.vendor, "resumed", now)
        await self.shard.commit([entry], dict([self._pause_row()]))

    def _pause_row(self) -> Put:
        return self.tables.pauses.put(self.pauses.row, self.tenant, self.vendor)

    async def permit(self, connector: Connector, priority: int) -> Permit:
        """Wait for the right to make one call.

        Raises:
            ClosedError: the connection was paused meanwhile.
            QuotaError: see `Permits.take`.
        """
        permit = await self._permits_under(connector.limits).take(priority)
        settings = self.settings()
        if self.stopped or self.pauses.reason or settings is None or settings.paused:
            self.drop(permit)
            raise ClosedError
        return permit

    def _permits_under(self, limits: Limits) -> Permits:
        known = self._permits
        if known is None:
            ledger = self.tables.ledgers.get(self.shard, self.tenant, self.vendor)
            ends = {
                int(parts[-1]): after(slot.since, self.timing.in_doubt)
                for parts, slot in self.tables.slots.scan(self.shard, self.tenant, self.vendor)
            }
            known = Permits(self.tenant, self.vendor, self.clock, self.tables, limits, ledger, ends)
        elif known.limits != limits:
            known = known.under(limits, after(self.now(), self.timing.in_doubt))
        self._permits = known
        return known

    async def begin(self, permit: Permit, outputs: Sequence[Output] = (), rows: Sequence[Put] = ()) -> None:
        """Commit what must be known before a call is sent; after this it is to be sent at once.

        Raises:
            UnsentError: too late, or the shard may be lost; give the permit back.
            ShardLostError: not ours any more.
        """
        await self.shard.commit(outputs, {**dict(rows), **permit.permits.rows(permit.slot)})
        if self.now() > permit.deadline or not self.shard.alive:
            raise UnsentError
        permit.permits.sent()

    async def further(self, permit: Permit) -> None:
        """Wait until one more request of the call of `permit` may be sent; it takes a permit of its own.

        Raises:
            NotSentError: too late, or the shard may be lost.
            QuotaError: see `Permits.take`.
        """
        more = await permit.permits.take(FURTHER_FIRST, permit)
        try:
            await self.begin(more)
        except UnsentError:
            more.permits.unused()
            raise NotSentError("a further request of this call came too late to be sent") from None

    @contextmanager
    def paced(self, permit: Permit) -> Iterator[None]:
        """Within this, every request but the first takes a permit of its own beside `permit`."""
        with paced(after_the_first(lambda: self.further(permit))):
            yield

    async def end(self, permit: Permit, outputs: Sequence[Output] = (), rows: Sequence[Put] = ()) -> None:
        """Commit what became of a call; its slot is free."""
        await self.shard.commit(outputs, {**dict(rows), **permit.permits.free(permit.slot)})

    async def give_back(self, permit: Permit, outputs: Sequence[Output] = (), rows: Sequence[Put] = ()) -> None:
        """Return a permit whose call was not sent, and take back what was committed for it."""
        permit.permits.unused()
        await self.end(permit, outputs, rows)

    def drop(self, permit: Permit) -> None:
        """Return a permit for which nothing was committed."""
        permit.permits.unused()
        permit.permits.free(permit.slot)

    def close(self) -> None:
        """Take this connection out of the metrics."""
        self.pauses.close()


def timing_of(account: Account, limits: Limits) -> Timing:
    """Read the settings.

    Raises:
        FatalError: one is not a number; the message names it.
    """
    return Timing(
        in_doubt=accounts.number(account, "in_doubt_seconds", limits.in_doubt_seconds),
        poll=accounts.number(account, "poll_seconds", limits.poll_seconds, minimum=0.1),
        gather=accounts.number(account, "gather_seconds", GATHER_SECONDS),
    )
