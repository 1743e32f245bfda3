"""The state of one shard: RocksDB on disk under the rows that wait for their commit.

RocksDB is a cache of the changelog topic. It is written only after the transaction that carries the same rows has been
committed, together with the changelog offset up to which it is right, so it is never ahead; behind is normal.

Between the two stand the rows that were used lately, as RocksDB has them: by a read of a row that no commit is under
way for, or because their commit went through. A row that is queued is never looked for here; one that is written
without being queued is dropped.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBatch, WriteBufferManager

from streams.recent import MISSING, Recent
from streams.runtime.layers import Ordered, overlaid
from streams.runtime.types import Rows

META = b"\x00meta"
SUSPECT = "SUSPECT"
FILTER_BITS = 10
"""Of each key in the filters: one in a hundred rows that are not there is looked for in vain."""
CACHE_BYTES = 128 << 20
"""Blocks, indexes and filters of all shards of the process."""
BLOCK_BYTES = 4 << 10
"""About as large most of them are."""
BUFFER_BYTES = 32 << 20
"""Rows of a shard that wait to be sorted into files: the more at once, the seldomer large files are made anew."""
BUFFERS_BYTES = 128 << 20
"""Of all shards of the process; beyond that they are written out before they are full."""
BUFFER_FILTER = 0.05
"""Share of the buffer that a filter takes: else each row that is not there is searched for among its rows."""
RECENT_BYTES = 16 << 20
"""Rows used lately, of each shard."""
OPEN_FILES = 64


class StoreError(BaseException):
    """The local state cannot be read. Not an Exception: no guard may take it for a fault of the record."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What RocksDB is a copy of.

    Attributes:
        cluster: Kafka's cluster id.
        topic: the changelog's topic id.
        offset: the changelog offset from which to catch up.
        written_at: seconds since the epoch of the last write.
    """

    cluster: str
    topic: str
    offset: int
    written_at: float


class Store:
    """Rows of one shard, latest first: queued for commit, then used lately, then RocksDB.

    All but `write` is for one thread.

    Args:
        path: folder of this shard's database; made if it is not there.
        now: seconds since the epoch.
    """

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._queued = Ordered[tuple[int, bytes | None]]()
        self._recent = Recent[bytes, bytes](RECENT_BYTES, _size)
        self._db: Any = None

    def open(self, cluster: str, topic: str, end: int, keep_seconds: float) -> int | None:
        """Open the database and return the changelog offset to catch up from; None: it was emptied, start over.

        Args:
            cluster: the cluster's id; a database of another one is emptied.
            topic: the changelog's topic id, likewise.
            end: the changelog's end; a database past it copies something that no longer exists.
            keep_seconds: older databases may have missed tombstones that compaction removed since.
        """
        if (self._path / SUSPECT).exists():
            shutil.rmtree(self._path)
        self._path.mkdir(parents=True, exist_ok=True)
        try:
            meta = self._open()
        except Exception:  # noqa: BLE001  whatever RocksDB says of a damaged folder, the changelog has it all
            meta = None
        usable = (
            meta is not None
            and (meta.cluster, meta.topic) == (cluster, topic)
            and meta.offset <= end
            and self._now() - meta.written_at < keep_seconds
        )
        if meta is not None and usable:
            return meta.offset
        self._empty()
        return None

    def _open(self) -> Meta | None:
        self._recent.clear()
        options = _options()
        # Given by name too: of a database that is there the options are else those of its file, with a small cache.
        self._db = Rdict(str(self._path), options, column_families={"default": options})
        raw = self._db.get(META)
        return Meta(**json.loads(raw)) if raw else None

    def _empty(self) -> None:
        if self._db is not None:
            self._db.close()
        shutil.rmtree(self._path, ignore_errors=True)
        self._path.mkdir(parents=True)
        self._open()

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        queued = self._queued.rows.get(key)
        if queued is not None:
            return queued[1]
        recent = self._recent.get(key)
        if recent is not MISSING:
            return recent
        try:
            value: bytes | None = self._db.get(key)
        except Exception as error:
            raise self._suspect(error) from error
        if value is not None:  # what is not there the filters tell as quickly
            self._recent.put(key, value)
        return value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key starts with `prefix`, in key order, as of now."""
        return overlaid(self._stored(prefix), ((key, value) for key, (_, value) in self._queued.under(prefix)))

    def _stored(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        rows = []
        try:
            at = self._db.iter()
            at.seek(prefix)
            while at.valid() and (key := bytes(at.key())).startswith(prefix):
                rows.append((key, bytes(at.value())))
                at.next()
            at.status()  # an iterator that met damage looks as if it were at its end
        except Exception as error:
            raise self._suspect(error) from error
        return iter(rows)

    def _suspect(self, error: Exception) -> StoreError:
        """Mark the database so that the next start rebuilds it."""
        (self._path / SUSPECT).touch()
        return StoreError(f"local state in {self._path.name} cannot be read ({error}); it is rebuilt at the next start")

    def queue(self, rows: Rows, unit: int) -> None:
        """Show rows to readers before their commit; `unit` grows with every call."""
        self._queued.rows.update({key: (unit, value) for key, value in rows.items()})

    def write(self, rows: Mapping[bytes, bytes | None], meta: Meta) -> None:
        """Write committed rows and what they bring the database up to, at once. May run in another thread."""
        batch = WriteBatch(raw_mode=True)
        for key, value in rows.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(META, json.dumps(asdict(meta)).encode())
        self._db.write(batch)
        for key in rows:
            if key not in self._queued.rows:
                self._recent.drop(key)

    def settle(self, unit: int) -> None:
        """Let go of queued rows up to `unit`: they are in the database now."""
        left = {}
        for key, queued in self._queued.rows.items():
            if queued[0] > unit:
                left[key] = queued
            elif queued[1] is None:
                self._recent.drop(key)
            else:
                self._recent.put(key, queued[1])
        self._queued.retain(left)

    def close(self) -> None:
        """Close the database."""
        if self._db is not None:
            self._db.close()
            self._db = None
        self._recent.clear()


def _size(key: bytes, value: bytes) -> int:
    return len(key) + len(value)


@cache
def _cache() -> Cache:
    """Return a cache of few parts: in one of an LRU cache's 64 a large file's filter has no room."""
    return Cache.new_hyper_clock_cache(CACHE_BYTES, BLOCK_BYTES)


@cache
def _buffers() -> WriteBufferManager:
    return WriteBufferManager(BUFFERS_BYTES, allow_stall=False)


def _options() -> Options:
    """Return how RocksDB keeps a shard: most reads ask for one row, and as many for one that is not there."""
    table = BlockBasedOptions()
    table.set_bloom_filter(FILTER_BITS, block_based=False)
    table.set_block_cache(_cache())
    table.set_cache_index_and_filter_blocks(True)
    table.set_pin_l0_filter_and_index_blocks_in_cache(True)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(table)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_max_open_files(OPEN_FILES)
    options.set_write_buffer_size(BUFFER_BYTES)
    options.set_write_buffer_manager(_buffers())
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(BUFFER_FILTER)
    return options
