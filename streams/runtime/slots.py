"""One state directory per process: the first that nobody holds."""

import fcntl
import itertools
import os
from pathlib import Path


class Slot:
    """A state directory held by this process until it ends; a stopped process keeps its own.

    The lock is a bare file descriptor, so that it outlives this object: whoever asked only for `path` holds it too.
    """

    def __init__(self, path: Path, lock: int) -> None:
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
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            return cls(path, lock)
        raise AssertionError("unreachable")

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._lock)
