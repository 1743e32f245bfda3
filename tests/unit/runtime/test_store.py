"""RocksDB under queued rows: what is read, what survives, what is thrown away."""

import json
import random
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rocksdict import Options, Rdict

from streams.recent import BESIDE
from streams.runtime import store as stores
from streams.runtime.store import META, SUSPECT, Meta, Store, StoreError

HOUR = 3600.0
NOW = 1_000_000.0
KEYS = st.sampled_from([b"a", b"a/1", b"a/2", b"b", b"c"])
ROWS = st.dictionaries(KEYS, st.none() | st.binary(max_size=2), max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("queue"), ROWS),
        st.tuples(st.sampled_from(["commit", "reopen"]), st.just({})),
        st.tuples(st.just("unqueued"), st.dictionaries(st.just(b"position"), st.binary(max_size=2), min_size=1)),
    ),
    max_size=12,
)


def opened(path: Path, cluster: str = "c", topic: str = "t", end: int = 100) -> tuple[Store, int | None]:
    """Open the store; return it and the offset to catch up from."""
    store = Store(path / "p0", lambda: NOW)
    return store, store.open(cluster, topic, end, HOUR)


def written(path: Path, offset: int = 50, at: float = NOW) -> None:
    """Leave a store with a row."""
    store, _ = opened(path)
    store.write({b"a": b"1"}, Meta("c", "t", offset, at))
    store.close()


def test_rows_survive_a_reopening(tmp_path: Path) -> None:
    """With the offset up to which they are right."""
    assert opened(tmp_path / "new")[1] is None
    written(tmp_path)
    store, start = opened(tmp_path)
    assert (start, store.get(b"a"), store.get(b"b")) == (50, b"1", None)
    store.close()


def test_a_database_that_is_there_gets_the_same_cache(tmp_path: Path) -> None:
    """Options of a database's own file would give it a small one, into which no filter fits."""
    written(tmp_path)
    with mock.patch.object(stores, "Rdict", wraps=Rdict) as made:
        store, _ = opened(tmp_path)
    store.close()
    path, options = made.call_args.args
    again = Rdict(path, options, **made.call_args.kwargs)
    assert again.property_int_value("rocksdb.block-cache-capacity") == stores.CACHE_BYTES
    again.close()


def test_the_buffers_of_all_shards_share_one_room(tmp_path: Path) -> None:
    """However many shards a process has, what waits to be sorted into files is bounded."""
    used = []
    for name in ("a", "b"):
        store, _ = opened(tmp_path / name)
        store.write({b"k%d" % n: bytes(1000) for n in range(3000)}, Meta("c", "t", 1, NOW))
        used.append((store, stores._buffers().get_usage()))
    (first, before), (second, after) = used
    assert 3_000_000 < before < after - 3_000_000 < stores.BUFFERS_BYTES
    first.close()
    second.close()


def test_queued_rows_are_read_first(tmp_path: Path) -> None:
    """By get and scan, deletes included, in key order; the database below is untouched until written."""
    store, _ = opened(tmp_path)
    store.write({b"a/1": b"1", b"a/3": b"3", b"b": b"b"}, Meta("c", "t", 1, NOW))
    store.queue({b"a/1": None, b"a/2": b"2", b"a/3": b"33"}, 1)
    assert list(store.scan(b"a/")) == [(b"a/2", b"2"), (b"a/3", b"33")]
    assert (store.get(b"a/1"), store.get(b"a/3"), store.get(b"b")) == (None, b"33", b"b")
    store.close()
    store, _ = opened(tmp_path)
    assert list(store.scan(b"a/")) == [(b"a/1", b"1"), (b"a/3", b"3")]
    store.close()


