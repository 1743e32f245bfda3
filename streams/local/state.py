"""What runs, as a file that other commands read: `.sluiceway/state.json`, true while `.sluiceway/lock` is held."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from streams.local.errors import LocalError

STARTING, READY, STOPPING = "starting", "ready", "stopping"


@dataclass(slots=True)
class ServiceState:
    """One process; `created` is its start as the system tells it, so that a reused pid is not taken for it.

    Mutable on purpose: the supervisor's own record of a process, written out at each change.
    """

    name: str
    address: str
    log: str = ""
    ready_urls: Sequence[str] = ()
    pid: int | None = None
    created: float | None = None
    restarts: int = 0


@dataclass(slots=True)
class StackState:
    """All of a run."""

    pid: int
    phase: str
    services: list[ServiceState]


class StateFile:
    """The state of one data directory, and the lock that makes its writer the only one."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "state.json"
        self._lock = data_dir / "lock"

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Be the one supervisor of this directory; the lock ends with the process, whatever ends that.

        Raises:
            LocalError: another one is.
        """
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LocalError(
                    f"{self._lock.parent} is in use: Sluiceway runs already. `sluiceway status` shows it, `sluiceway "
                    "down` stops it, SLUICEWAY_DATA_DIR runs a second one beside it."
                ) from None
            yield

    def held(self) -> bool:
        """Whether a supervisor runs."""
        if not self._lock.exists():
            return False
        with self._lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def write(self, state: StackState) -> None:
        """Replace the state."""
        new = self._path.with_name("state.new")
        new.write_text(json.dumps(asdict(state), indent=1))
        new.replace(self._path)

    def read(self) -> StackState | None:
        """Return the state last written, which tells about now only while `held`; None if there is none to be read."""
        try:
            raw = json.loads(self._path.read_text())
            return StackState(raw["pid"], raw["phase"], [ServiceState(**service) for service in raw["services"]])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def clear(self) -> None:
        """Say that nothing runs."""
        self._path.unlink(missing_ok=True)

    @staticmethod
    def new(services: list[ServiceState]) -> StackState:
        """Return the state of a run that begins in this process."""
        return StackState(os.getpid(), STARTING, services)
