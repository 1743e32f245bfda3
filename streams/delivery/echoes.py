"""Our own writes as they come back: as hints that tell nothing new, and as objects nobody must take for new ones."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping

from connectors.ports import Raw
from streams.delivery.desk import Desk
from streams.delivery.permits import Permit
from streams.delivery.pulse import Pulse
from streams.delivery.rows import AttemptRow
from streams.delivery.tables import Put
from streams.delivery.waits import after, until
from streams.runtime.types import Output

REMEMBERED = 10_000
LONGER_SECONDS = 10.0

Effects = tuple[list[Output], list[Put]]


class Echoes:
    """What one connection has written lately. Only in memory: forgotten, it costs a needless fetch."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._written: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._closed = Pulse(desk.clock)

    def wrote(self, object_type: str, remote_id: str, version: str) -> None:
        """Remember what the vendor answered to a write, and that its attempt is closed."""
        self._written[object_type, remote_id] = version
        self._written.move_to_end((object_type, remote_id))
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)

    def closed(self) -> None:
        """Tell that an attempt was closed."""
        self._closed.beat()

    def is_echo(self, object_type: str, remote_id: str, promised: str) -> bool:
        """Tell whether a hint promises nothing newer than the answer to our own write."""
        return bool(promised) and promised <= self._written.get((object_type, remote_id), "")

    async def publish(self, permit: Permit | None, records: Collection[Raw], effects: Callable[[], Effects]) -> None:
        """Commit what was read with `permit`, but not while a create of ours is open that one of the records may be.

        So VendorResult precedes VendorRecord in the inbox and our own object is never taken for a new one. Waits no
        longer than doubt lasts: from then on `Sink.find` has told. What came without a request has no permit.
        """
        desk = self._desk
        if open_now := self._may_be_ours(records):
            if permit is not None:
                await desk.end(permit)
                permit = None
            await self._wait_for(open_now)
        outputs, rows = effects()
        if permit is not None:
            await desk.end(permit, outputs, rows)
        else:
            await desk.shard.commit(outputs, dict(rows))

    def _may_be_ours(self, records: Collection[Raw]) -> Mapping[str, int]:
        unknown = {raw.object for raw in records if (raw.object, raw.remote_id) not in self._written}
        return {key: row.todo for key, row in self._creating() if row.object in unknown} if unknown else {}

    async def _wait_for(self, open_now: Mapping[str, int]) -> None:
        desk = self._desk
        end = after(desk.now(), desk.timing.in_doubt + LONGER_SECONDS)
        while open_now and (left := until(end, desk.now())):
            await self._closed.wait(left)
            still = {key: row.todo for key, row in self._creating()}
            open_now = {key: todo for key, todo in open_now.items() if still.get(key) == todo}

    def _creating(self) -> Iterator[tuple[str, AttemptRow]]:
        desk = self._desk
        for parts, row in desk.tables.attempts.scan(desk.shard, desk.tenant, desk.vendor):
            if row.remote_id is None:
                yield parts[-1], row
