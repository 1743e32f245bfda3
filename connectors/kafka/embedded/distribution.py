"""Brings the servers' files from a Maven repository into a per-user cache that all checkouts share.

A package is listed in `packages/<name>-<version>.lock`, one file a line: SHA-256, bytes, Maven coordinates. What does
not match its line is never used. `pin.py` writes those lists.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.kafka.embedded.errors import InstallError

_LOCKS = Path(__file__).with_name("packages")
MB = 1_000_000
MIN_FREE_BYTES = 1_000 * MB

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pin:
    """One file of a package: `coordinates` are group:artifact:version[:classifier:packaging]."""

    sha256: str
    size: int
    coordinates: str


@dataclass(frozen=True, slots=True)
class Package:
    """A server as its maker publishes it."""

    title: str
    name: str
    version: str

    @property
    def lock(self) -> Path:
        """The list of its files."""
        return _LOCKS / f"{self.name}-{self.version}.lock"

    def pins(self) -> list[Pin]:
        """Read the list of its files."""
        rows = (line.split() for line in self.lock.read_text().splitlines())
        return [Pin(sha256, int(size), coordinates) for sha256, size, coordinates in rows]

    @property
    def home(self) -> Path:
        """Where it is, or will be, installed; another list of files is another place."""
        digest = hashlib.sha256(self.lock.read_bytes()).hexdigest()[:8]
        return cache_dir() / f"{self.name}-{self.version}-{digest}"


KAFKA = Package("Apache Kafka", "kafka", "4.1.1")
REGISTRY = Package("Apicurio Registry", "registry", "3.3.3")


def cache_dir() -> Path:
    """Return the per-user cache, `$XDG_CACHE_HOME/sluiceway` or `~/.cache/sluiceway`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sluiceway"


async def install(package: Package, say: Say = print) -> Path:
    """Return the package's folder in the cache, bringing it there first if need be; several processes may ask at once.

    Raises:
        InstallError: no way to the repository, too little disk, or a file that is not the pinned one.
    """
    return await asyncio.to_thread(_install, package, say)


def _install(package: Package, say: Say) -> Path:
    home = package.home
    if home.exists():
        return home
    require_space(home.parent)
    home.parent.mkdir(parents=True, exist_ok=True)
    with locked(home.with_name(f"{home.name}.lock")):
        if not home.exists():
            from connectors.kafka.embedded.download import bring  # noqa: PLC0415  jgo and requests: 0.4 s, needed once

            bring(package, home, say)
    return home


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, waiting for its present holder; it ends with the process at the latest."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def require_space(folder: Path) -> None:
    """Raise InstallError unless the disk of `folder`, which need not exist yet, has 1 GB free."""
    there = next(parent for parent in (folder, *folder.resolve().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if free < MIN_FREE_BYTES:
        raise InstallError(
            f"{folder}: {free // MB} MB free, the embedded stack wants {MIN_FREE_BYTES // MB} MB. Free some disk, or "
            "move the data with SLUICEWAY_DATA_DIR and the downloads with XDG_CACHE_HOME."
        )
