"""The permit of one page of a source: at hand before it is read, or taken when the page first needs a request."""

from collections.abc import Callable

from connectors.errors import NotSentError
from connectors.ports import Connector
from streams.delivery.desk import ClosedError, Desk, UnsentError
from streams.delivery.permits import Permit
from streams.delivery.todo import BACKFILL_LAST


class OnDemand:
    """Grants the requests of one page.

    Attributes:
        permit: what the page holds, once it needed one.
        refusal: why no request may be sent, if that is not the vendor's doing.
    """

    def __init__(self, desk: Desk, connector: Connector, priority: int, has_room: Callable[[], bool]) -> None:
        self.permit: Permit | None = None
        self.refusal: ClosedError | UnsentError | None = None
        self._desk = desk
        self._connector = connector
        self._priority = priority
        self._has_room = has_room
        self._used = False

    async def take(self) -> None:
        """Wait for the page's permit and commit it.

        Raises:
            ClosedError, UnsentError, QuotaError: see `Desk.permit` and `Desk.begin`.
        """
        permit = await self._desk.permit(self._connector, self._priority)
        try:
            await self._desk.begin(permit)
        except UnsentError:
            await self._desk.give_back(permit)
            raise
        self.permit = permit

    async def grant(self) -> None:
        """Wait until the page's next request may be sent.

        Raises:
            NotSentError: not now; `refusal` tells why, unless the permit merely came too late.
            QuotaError: see `Permits.take`.
        """
        if self.permit is not None and self._used:
            await self._desk.further(self.permit)
        elif self.permit is None:
            try:
                await self.take()
            except (ClosedError, UnsentError) as error:
                self.refusal = error
                raise NotSentError("the connection may not send now") from error
        self._used = True

    def room(self) -> bool:
        """Tell whether this page may be one of a backfill; then its requests come after all others."""
        if not self._has_room():
            return False
        self._priority = BACKFILL_LAST
        return True

    async def end(self) -> None:
        """Give the permit's slot back where nothing else is to be committed."""
        permit, self.permit = self.permit, None
        if permit is not None:
            await self._desk.end(permit)
