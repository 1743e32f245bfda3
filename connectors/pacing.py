"""One call of a connector may be several requests; whoever owns the quota says when each further one may be sent."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

Grant = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pace:
    """What is asked: `grant` before every request, `room` before a page of a backfill."""

    grant: Grant
    room: Callable[[], bool]


_pace: ContextVar[Pace | None] = ContextVar("pace", default=None)


@contextmanager
def paced(grant: Grant, room: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Within this, ask `grant` before every request and `room` before every page of a backfill."""
    token = _pace.set(Pace(grant, room))
    try:
        yield
    finally:
        _pace.reset(token)


def after_the_first(further: Grant) -> Grant:
    """Return a grant that lets the first request pass and asks `further` before all others."""
    sent = 0

    async def grant() -> None:
        nonlocal sent
        sent += 1
        if sent > 1:
            await further()

    return grant


async def turn() -> None:
    """Wait until the next request may be sent.

    Raises:
        ConnectorError: it may not be sent now.
    """
    pace = _pace.get()
    if pace is not None:
        await pace.grant()


def room() -> bool:
    """Tell whether a page of a backfill may be read now; if so, its requests come after everything else's."""
    pace = _pace.get()
    return pace is None or pace.room()