def test_settling_forgets_only_what_is_written(tmp_path: Path) -> None:
    """A row queued again by a later unit stays until that unit is settled."""
    store, _ = opened(tmp_path)
    store.queue({b"a": b"1", b"b": b"1"}, 1)
    store.queue({b"a": b"2"}, 2)
    store.write({b"a": b"1", b"b": b"1"}, Meta("c", "t", 1, NOW))
    store.settle(1)
    assert (store.get(b"a"), store.get(b"b")) == (b"2", b"1")
    store.write({b"a": b"3"}, Meta("c", "t", 1, NOW))
    store.settle(2)
    assert store._queued.rows == {}
    store.close()


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from([0, 6 * BESIDE, stores.RECENT_BYTES]))
def test_a_store_reads_as_one_dict(steps: list[tuple[str, dict[bytes, bytes | None]]], room: int) -> None:
    """Whatever is queued, committed, or written beside a commit, and however little is kept of what was used lately."""
    committed, queued = dict[bytes, bytes | None](), list[tuple[int, dict[bytes, bytes | None]]]()
    meta = Meta("c", "t", 1, NOW)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(stores, "RECENT_BYTES", room):
        store, _ = opened(Path(folder))
        store.write({}, meta)
        for unit, (what, rows) in enumerate(steps):
            if what == "queue":
                store.queue(rows, unit)
                queued.append((unit, rows))
            elif what == "unqueued":
                store.write(rows, meta)
                committed |= rows
            elif what == "commit" and queued:
                number, unit_rows = queued.pop(0)
                store.write(unit_rows, meta)
                store.settle(number)
                committed |= unit_rows
            elif what == "reopen":  # what was not committed is gone
                store.close()
                store, _ = opened(Path(folder))
                queued.clear()
            model = dict(committed)
            for _, unit_rows in queued:
                model |= unit_rows
            found = {key: store.get(key) for key in (b"a", b"a/1", b"a/2", b"b", b"c", b"position")}
            assert found == {key: model.get(key) for key in found}
            assert list(store.scan(b"a")) == sorted((k, v) for k, v in model.items() if v is not None and k[:1] == b"a")
        store.close()


@pytest.mark.parametrize(
    ("offset", "at", "cluster", "topic"),
    [(101, NOW, "c", "t"), (50, NOW - HOUR, "c", "t"), (50, NOW, "other", "t"), (50, NOW, "c", "other")],
    ids=["newer", "too old", "another cluster", "another topic"],
)
def test_what_is_no_copy_of_the_changelog_is_emptied(
    tmp_path: Path, offset: int, at: float, cluster: str, topic: str
) -> None:
    """Start over, without its rows."""
    written(tmp_path, offset, at)
    store, start = opened(tmp_path, cluster, topic)
    assert (start, store.get(b"a")) == (None, None)
    store.close()


@pytest.mark.parametrize("meta", [b"not json", json.dumps({"cluster": "c"}).encode()])
def test_a_damaged_note_of_what_it_is_empties_it(tmp_path: Path, meta: bytes) -> None:
    """Whatever it holds, the changelog has it all."""
    written(tmp_path)
    database = Rdict(str(tmp_path / "p0"), Options(raw_mode=True))
    database[META] = meta
    database.close()
    store, start = opened(tmp_path)
    assert (start, store.get(b"a")) == (None, None)
    store.close()


def test_what_cannot_be_read_is_rebuilt_at_the_next_start(tmp_path: Path) -> None:
    """Reading damaged tables raises for get and for scan, and marks the folder; the mark empties it."""
    store, _ = opened(tmp_path)
    noise = random.Random(1)  # noqa: S311  what compression cannot shrink
    rows = {b"k%05d" % n: noise.randbytes(100) for n in range(5000)}
    store.write(rows, Meta("c", "t", 1, NOW))
    store._db.flush()
    store.close()
    for table in (tmp_path / "p0").glob("*.sst"):
        content = bytearray(table.read_bytes())
        third = len(content) // 3
        content[third : 2 * third] = bytes(third)
        table.write_bytes(content)
    store, start = opened(tmp_path)
    assert start == 1
    with pytest.raises(StoreError, match="p0 cannot be read"):
        store.get(b"k02500")
    (tmp_path / "p0" / SUSPECT).unlink()
    with pytest.raises(StoreError, match="p0 cannot be read"):
        list(store.scan(b"k0"))
    assert (tmp_path / "p0" / SUSPECT).exists()
    store.close()
    store, start = opened(tmp_path)
    assert (start, list(store.scan(b"k"))) == (None, [])
    store.close()
