"""A shard in memory that keeps only what was committed, and can be killed around every commit."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from streams.runtime.types import Output, Rows, ShardLostError

COMMIT_SECONDS = 0.005
Point = Callable[[str], Awaitable[None]]


@dataclass
class Disk:
    """What survives: rows, produced records and the input offset."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    next_offset: int = 0
    commits: int = 0


@dataclass
class _Unit:
    outputs: Sequence[Output]
    rows: Rows
    next_offset: int | None
    done: "asyncio.Future[None]"


async def no_point(name: str) -> None:
    """Never kill."""
    _ = name


class MemoryShard:
    """One term of an owner over a disk."""

    def __init__(self, disk: Disk, partition: int = 0, point: Point = no_point) -> None:
        self.partition = partition
        self.lost = False
        self.fresh = True
        self._disk = disk
        self._point = point
        self._view: dict[bytes, bytes] = dict(disk.rows)
        self._queue: list[_Unit] = []
        self._wanted = asyncio.Event()
        self._committer = asyncio.ensure_future(self._commit_units())

    @property
    def alive(self) -> bool:
        """Whether the shard is surely ours."""
        return self.fresh and not self.lost

    def get(self, key: bytes) -> bytes | None:
        """Return a row, committed or queued."""
        return self._view.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield rows in key order."""
        return iter(sorted((k, v) for k, v in self._view.items() if k.startswith(prefix)))

    async def commit(self, outputs: Sequence[Output], rows: Rows, next_offset: int | None = None) -> None:
        """Queue a unit and wait until it is on the disk."""
        if self.lost:
            raise ShardLostError
        for key, value in rows.items():
            if value is None:
                self._view.pop(key, None)
            else:
                self._view[key] = value
        unit = _Unit(tuple(outputs), dict(rows), next_offset, asyncio.get_running_loop().create_future())
        self._queue.append(unit)
        self._wanted.set()
        await unit.done

    async def _commit_units(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            units, self._queue = self._queue, []
            await self._point("before commit")
            await asyncio.sleep(COMMIT_SECONDS)
            self._store(units)
            await self._point("after commit")
            for unit in units:
                if not unit.done.done():
                    unit.done.set_result(None)

    def _store(self, units: Sequence[_Unit]) -> None:
        self._disk.commits += 1
        for unit in units:
            self._disk.outputs += unit.outputs
            for key, value in unit.rows.items():
                if value is None:
                    self._disk.rows.pop(key, None)
                else:
                    self._disk.rows[key] = value
            if unit.next_offset is not None:
                self._disk.next_offset = unit.next_offset

    def lose(self) -> None:
        """Another worker owns the partition: everything queued fails."""
        self.lost = True
        self._committer.cancel()
        for unit in self._queue:
            unit.done.set_exception(ShardLostError())

    def kill(self) -> None:
        """The process is gone."""
        self._committer.cancel()
