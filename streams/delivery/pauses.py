"""A connection that is paused: why, until when, and for how long in all."""

from datetime import datetime, timedelta

from connectors.errors import ConnectorError, FatalError, QuotaError, UnauthorizedError
from streams import metrics
from streams.delivery.rows import PauseRow
from streams.delivery.waits import after

AGAIN_SECONDS = 300.0
OPERATOR = "operator"


class Pauses:
    """The pause state of one connection."""

    def __init__(self, vendor: str, row: PauseRow | None) -> None:
        self._vendor = vendor
        self.row = row or PauseRow()
        self._show(1)

    @property
    def reason(self) -> str:
        """Why it is paused; empty: it is not."""
        return self.row.reason

    def over(self, revision: int, now: datetime) -> bool:
        """Tell whether a pause that no operator asked for has ended: its time is up or the connection was changed."""
        row = self.row
        return revision != row.revision or (row.until is not None and row.until <= now)

    def total_micros(self, now: datetime) -> int:
        """Return how long the connection has been paused in all, the present pause included."""
        since = self.row.since if self.row.reason else None
        return self.row.paused_micros + (_micros(now - since) if since else 0)

    def pause(self, reason: str, until: datetime | None, revision: int, now: datetime) -> None:
        """Pause; of two pauses for a time the longer holds."""
        total = self.total_micros(now)
        if until is not None and self.row.reason == reason and self.row.until is not None:
            until = max(until, self.row.until)
        self._become(PauseRow(reason, now, until, revision, total))

    def resume(self, now: datetime) -> None:
        """Let the connection run."""
        self._become(PauseRow(paused_micros=self.total_micros(now)))

    def _become(self, row: PauseRow) -> None:
        self._show(-1)
        self.row = row
        self._show(1)

    def close(self) -> None:
        """Stop showing it in the metrics; another owner does."""
        self._show(-1)

    def _show(self, change: int) -> None:
        if self.row.reason:
            metrics.CONNECTIONS_PAUSED.labels(self._vendor, self.row.reason).inc(change)


def pause_for(error: ConnectorError, now: datetime) -> tuple[str, datetime] | None:
    """Return why and until when an error pauses its connection, None if it does not.

    Refused credentials and wrong settings are tried again after five minutes: someone may have mended them outside.
    """
    match error:
        case QuotaError():
            return "quota", error.until
        case UnauthorizedError():
            return "unauthorized", after(now, AGAIN_SECONDS)
        case FatalError():
            return "fatal", after(now, AGAIN_SECONDS)
        case _:
            return None


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
