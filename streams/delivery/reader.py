"""Works the fetches of one connection: one call for many ids, the records and the end of the todos in one commit."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from connectors.errors import ConnectorError, QuotaError, RejectedError
from connectors.ports import Connector, Fetcher, Raw
from streams import metrics
from streams.delivery.calls import expected, harmless
from streams.delivery.desk import ClosedError, Desk, StoppedError, UnsentError
from streams.delivery.echoes import Echoes, Effects
from streams.delivery.fetchlist import FetchList, Round
from streams.delivery.outcomes import Again, Surroundings, UnexpectedError, decide
from streams.delivery.permits import Permit
from streams.delivery.planner import UNSENT_SECONDS
from streams.delivery.tables import Put
from streams.delivery.todo import ALONE, LIVE_FIRST, Todo
from streams.delivery.waits import after, backoff
from streams.runtime.types import Output

READ_AGAIN = 5
"""A read older than the hint promised is repeated so often: the vendor's reads lag behind its writes."""


class Reader:
    """The fetching side of one connection."""

    def __init__(self, desk: Desk, fetches: FetchList, echoes: Echoes) -> None:
        self._desk = desk
        self._fetches = fetches
        self._echoes = echoes

    async def run(self) -> None:
        """Work until cancelled."""
        desk, fetches = self._desk, self._fetches
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    connector = await desk.opened()
                except StoppedError:
                    return
                wait = fetches.wait(desk.now(), desk.timing.gather)
                if wait != 0:
                    await desk.changed.wait(wait)
                    continue
                try:
                    permit = await desk.permit(connector, LIVE_FIRST)
                except ClosedError:
                    continue
                except QuotaError as error:
                    await desk.pause_for(error)
                    continue
                taken = await self._without_echoes(fetches.take(desk.now(), desk.timing.gather))
                if taken is None:
                    desk.drop(permit)
                    continue
                tasks.create_task(self._read(connector, taken, permit))

    async def _without_echoes(self, taken: Round | None) -> Round | None:
        """Settle hints that tell only of our own writes; None: nothing is left to be read."""
        if taken is None:
            return None
        desk = self._desk
        echoes = [todo for todo in taken.todos if self._is_echo(todo)]
        if echoes:
            outputs = [desk.outbox.journal(todo, "unchanged", desk.now(), detail="our own write") for todo in echoes]
            await desk.shard.commit(outputs, dict(self._close(todo, "unchanged") for todo in echoes))
        left = [todo for todo in taken.todos if todo not in echoes]
        return Round(taken.object, left) if left else None

    def _is_echo(self, todo: Todo) -> bool:
        command = todo.command
        return self._echoes.is_echo(command.object, command.remote_id or "", command.source_version or "")

    async def _read(self, connector: Connector, taken: Round, permit: Permit) -> None:
        desk = self._desk
        try:
            await desk.begin(permit)
        except UnsentError:
            rows = self._again(todo.waiting("", after(desk.now(), UNSENT_SECONDS)) for todo in taken.todos)
            await desk.give_back(permit, (), rows)
            return
        try:
            with desk.paced(permit):
                read = await _fetch(connector.fetcher, taken)
        except ConnectorError as error:
            await desk.pause_for(error)
            await desk.end(permit, *self._failed(taken, harmless(error)))
        else:
            await self._echoes.publish(permit, read.values(), lambda: self._done(taken, read))
        desk.changed.beat()

    def _done(self, taken: Round, read: Mapping[str, Raw]) -> Effects:
        """Return the records and the end of the todos; what was read is older than promised: it is read again."""
        desk, now = self._desk, self._desk.now()
        outputs: list[Output] = []
        rows: list[Put] = []
        for todo in taken.todos:
            raw = read[todo.command.remote_id or ""]
            promised = todo.command.source_version or ""
            if raw.version < promised and not raw.deleted and todo.row.tries < READ_AGAIN:
                later = after(now, 1 + backoff(todo.row.tries, desk.tools.rng))
                rows += self._again([todo.waiting("retry", later, tries=todo.row.tries + 1)])
                continue
            outputs.append(desk.outbox.read(desk.tenant, desk.vendor, raw, "fetch", now, todo.headers))
            outputs.append(desk.outbox.journal(todo, "fetched", now, remote_id=raw.remote_id))
            rows.append(self._close(todo, "fetched"))
        return outputs, rows

    def _failed(self, taken: Round, error: ConnectorError) -> Effects:
        desk, now = self._desk, self._desk.now()
        outputs: list[Output] = []
        rows: list[Put] = []
        around = Surroundings(
            now=now,
            rng=desk.tools.rng,
            clash_is_final=True,
            in_doubt_seconds=0,
            paused_micros=desk.pauses.total_micros(now),
        )
        for todo in taken.todos:
            decision = decide(error, todo, around)
            if isinstance(decision, Again):
                waiting, kind = decision.todo, decision.kind
            elif len(taken.todos) > 1:
                waiting, kind = todo.waiting("retry", now, look=ALONE), "retrying"
            else:
                outputs += desk.outbox.dead_letter(todo, error, now, desk.shard.partition)
                rows.append(self._close(todo, "dead_lettered"))
                continue
            rows += self._again([waiting])
            detail = f"{type(error).__name__}: {error}"
            outputs.append(desk.outbox.journal(waiting, kind, now, code=error.code or None, detail=detail))
        return outputs, rows

    def _again(self, todos: Iterable[Todo]) -> Sequence[Put]:
        table = self._desk.tables.todos
        rows = []
        for todo in todos:
            admission = self._fetches.put_back(todo)
            rows.append(table.put(todo.row, todo.row.offset) if admission.kept else table.drop(todo.row.offset))
        return rows

    def _close(self, todo: Todo, outcome: str) -> Put:
        self._fetches.remove(todo)
        metrics.DELIVERIES.labels(self._desk.vendor, todo.command.object, outcome).inc()
        return self._desk.tables.todos.drop(todo.row.offset)


async def _fetch(fetcher: Fetcher | None, taken: Round) -> Mapping[str, Raw]:
    """Return what was read by id.

    Raises:
        ConnectorError: nothing was read, or not what was asked for.
    """
    if fetcher is None:
        raise RejectedError(f"the vendor has no fetcher: {taken.object} cannot be read")
    ids = [todo.command.remote_id or "" for todo in taken.todos]
    read = {raw.remote_id: raw for raw in await expected(fetcher.fetch(taken.object, ids))}
    missing = [remote_id for remote_id in ids if remote_id not in read]
    if missing:
        raise UnexpectedError(f"the fetcher returned nothing for {taken.object} {', '.join(missing[:5])}")
    return read
