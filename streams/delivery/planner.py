"""From a todo to the call to be made: what is known of the object decides between create, update and nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.errors import ConnectorError, DuplicateError, RejectedError, RetryableError
from connectors.ports import Call, Connector, Lookup, Outcome, RemoteRef, Sink
from streams.delivery.attempts import Ready, digest_of, request_id
from streams.delivery.calls import Turn
from streams.delivery.desk import ClosedError, Desk, UnsentError
from streams.delivery.former import in_the_way, overtaken
from streams.delivery.references import LookupCache, body_of, fill, lookups, not_found
from streams.delivery.rows import AttemptRow, ObjectRow
from streams.delivery.settlement import Settlement
from streams.delivery.todo import ABSENT, DUPLICATE, Todo
from streams.delivery.waits import after

UNSENT_SECONDS = 1.0


class Planner:
    """Prepares the writes of one connection."""

    def __init__(self, desk: Desk, settlement: Callable[[], Settlement]) -> None:
        self._desk = desk
        self._settlement = settlement
        self._lookups = LookupCache()

    async def prepare(self, connector: Connector, todo: Todo, turn: Turn) -> Ready | None:
        """Return the call to be made; None: the todo is settled, or waits."""
        try:
            if connector.sink is None:
                raise RejectedError(f"{self._desk.vendor} has no sink: nothing can be written to it")
            return await self._plan(connector.sink, todo, turn)
        except ClosedError:
            await self._returned(todo)
        except UnsentError:
            await self._returned(todo.changed(not_before=after(self._desk.now(), UNSENT_SECONDS)))
        except ConnectorError as error:
            await self._desk.pause_for(error)
            settlement = self._settlement()
            settlement.failed(todo, error, clash_is_final=True, looking=True)
            await settlement.commit()
        return None

    async def _plan(self, sink: Sink, todo: Todo, turn: Turn) -> Ready | None:
        desk, command = self._desk, todo.command
        row = desk.tables.objects.get(desk.shard, *todo.object_parts)
        attempt = desk.tables.attempts.get(desk.shard, *todo.object_parts)
        if overtaken(row, attempt, command):
            await self._drop(todo, "superseded")
            return None
        body = await self._body(sink, todo, turn) if command.operation == "PUT" else {}
        digest = digest_of(command.operation, body)
        remote = remote_of(row, command.remote_id)
        if attempt is not None and desk.now() < (due := after(attempt.at, desk.timing.in_doubt)):
            await self._doubt(todo, due)
            return None
        if attempt is None and remote is None and command.operation != "PUT":
            await self._drop(todo, "unchanged", "it was never created")
            return None
        same = row is not None and row.digest == digest and (remote.id if remote else None) == row.remote_id
        if attempt is None and row is not None and same and not (todo.row.forced or command.anew):
            await self._drop(todo, "unchanged")
            return None
        call = Call(
            object=command.object,
            object_key=command.object_key,
            operation=command.operation.lower(),
            body=body,
            request_id=request_id(todo, digest),
            remote=remote,
            attempted_at=attempt.first_at if attempt else None,
            former_ids=command.former_ids,
        )
        ready = Ready(todo, call, digest)
        if attempt is None and _is_known(row, todo):
            return ready
        return await self._look(sink, ready, row, attempt, turn)

    async def _look(
        self, sink: Sink, ready: Ready, row: ObjectRow | None, attempt: AttemptRow | None, turn: Turn
    ) -> Ready | None:
        """Look at the vendor first: in doubt, without a row of ours, after a stale token or a clash."""
        todo, call = ready.todo, ready.call
        found = await turn.ask(todo, lambda: sink.find(call), "find")
        if found is None:
            return await self._missing(ready, row)
        if found.error is not None:
            raise found.error
        if found.remote is not None and found.remote.id in call.former_ids:
            raise in_the_way(call, found.remote, todo.row.tries)
        created = attempt is not None and attempt.remote_id is None and attempt.digest == ready.digest
        if created and call.operation == "put":
            await self._found_done(ready, found)
            return None
        return replace(ready, call=replace(call, remote=found.remote), adopted=call.remote is None)

    async def _missing(self, ready: Ready, row: ObjectRow | None) -> Ready | None:
        call, desk = ready.call, self._desk
        young = row is not None and desk.now() < after(row.delivered_at, desk.timing.in_doubt)
        if young and call.remote is not None:
            raise RetryableError("the vendor's reads do not show our last write yet")
        if ready.todo.row.look == DUPLICATE:
            raise DuplicateError("the vendor has another object of that name, and it is not ours")
        if call.operation != "put":
            await self._found_done(ready, Outcome(remote=call.remote))
            return None
        if call.remote is not None:
            raise RejectedError(f"{call.object} {call.remote.id} is gone at the vendor; restore it, then replay")
        return replace(ready, todo=ready.todo.changed(look=ABSENT))

    async def _found_done(self, ready: Ready, found: Outcome) -> None:
        settlement = self._settlement()
        settlement.delivered(ready, found, "adopted")
        await settlement.commit()

    async def _body(self, sink: Sink, todo: Todo, turn: Turn) -> dict[str, Any]:
        desk, command = self._desk, todo.command
        body = body_of(command)
        found = {}
        for name in lookups(body):
            found[name] = self._lookups.get(name, desk.now()) or await self._lookup(sink, todo, turn, name)

        def remote_id(object_key: str) -> str | None:
            row = desk.tables.objects.get(desk.shard, command.tenant, command.vendor, object_key)
            return row.remote_id if row else None

        filled: dict[str, Any] = fill(body, remote_id, found)
        return filled

    async def _lookup(self, sink: Sink, todo: Todo, turn: Turn, name: tuple[str, str]) -> str:
        if not isinstance(sink, Lookup):
            raise RejectedError(f"{self._desk.vendor} cannot look up {name[0]} by name")
        remote_id = await turn.ask(todo, lambda: sink.lookup(*name), f"lookup {name[0]}")
        if remote_id is None:
            raise not_found(name)
        self._lookups.put(name, remote_id, self._desk.now())
        return remote_id

    async def _drop(self, todo: Todo, kind: str, detail: str | None = None) -> None:
        settlement = self._settlement()
        settlement.dropped(todo, kind, detail)
        await settlement.commit()

    async def _doubt(self, todo: Todo, due: datetime) -> None:
        settlement = self._settlement()
        settlement.waiting(todo.waiting("in_doubt", due), "in_doubt", started=True)
        await settlement.commit()

    async def _returned(self, todo: Todo) -> None:
        attempt = self._desk.tables.attempts.get(self._desk.shard, *todo.object_parts)
        settlement = self._settlement()
        settlement.returned(todo, started=attempt is not None)
        await settlement.commit()


def _is_known(row: ObjectRow | None, todo: Todo) -> bool:
    """Tell whether we know where the object is, or that it is nowhere yet."""
    if todo.row.look == ABSENT:
        return True
    return row is not None and row.remote_id is not None and not todo.row.look


def remote_of(row: ObjectRow | None, known: str | None) -> RemoteRef | None:
    """Return where the object is: by our row, else by what the crosswalk knew; None: nowhere yet.

    An object that we have written may be merged into another, which then the crosswalk knows and our row does not. Nor
    does a row that knows only where the object is not any more; one of an object that was deleted knows best.
    """
    if row is None:
        return RemoteRef(known) if known is not None else None
    elsewhere = known is not None and known not in (*row.former_ids, row.remote_id)
    if known is not None and elsewhere and (row.remote_id is not None or not row.digest):
        return RemoteRef(known)
    return RemoteRef(row.remote_id, row.sync_token) if row.remote_id is not None else None
