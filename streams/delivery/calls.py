"""Making one call: with the permit a task began with, or one of its own; surprises become errors of the tree."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from connectors.errors import ConnectorError, InDoubtError, RetryableError
from connectors.ports import Call, Connector, Outcome, Sink
from streams.delivery.desk import Desk, UnsentError
from streams.delivery.outcomes import UnexpectedError
from streams.delivery.permits import Permit
from streams.delivery.todo import Todo
from streams.runtime.types import Output

T = TypeVar("T")


class Turn:
    """The permit with which a task began, for its first call; later calls ask for their own."""

    def __init__(self, desk: Desk, connector: Connector, permit: Permit, priority: int) -> None:
        self._desk = desk
        self._connector = connector
        self._priority = priority
        self._spare: Permit | None = permit

    async def permit(self) -> Permit:
        """Return a permit that is still good.

        Raises:
            ClosedError, QuotaError: see `Desk.permit`.
        """
        spare, self._spare = self._spare, None
        if spare is not None and self._desk.now() < spare.deadline:
            return spare
        if spare is not None:
            self._desk.drop(spare)
        return await self._desk.permit(self._connector, self._priority)

    def close(self) -> None:
        """Give the first permit back if it was not needed."""
        spare, self._spare = self._spare, None
        if spare is not None:
            self._desk.drop(spare)

    async def ask(self, todo: Todo, question: Callable[[], Awaitable[T]], what: str) -> T:
        """Make a call that changes nothing at the vendor.

        Raises:
            ClosedError, UnsentError: it was not made.
            ConnectorError: the vendor's; never InDoubtError, as asking again does no harm.
        """
        desk = self._desk
        permit = await self.permit()
        try:
            await desk.begin(permit)
        except UnsentError:
            await desk.give_back(permit)
            raise
        try:
            with desk.paced(permit):
                answer = await expected(question())
        except ConnectorError as error:
            await desk.end(permit, [self._journal(todo, what, error.code or type(error).__name__)])
            raise harmless(error) from error
        await desk.end(permit, [self._journal(todo, what, None)])
        return answer

    def _journal(self, todo: Todo, what: str, code: str | None) -> Output:
        return self._desk.outbox.journal(todo, "looked", self._desk.now(), code=code, detail=what)


async def expected(call: Awaitable[T]) -> T:
    """Return the call's result; whatever it raises that is not in the tree becomes an UnexpectedError."""
    try:
        return await call
    except ConnectorError:
        raise
    except Exception as error:
        raise UnexpectedError(f"{type(error).__name__}: {error}") from error


def harmless(error: ConnectorError) -> ConnectorError:
    """Return the error of a call without effect: where its answer was lost nothing is in doubt."""
    if isinstance(error, InDoubtError) and not isinstance(error, UnexpectedError):
        return RetryableError(str(error), code=error.code, retry_after=error.retry_after)
    return error


async def written(sink: Sink, calls: Sequence[Call]) -> Sequence[Outcome]:
    """Have the calls carried out; one valid outcome for each, whatever the sink does."""
    try:
        outcomes = await expected(sink.write(calls))
    except ConnectorError as error:
        return [Outcome(error=error)] * len(calls)
    if len(outcomes) != len(calls):
        wrong = UnexpectedError(f"{sink.name} returned {len(outcomes)} outcomes for {len(calls)} calls")
        return [Outcome(error=wrong)] * len(calls)
    return [_checked(sink, call, outcome) for call, outcome in zip(calls, outcomes, strict=True)]


def _checked(sink: Sink, call: Call, outcome: Outcome) -> Outcome:
    if outcome.error is None and outcome.remote is None:
        return Outcome(error=UnexpectedError(f"{sink.name} returned neither object nor error for {call.object}"))
    return outcome
