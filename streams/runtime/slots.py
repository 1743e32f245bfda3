"""One state directory per process: the first that nobody holds."""

import fcntl
import itertools
from pathlib import Path
from typing import IO


class Slot:
    """A state directory held by this process until it ends; a stopped process keeps its own."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def take(cls, parent: Path) -> "Slot":
        """Return the first free directory below `parent`, made if all are taken.

        Raises:
            OSError: `parent` cannot be written.
        """
        for number in itertools.count():
            path = parent / str(number)
            path.mkdir(parents=True, exist_ok=True)
            lock = (path / "lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            return cls(path, lock)
        raise AssertionError("unreachable")

    def release(self) -> None:
        """Let another process have it."""
        self._lock.close()
