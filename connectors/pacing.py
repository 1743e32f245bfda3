"""One call of a connector may be several requests; whoever owns the quota says when each further one may be sent."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Grant = Callable[[], Awaitable[None]]
_grant: ContextVar[Grant | None] = ContextVar("grant", default=None)


@contextmanager
def paced(further: Grant) -> Iterator[None]:
    """Within this, ask `further` before every request but the first."""
    sent = 0

    async def grant() -> None:
        nonlocal sent
        sent += 1
        if sent > 1:
            await further()

    token = _grant.set(grant)
    try:
        yield
    finally:
        _grant.reset(token)


async def turn() -> None:
    """Wait until the next request may be sent.

    Raises:
        ConnectorError: it may not be sent now.
    """
    grant = _grant.get()
    if grant is not None:
        await grant()
