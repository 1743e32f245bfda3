"""Deliveries that are in Kafka already, remembered for seven days: an optimisation, as repeats are harmless later on.

In memory, and in a file a day for the time after a restart: 16 bytes a delivery, appended. Several gateways of a host
may share the folder; each knows its own deliveries and, once restarted, the others'.
"""

import hashlib
import logging
import os
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from connectors.ports import Clock

logger = logging.getLogger(__name__)

DAYS = 7
MARK_BYTES = 16
MAX_MARKS = 1_000_000
"""About 100 MB of memory; beyond it the oldest day is forgotten early."""


def mark(*parts: str | bytes) -> bytes:
    """Return what stands for a delivery."""
    data = [part.encode() if isinstance(part, str) else part for part in parts]
    lengths = ",".join([str(len(part)) for part in data]).encode()
    return hashlib.blake2b(b"".join([lengths, b";", *data]), digest_size=MARK_BYTES).digest()


class Seen:
    """Remembers marks.

    Args:
        folder: made if absent.
        clock: tells the day.
        limit: of marks in memory.
    """

    def __init__(self, folder: Path, clock: Clock, limit: int = MAX_MARKS) -> None:
        self._folder = folder
        self._clock = clock
        self._limit = limit
        self._days: dict[date, set[bytes]] = {}
        self._count = 0
        self._open: tuple[date, int] | None = None

    def load(self) -> None:
        """Read what was remembered before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._folder.glob("*.marks")):
            day = date.fromisoformat(path.stem)
            data = path.read_bytes()
            marks = {data[at : at + MARK_BYTES] for at in range(0, len(data) - MARK_BYTES + 1, MARK_BYTES)}
            self._days[day] = marks
            self._count += len(marks)
        self._forget()

    def knows(self, marks: Sequence[bytes]) -> bool:
        """Tell whether one of the marks is remembered."""
        return any(one in known for one in marks for known in self._days.values())

    def remember(self, marks: Sequence[bytes]) -> None:
        """Remember marks: only what is in Kafka."""
        today = self._clock.now().date()
        if today not in self._days:
            self._days[today] = set()
            self._forget()
        fresh = [one for one in marks if one not in self._days[today]]
        self._days[today].update(fresh)
        self._count += len(fresh)
        try:
            os.write(self._file(today), b"".join(fresh))
        except OSError as error:
            logger.warning("deliveries are remembered until the next restart only: %s", error)
        if self._count > self._limit:
            self._drop(min(self._days))

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def _file(self, day: date) -> int:
        """Return the day's file, open for appending."""
        if self._open is None or self._open[0] != day:
            self.close()
            self._open = day, os.open(self._path(day), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return self._open[1]

    def _forget(self) -> None:
        last = self._clock.now().date() - timedelta(days=DAYS)
        for day in [day for day in self._days if day < last]:
            self._drop(day)

    def _drop(self, day: date) -> None:
        self._count -= len(self._days.pop(day))
        if self._open is not None and self._open[0] == day:
            self.close()
        self._path(day).unlink(missing_ok=True)

    def _path(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}.marks"
