"""The delivery of one shard: takes commands into the work list and has every connection's work done."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from connectors.errors import RejectedError
from connectors.kafka.records import Command
from streams.delivery.counts import TodoCounts
from streams.delivery.desk import Desk
from streams.delivery.echoes import Echoes
from streams.delivery.fetchlist import FetchList
from streams.delivery.former import told
from streams.delivery.outbox import Outbox
from streams.delivery.reader import Reader
from streams.delivery.sources import SourceRunner
from streams.delivery.tables import Tables
from streams.delivery.todo import Todo, restored, taken
from streams.delivery.tools import DeliveryTools
from streams.delivery.worklist import Admission, WorkList
from streams.delivery.writer import Writer
from streams.runtime.layers import Layer
from streams.runtime.types import Output, Record, ShardLostError, StateShard

GRACE_SECONDS = 1.0
"""What is under way when the shard is given up may end within this; the rest stays in doubt."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Branch:
    """Everything done for one connection."""

    desk: Desk
    work: WorkList
    fetches: FetchList
    echoes: Echoes
    writer: Writer
    reader: Reader

    @property
    def todos(self) -> int:
        """How much is still to be done."""
        return len(self.work) + len(self.fetches)


class Delivery:
    """One per owned partition. `take` and `wake` may be called before and while `run` runs."""

    def __init__(self, shard: StateShard, tools: DeliveryTools) -> None:
        self._shard = shard
        self._tools = tools
        self._tables = Tables(tools.codec)
        self._outbox = Outbox(tools.codec, tools.partitions)
        self._counts = TodoCounts()
        self._branches: dict[tuple[str, str], Branch] = {}
        self._taken: list[int] = []
        self._woken = asyncio.Event()
        self._stopped = False
        self._start: Callable[[Branch], None] | None = None

    def take(self, command: Command, record: Record, state: Layer) -> list[Output]:
        """Take one command in: a todo row, or nothing but a line in the journal if it is older than what is delivered.

        Makes no call and reads only `state`: the caller commits rows, outputs and offset, then calls `wake`. What is
        not committed is forgotten.

        Raises:
            RejectedError: a fetch that does not say what to read.
        """
        if command.operation == "FETCH" and not command.remote_id:
            raise RejectedError(f"{command.object_key}: a fetch needs remote_id")
        now = self._tools.clock.now()
        todo = taken(command, record, now)
        row = self._tables.objects.get(state, *todo.object_parts)
        if row is not None and command.version <= row.version:
            replies = self._outbox.replies(todo, "done", now, remote_id=row.remote_id)
            detail = f"version {row.version} was asked for since"
            return [self._outbox.journal(todo, "superseded", now, detail=detail), *replies]
        state.put(*self._tables.todos.put(todo.row, record.offset))
        self._taken.append(record.offset)
        return []

    def wake(self) -> None:
        """Say that what was taken in is committed."""
        self._woken.set()

    def connection_changed(self, tenant: str) -> None:
        """Say that the directory has something new about a tenant."""
        for branch in self._branches.values():
            if branch.desk.tenant == tenant:
                branch.desk.changed.beat()

    def todos(self, tenant: str) -> int:
        """Return how much is still to be done for a tenant."""
        return sum(branch.todos for branch in self._branches.values() if branch.desk.tenant == tenant)

    def source(self, tenant: str, vendor: str, lag: Callable[[], float]) -> SourceRunner:
        """Return the reader of a connection's source; it shares permits and pauses with the deliveries.

        Args:
            tenant: whose.
            vendor: which of its vendors.
            lag: seconds by which inbox and command of this partition are behind.
        """
        branch = self._branch(tenant, vendor)
        return SourceRunner(branch.desk, branch.echoes, lambda: self.todos(tenant), lag)

    async def run(self) -> None:
        """Work the todos until cancelled; ends quietly when the shard is lost.

        Cancelled, it lets calls under way end for a second.
        """
        work = asyncio.ensure_future(self._work())
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stop()
            grace = asyncio.ensure_future(self._tools.clock.sleep(GRACE_SECONDS))
            try:
                await asyncio.wait((work, grace), return_when=asyncio.FIRST_COMPLETED)
            finally:
                grace.cancel()
                work.cancel()
                await asyncio.gather(work, grace, return_exceptions=True)
            raise
        finally:
            self._close()

    def _stop(self) -> None:
        self._stopped = True
        self._woken.set()
        for branch in self._branches.values():
            branch.desk.stop()

    async def _work(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:

                def start(branch: Branch) -> None:
                    group.create_task(branch.writer.run())
                    group.create_task(branch.reader.run())

                state = Layer(self._shard)
                admissions = self._restore(state)
                self._start = start
                for branch in self._branches.values():
                    start(branch)
                await self._commit(admissions, state)
                group.create_task(self._admit())
        except* ShardLostError:
            logger.info("partition %d is lost: its deliveries go on elsewhere", self._shard.partition)

    async def _admit(self) -> None:
        while not self._stopped:
            offsets, self._taken = self._taken, []
            admissions, state = [], Layer(self._shard)
            for offset in offsets:
                row = self._tables.todos.get(self._shard, offset)
                if row is not None:
                    # What is not there and older than this one was dropped with its record.
                    self._taken.clear()
                    admissions.append(self._add(restored(row, self._tools.codec), state))
                else:
                    self._taken.append(offset)
            await self._commit(admissions, state)
            await self._woken.wait()
            self._woken.clear()

    def _restore(self, state: Layer) -> list[Admission]:
        """Take over the work list; what was under way is in doubt."""
        now = self._tools.clock.now()
        started = {row.todo for _, row in self._tables.attempts.scan(self._shard)}
        admissions = []
        for _, row in self._tables.todos.scan(self._shard):
            todo = restored(row, self._tools.codec)
            if row.reason == "parent":  # it may have been delivered when nobody could be told
                todo = todo.changed(not_before=now)
            admissions.append(self._add(todo, state, started=row.offset in started))
        return admissions

    def _add(self, todo: Todo, state: Layer, *, started: bool = False) -> Admission:
        """Enter a todo into the work list; what its command tells of the object is written to `state`."""
        branch = self._branch(todo.command.tenant, todo.command.vendor)
        branch.desk.changed.beat()
        now = self._tools.clock.now()
        if todo.command.operation == "FETCH":
            return branch.fetches.add(todo, now)
        admission = branch.work.add(todo, started=started)
        if admission.dropped is not todo:
            row = told(self._tables.objects.get(state, *todo.object_parts), todo.command, now)
            if row is not None:
                state.put(*self._tables.objects.put(row, *todo.object_parts))
        return admission

    async def _commit(self, admissions: list[Admission], state: Layer) -> None:
        """Commit what replaced what, and what was told."""
        now = self._tools.clock.now()
        outputs: list[Output] = []
        for admission in admissions:
            if admission.dropped is not None:
                detail = "a newer version is to be delivered"
                outputs.append(self._outbox.journal(admission.dropped, "superseded", now, detail=detail))
                state.put(*self._tables.todos.drop(admission.dropped.row.offset))
            if admission.kept is not None:
                state.put(*self._tables.todos.put(admission.kept.row, admission.kept.row.offset))
        if state.rows:
            await self._shard.commit(outputs, state.rows)

    def _branch(self, tenant: str, vendor: str) -> Branch:
        known = self._branches.get((tenant, vendor))
        if known is not None:
            return known
        desk = Desk(self._shard, self._tools, tenant, vendor)
        work, fetches, echoes = WorkList(self._counts), FetchList(self._counts), Echoes(desk)
        writer, reader = Writer(desk, work, echoes), Reader(desk, fetches, echoes)
        branch = self._branches[tenant, vendor] = Branch(desk, work, fetches, echoes, writer, reader)
        if self._start is not None:
            self._start(branch)
        return branch

    def _close(self) -> None:
        self._start = None
        self._counts.close()
        for branch in self._branches.values():
            branch.desk.close()
