"""Permits to call one vendor account: quota and concurrency together, asked for before every call."""

import heapq
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.errors import QuotaError
from connectors.ports import Clock, Limits
from streams.delivery.pulse import Pulse
from streams.delivery.quota import REMAINING, Quota
from streams.delivery.rows import LedgerRow, SlotRow
from streams.delivery.tables import Tables
from streams.delivery.waits import after, until

LONG_SECONDS = 120.0
"""Waiting longer than this for the quota is a pause of the connection, which people can see."""

Rows = Mapping[bytes, bytes | None]


class Permits:
    """Grants permits in the order of priority, then of asking."""

    def __init__(
        self,
        tenant: str,
        vendor: str,
        clock: Clock,
        tables: Tables,
        limits: Limits,
        ledger: LedgerRow | None,
        slots: Mapping[int, datetime],
    ) -> None:
        """`slots` are the calls of a former owner: each holds its number until the instant given."""
        self.limits = limits
        self._tenant = tenant
        self._vendor = vendor
        self._clock = clock
        self._tables = tables
        self._quota = Quota(limits.windows, ledger)
        for window in self._quota.windows:
            REMAINING.add(window, vendor, f"{window.seconds:g}s")
        self._taken: dict[int, datetime | None] = dict(slots)
        self._unsaved = False
        self._turns = itertools.count()
        self._queue: list[tuple[int, int]] = []
        self._pulse = Pulse(clock)

    async def take(self, priority: int, held: "Permit | None" = None) -> "Permit":
        """Wait for a permit; with one `held`, for a further request of the same call, which keeps its slot.

        Raises:
            QuotaError: there will be none for more than two minutes.
        """
        turn = priority, next(self._turns)
        heapq.heappush(self._queue, turn)
        try:
            while True:
                now = self._clock.now()
                dry = self._quota.wait(now.timestamp())
                if dry > LONG_SECONDS:
                    raise QuotaError(f"the quota is used up for {dry:.0f} s", until=after(now, dry))
                wait = self._slot_wait(now) if held is None else 0.0
                if wait == 0:
                    wait = dry
                if self._queue[0] != turn:
                    await self._pulse.wait()
                elif wait == 0:
                    return self._grant(now, held)
                else:
                    await self._pulse.wait(wait)
        finally:
            self._queue.remove(turn)
            heapq.heapify(self._queue)
            self._pulse.beat()

    def _slot_wait(self, now: datetime) -> float | None:
        """Return the seconds until fewer calls are under way than allowed; None: when one of ours has ended."""
        if self._free_slot(now) is not None:
            return 0.0
        ends = [end for end in self._taken.values() if end is not None]
        return until(min(ends), now) if ends else None

    def _free_slot(self, now: datetime) -> int | None:
        for slot in range(self.limits.concurrency):
            if slot not in self._taken:
                return slot
            end = self._taken[slot]
            if end is not None and end <= now:
                return slot
        return None

    def _grant(self, now: datetime, held: "Permit | None") -> "Permit":
        slot = held.slot if held is not None else self._free_slot(now)
        if slot is None:
            raise AssertionError("a permit was granted without a slot")
        self._taken[slot] = None
        self._unsaved |= self._quota.take(now.timestamp())
        return Permit(self, slot, datetime.fromtimestamp(self._quota.lease_end, now.tzinfo))

    def under(self, limits: Limits, slots_until: datetime) -> "Permits":
        """Return permits under other limits that count what these have; calls under way hold their slots till then."""
        slots = {slot: end or slots_until for slot, end in self._taken.items()}
        return Permits(self._tenant, self._vendor, self._clock, self._tables, limits, self._quota.row(), slots)

    def rows(self, slot: int) -> Rows:
        """Return what must be committed before the call; call commit without awaiting anything in between."""
        rows = [self._tables.slots.put(SlotRow(self._clock.now()), self._tenant, self._vendor, slot)]
        if self._unsaved:
            rows.append(self._tables.ledgers.put(self._quota.row(), self._tenant, self._vendor))
            self._unsaved = False
        return dict(rows)

    def sent(self) -> None:
        """Count one permit as used now."""
        self._quota.use(self._clock.now().timestamp())

    def unused(self) -> None:
        """Put one permit back; its slot is freed by `free`."""
        self._quota.give_back(self._clock.now().timestamp())

    def free(self, slot: int) -> Rows:
        """Free the slot; return what is to be committed next, without awaiting anything in between."""
        del self._taken[slot]
        self._pulse.beat()
        return dict([self._tables.slots.drop(self._tenant, self._vendor, slot)])


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to make one call until `deadline`."""

    permits: Permits
    slot: int
    deadline: datetime
