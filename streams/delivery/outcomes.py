"""What follows from an error: one table, from `connectors/errors.py` to a decision."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.errors import (
    ConnectorError,
    DuplicateError,
    InDoubtError,
    MissingReferenceError,
    RetryableError,
    StaleError,
)
from streams.delivery.pauses import pause_for
from streams.delivery.todo import DUPLICATE, STALE, Todo
from streams.delivery.waits import after, backoff

RETRY_FOR = timedelta(hours=24)
PARENT_SECONDS = 600.0
STALE_AT_ONCE = 3


class UnexpectedError(InDoubtError):
    """A connector raised what it must not: nobody knows what was sent."""


UNEXPECTED_TRIES = 3


@dataclass(frozen=True, slots=True)
class Again:
    """Try again: `todo` says when and why; `doubt`: the attempt stays open."""

    todo: Todo
    kind: str
    doubt: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Dead letter."""

    error: Exception


@dataclass(frozen=True, slots=True)
class AskSomeone:
    """Park it and ask a person."""

    todo: Todo


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a decision depends on beside error and todo.

    Attributes:
        clash_is_final: a clash came from updating or from looking: there is nothing more to find.
        in_doubt_seconds: of the connection.
        paused_micros: how long the connection has been paused in all.
        parent_expected: the missing parent is itself to be delivered.
    """

    now: datetime
    rng: random.Random
    clash_is_final: bool
    in_doubt_seconds: float
    paused_micros: int
    parent_expected: bool = False


Decision = Again | GiveUp | AskSomeone


def decide(error: ConnectorError, todo: Todo, around: Surroundings) -> Decision:
    """Return what to do about a todo whose call or look-up ended in `error`."""
    now, row = around.now, todo.row
    if pause_for(error, now) is not None:
        return Again(todo.waiting("", None), "retrying")
    match error:
        case RetryableError() if row.failed_at is not None and now - row.failed_at > RETRY_FOR:
            return GiveUp(error)
        case UnexpectedError() if row.tries + 1 >= UNEXPECTED_TRIES:
            return GiveUp(error)
        case InDoubtError():
            return Again(_failed(todo, "in_doubt", after(now, around.in_doubt_seconds), now), "in_doubt", doubt=True)
        case RetryableError():
            return _retry(error, todo, around)
        case MissingReferenceError():
            return _parent(error, todo, around)
        case DuplicateError():
            return _clash(todo, around)
    return GiveUp(error)


def _clash(todo: Todo, around: Surroundings) -> Decision:
    """Look first: what is in the way may be ours."""
    if around.clash_is_final or todo.row.look == DUPLICATE:
        return AskSomeone(_failed(todo, "review", None, around.now, look=""))
    return Again(_failed(todo, "retry", around.now, around.now, look=DUPLICATE), "retrying")


def _retry(error: RetryableError, todo: Todo, around: Surroundings) -> Decision:
    now, row = around.now, todo.row
    wait = error.retry_after if error.retry_after is not None else backoff(row.tries, around.rng)
    look = row.look
    if isinstance(error, StaleError):
        look = STALE
        wait = 0.0 if row.tries < STALE_AT_ONCE else wait
    return Again(_failed(todo, "retry", after(now, wait), now, look=look), "retrying")


def _parent(error: MissingReferenceError, todo: Todo, around: Surroundings) -> Decision:
    """Wait up to ten minutes; the clock stands while the parent is to come or the connection is paused."""
    now, row = around.now, todo.row
    since, paused = row.missing_since, row.paused_micros
    if since is None or around.parent_expected or row.parent != error.object_key:
        since, paused = now, around.paused_micros
    waited = (now - since).total_seconds() - (around.paused_micros - paused) / 1_000_000
    left = PARENT_SECONDS - waited
    if left <= 0:
        return GiveUp(error)
    # Where we know the parent, its delivery wakes the child; else only asking again can tell.
    wait = left if error.object_key is not None else min(left, backoff(row.tries + 1, around.rng) + 1)
    waiting = todo.waiting(
        "parent",
        after(now, wait),
        tries=row.tries + 1,
        parent=error.object_key,
        missing_since=since,
        paused_micros=paused,
    )
    return Again(waiting, "waiting")


def _failed(todo: Todo, reason: str, not_before: datetime | None, now: datetime, **changes: str) -> Todo:
    row = todo.row
    return todo.waiting(reason, not_before, tries=row.tries + 1, failed_at=row.failed_at or now, **changes)
