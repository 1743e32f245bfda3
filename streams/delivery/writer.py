"""Works the lanes of one connection: picks what is ready, records the attempt, sends, settles."""

import asyncio
from collections.abc import Sequence

from connectors.errors import QuotaError
from connectors.ports import Connector, Outcome, Sink
from streams.delivery.attempts import Ready
from streams.delivery.calls import Turn, written
from streams.delivery.desk import ClosedError, Desk, StoppedError, UnsentError
from streams.delivery.echoes import Echoes
from streams.delivery.permits import Permit
from streams.delivery.planner import UNSENT_SECONDS, Planner
from streams.delivery.settlement import Settlement
from streams.delivery.todo import Todo
from streams.delivery.waits import after
from streams.delivery.worklist import WorkList


class Writer:
    """The write side of one connection."""

    def __init__(self, desk: Desk, work: WorkList, echoes: Echoes) -> None:
        self._desk = desk
        self._work = work
        self._echoes = echoes
        self._planner = Planner(desk, self._settlement)

    async def run(self) -> None:
        """Work until cancelled."""
        desk, work = self._desk, self._work
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    connector = await desk.opened()
                except StoppedError:
                    return
                wait = work.wait(desk.now())
                if wait != 0:
                    await desk.changed.wait(wait)
                    continue
                priority = work.priority
                try:
                    permit = await desk.permit(connector, priority)
                except ClosedError:
                    continue
                except QuotaError as error:
                    await desk.pause_for(error)
                    continue
                turn = Turn(desk, connector, permit, priority)
                tasks.create_task(self._work_on(connector, self._pick(connector), turn))

    def _pick(self, connector: Connector) -> Sequence[Todo]:
        most = connector.sink.max_batch if connector.sink else 1
        picked: list[Todo] = []
        while len(picked) < most and (todo := self._work.take(self._desk.now())) is not None:
            picked.append(todo)
        return picked

    async def _work_on(self, connector: Connector, todos: Sequence[Todo], turn: Turn) -> None:
        try:
            prepared = await asyncio.gather(*(self._planner.prepare(connector, todo, turn) for todo in todos))
            ready = [each for each in prepared if each is not None]
            if ready and connector.sink is not None:
                await self._send(connector.sink, ready, turn)
        finally:
            turn.close()
            self._desk.changed.beat()

    async def _send(self, sink: Sink, ready: Sequence[Ready], turn: Turn) -> None:
        try:
            permit = await turn.permit()
        except ClosedError:
            await self._returned(ready)
            return
        except QuotaError as error:
            await self._desk.pause_for(error)
            await self._returned(ready)
            return
        try:
            await self._begin(ready, permit)
        except UnsentError:
            await self._unsent(ready, permit)
            return
        with self._desk.paced(permit):
            outcomes = await written(sink, [each.call for each in ready])
        await self._settle(ready, outcomes, permit)

    async def _begin(self, ready: Sequence[Ready], permit: Permit) -> None:
        desk, now = self._desk, self._desk.now()
        rows = [desk.tables.attempts.put(each.attempt(now), *each.todo.object_parts) for each in ready]
        outputs = []
        for each in ready:
            remote_id = each.call.remote.id if each.call.remote else None
            kind = "adopted" if each.adopted else "attempted"
            details = {"request_id": each.call.request_id, "remote_id": remote_id}
            outputs.append(desk.outbox.journal(each.todo, kind, now, **details))
        await desk.begin(permit, outputs, rows)

    async def _settle(self, ready: Sequence[Ready], outcomes: Sequence[Outcome], permit: Permit) -> None:
        for outcome in outcomes:
            if outcome.error is not None and not self._desk.pauses.reason:
                await self._desk.pause_for(outcome.error)
        settlement = self._settlement()
        for each, outcome in zip(ready, outcomes, strict=True):
            if outcome.error is None:
                settlement.delivered(each, outcome, "delivered")
            else:
                known = each.call.remote is not None
                settlement.failed(each.todo, outcome.error, clash_is_final=known, looking=False)
        await self._desk.end(permit, settlement.outputs, settlement.rows)

    async def _unsent(self, ready: Sequence[Ready], permit: Permit) -> None:
        """Nothing was sent: the attempts are taken back."""
        desk = self._desk
        settlement = self._settlement()
        for each in ready:
            later = each.todo.changed(not_before=after(desk.now(), UNSENT_SECONDS))
            settlement.returned(later, started=False)
        rows = [desk.tables.attempts.drop(*each.todo.object_parts) for each in ready]
        await desk.give_back(permit, settlement.outputs, [*settlement.rows, *rows])

    def _settlement(self) -> Settlement:
        return Settlement(self._desk, self._work, self._echoes)

    async def _returned(self, ready: Sequence[Ready]) -> None:
        settlement = self._settlement()
        for each in ready:
            attempt = self._desk.tables.attempts.get(self._desk.shard, *each.todo.object_parts)
            settlement.returned(each.todo, started=attempt is not None)
        await settlement.commit()
