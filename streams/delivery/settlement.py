"""Turns what became of todos into rows, records and the work list's next state, for one commit."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.errors import ConnectorError, MissingReferenceError
from connectors.ports import Outcome, RemoteRef
from streams import metrics
from streams.delivery.attempts import Ready
from streams.delivery.desk import Desk
from streams.delivery.echoes import Echoes
from streams.delivery.outcomes import Again, AskSomeone, Decision, GiveUp, Surroundings, decide
from streams.delivery.rows import ObjectRow
from streams.delivery.tables import Put
from streams.delivery.todo import Todo
from streams.delivery.worklist import WorkList
from streams.runtime.types import Output

logger = logging.getLogger(__name__)


class Settlement:
    """Collects a commit. The work list changes at once: commit without awaiting anything in between."""

    def __init__(self, desk: Desk, work: WorkList, echoes: Echoes) -> None:
        self.outputs: list[Output] = []
        self.rows: list[Put] = []
        self._desk = desk
        self._work = work
        self._echoes = echoes
        self._now = desk.now()

    async def commit(self) -> None:
        """Commit where no permit is to be freed with it."""
        if self.outputs or self.rows:
            await self._desk.shard.commit(self.outputs, dict(self.rows))

    def delivered(self, ready: Ready, outcome: Outcome, kind: str) -> None:
        """The vendor has it: the object's row, the result for the inbox, the journal."""
        desk, todo, command = self._desk, ready.todo, ready.todo.command
        remote = outcome.remote or RemoteRef("")
        row = ObjectRow(
            object=command.object,
            remote_id=None if command.operation == "DELETE" else remote.id,
            version=command.version,
            digest=ready.digest,
            delivered_at=self._now,
            sync_token=remote.sync_token,
        )
        former = desk.tables.objects.get(desk.shard, *todo.object_parts)
        if former is not None and former.former_ids:
            row = replace(row, version=max(row.version, former.version), former_ids=former.former_ids)
        if remote.id not in row.former_ids:
            self.rows.append(desk.tables.objects.put(row, *todo.object_parts))
        self.outputs.append(desk.outbox.result(todo, remote.id, outcome, self._now))
        self.outputs += desk.outbox.replies(todo, "done", self._now, remote_id=remote.id)
        self._journal(todo, kind, remote_id=remote.id, request_id=ready.call.request_id)
        self._echoes.wrote(command.object, remote.id, outcome.version)
        self._close(todo, kind)
        self._work.release(command.object_key, self._now)
        metrics.DELIVERY_SECONDS.labels(desk.vendor, command.object).observe(
            (self._now - todo.row.taken_at).total_seconds()
        )

    def dropped(self, todo: Todo, kind: str, detail: str | None = None) -> None:
        """No call is needed; the object's row, if any, is brought up to the command's version."""
        newer = self._work.newer(todo)
        if kind == "superseded" and newer is not None:
            self._supersede(todo, todo, newer)
            return
        row = self._desk.tables.objects.get(self._desk.shard, *todo.object_parts)
        if row is not None and row.version < todo.command.version:
            row = replace(row, version=todo.command.version)
            self.rows.append(self._desk.tables.objects.put(row, *todo.object_parts))
        remote_id = row.remote_id if row is not None else None
        self.outputs += self._desk.outbox.replies(todo, "done", self._now, remote_id=remote_id)
        self._journal(todo, kind, detail=detail)
        self._close(todo, kind)

    def failed(self, todo: Todo, error: ConnectorError, *, clash_is_final: bool, looking: bool, **details: Any) -> None:
        """A call, or the look before it, ended in an error; looking leaves an open attempt open."""
        decision = decide(error, todo, self._around(error, clash_is_final))
        details |= {"code": error.code or None, "detail": f"{type(error).__name__}: {error}"}
        open_attempt = looking and self._desk.tables.attempts.get(self._desk.shard, *todo.object_parts) is not None
        started = isinstance(decision, Again) and (decision.doubt or open_attempt)
        newer = self._work.newer(todo)
        if isinstance(decision, GiveUp):
            self._give_up(todo, decision, details)
        elif newer is not None and not started:
            self._supersede(todo, _after(decision), newer)
        else:
            self._wait(decision, error, started=started, details=details)

    def waiting(self, todo: Todo, kind: str, *, started: bool, **details: Any) -> None:
        """It is not its time yet."""
        self._work.put_back(todo, self._now, started=started)
        self._keep(todo)
        self._journal(todo, kind, not_before=todo.row.not_before, **details)

    def returned(self, todo: Todo, *, started: bool) -> None:
        """It was in hand and could not be dealt with now; `started`: an attempt is still open."""
        newer = self._work.newer(todo)
        if newer is not None and not started:
            self._supersede(todo, todo, newer)
        else:
            self._work.put_back(todo, self._now, started=started)

    def _around(self, error: ConnectorError, clash_is_final: bool) -> Surroundings:
        desk = self._desk
        parent = error.object_key if isinstance(error, MissingReferenceError) else None
        return Surroundings(
            now=self._now,
            rng=desk.tools.rng,
            clash_is_final=clash_is_final,
            in_doubt_seconds=desk.timing.in_doubt,
            paused_micros=desk.pauses.total_micros(self._now),
            parent_expected=parent is not None and self._work.has(parent),
        )

    def _wait(
        self, decision: Again | AskSomeone, error: ConnectorError, *, started: bool, details: Mapping[str, Any]
    ) -> None:
        todo = decision.todo
        kind = "waiting"
        if isinstance(decision, Again):
            kind = decision.kind
        else:
            self.outputs.append(self._desk.outbox.review(todo, error, self._now))
            self.outputs += self._desk.outbox.replies(todo, "in_review", self._now, detail=str(error))
        self._count(todo, "review" if isinstance(decision, AskSomeone) else kind)
        self.waiting(todo, kind, started=started, **details)
        if not started:
            self._close_attempt(todo)

    def _supersede(self, todo: Todo, waiting: Todo, newer: Todo) -> None:
        self._work.put_back(waiting, self._now)
        kept = self._work.replace(waiting, newer, self._now)
        self._keep(kept)
        self._journal(todo, "superseded")
        self._count(todo, "superseded")
        self.rows.append(self._desk.tables.todos.drop(todo.row.offset))
        self._close_attempt(todo)

    def _give_up(self, todo: Todo, decision: GiveUp, details: Mapping[str, Any]) -> None:
        desk = self._desk
        logger.warning("%s %s: dead letter: %s", desk.vendor, todo.command.object, type(decision.error).__name__)
        self.outputs += desk.outbox.dead_letter(todo, decision.error, self._now, desk.shard.partition)
        self._journal(todo, "dead_lettered", **details)
        self._close(todo, "dead_lettered")

    def _close(self, todo: Todo, outcome: str) -> None:
        self._work.remove(todo, self._now)
        self._count(todo, outcome)
        self.rows.append(self._desk.tables.todos.drop(todo.row.offset))
        self._close_attempt(todo)

    def _close_attempt(self, todo: Todo) -> None:
        self.rows.append(self._desk.tables.attempts.drop(*todo.object_parts))
        self._echoes.closed()

    def _keep(self, todo: Todo) -> None:
        self.rows.append(self._desk.tables.todos.put(todo.row, todo.row.offset))

    def _journal(self, todo: Todo, kind: str, **details: Any) -> None:
        self.outputs.append(self._desk.outbox.journal(todo, kind, self._now, **details))

    def _count(self, todo: Todo, outcome: str) -> None:
        metrics.DELIVERIES.labels(self._desk.vendor, todo.command.object, outcome).inc()


def _after(decision: Decision) -> Todo:
    if isinstance(decision, GiveUp):
        raise TypeError("a todo given up does not wait")
    return decision.todo
