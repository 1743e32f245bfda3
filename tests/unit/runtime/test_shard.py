"""Commits of one shard: order, grouping, and letting go at any moment."""

import asyncio
import threading

import pytest

from streams.runtime import shard as shards
from streams.runtime.types import Output, ShardLostError
from tests.unit.runtime.conftest import ShardKit

OUT = Output("out", 0, b"k", b"v")


async def test_a_unit_is_one_transaction(kit: ShardKit) -> None:
    """Outputs, rows, the position as a row and the offset, between begin and commit; then the rows are in the store."""
    await kit.shard.commit([OUT], {b"a": b"1"}, 7)
    assert kit.producer.calls == ["begin", "out", "state", "state", "offset 7", "commit"]
    assert (kit.shard.committed, kit.store._db.get(b"a"), kit.store._queued.rows) == (7, b"1", {})


async def test_units_are_committed_in_order_and_together(kit: ShardKit) -> None:
    """What waits meanwhile goes into one transaction, with the last offset and the last value of each row."""
    await asyncio.gather(*(kit.shard.commit([OUT], {b"a": b"%d" % n}, n) for n in range(1, 4)))
    assert kit.producer.calls.count("commit") == 1
    assert kit.producer.calls.count("out") == 3
    assert (kit.shard.committed, kit.shard.get(b"a")) == (3, b"3")


async def test_rows_are_visible_at_once_and_stored_only_once_committed(kit: ShardKit) -> None:
    """Until the commit is through, readers see what the database does not have."""
    kit.shard._writing.acquire()
    committing = asyncio.ensure_future(kit.shard.commit([], {b"a": b"1"}))
    await asyncio.sleep(0)
    assert (kit.shard.get(b"a"), kit.store._db.get(b"a")) == (b"1", None)
    kit.shard._writing.release()
    await committing
    assert kit.store._db.get(b"a") == b"1"


async def test_a_failed_commit_ends_the_process(kit: ShardKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing reaches the store, and nobody is told that it was committed."""
    died = threading.Event()

    def die(reason: str, _error: BaseException) -> None:
        assert "commit failed: fenced" in reason
        died.set()
        raise SystemError(reason)

    monkeypatch.setattr(shards, "die", die)
    committer = kit.shard._committer
    assert committer is not None
    committer.remove_done_callback(kit.shard._committer_ended)
    kit.producer.fails = RuntimeError("fenced")
    committing = asyncio.ensure_future(kit.shard.commit([OUT], {b"a": b"1"}, 7))
    await asyncio.to_thread(died.wait, 5)
    with pytest.raises(SystemError):
        await committer
    assert (committing.done(), kit.store._db.get(b"a"), kit.shard.committed) == (False, None, 0)
    kit.shard.lost = True
    committing.cancel()


async def test_closing_waits_for_what_is_queued(kit: ShardKit) -> None:
    """Within its grace the commit under way is finished, and its caller told."""
    kit.shard._writing.acquire()
    committing = asyncio.ensure_future(kit.shard.commit([], {}, 7))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(kit.shard.close(5))
    await asyncio.sleep(0)
    kit.shard._writing.release()
    await asyncio.gather(committing, closing)
    assert (kit.shard.committed, kit.shard.lost) == (7, True)


async def test_closing_waits_though_the_caller_was_cancelled(kit: ShardKit) -> None:
    """Deliveries are cancelled while they commit: that neither takes the unit back nor breaks the closing."""
    kit.shard._writing.acquire()
    committing = asyncio.ensure_future(kit.shard.commit([OUT], {}, 7))
    await asyncio.sleep(0)
    committing.cancel()
    closing = asyncio.ensure_future(kit.shard.close(5))
    await asyncio.sleep(0)
    assert not closing.done()
    kit.shard._writing.release()
    await closing
    assert (kit.shard.committed, kit.producer.calls[-1]) == (7, "commit")


async def test_what_is_not_committed_in_time_is_lost(kit: ShardKit) -> None:
    """Its caller hears so, and an error of the late commit ends nothing."""
    kit.producer.fails = RuntimeError("fenced")
    kit.shard._writing.acquire()
    committing = asyncio.ensure_future(kit.shard.commit([OUT], {b"a": b"1"}, 7))
    await asyncio.sleep(0)
    await kit.shard.close(0)
    kit.shard._writing.release()
    with pytest.raises(ShardLostError):
        await committing
    await asyncio.to_thread(kit.shard.let_go)
    assert (kit.shard.committed, kit.producer.closed) == (0, True)


async def test_a_lost_shard_says_so_to_everyone(kit: ShardKit) -> None:
    """A chunk or call that goes on after the state was closed ends with ShardLostError, not with a broken database."""
    await kit.shard.close(0)
    await asyncio.to_thread(kit.shard.let_go)
    for use in (lambda: kit.shard.get(b"a"), lambda: kit.shard.scan(b"a")):
        with pytest.raises(ShardLostError):
            use()
    with pytest.raises(ShardLostError):
        await kit.shard.commit([], {})
    assert not kit.shard.alive
