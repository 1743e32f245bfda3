"""Who may stand still, and who may not."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from streams.runtime.feed import Feed
from streams.runtime.watchdog import Watchdog
from tests.unit.runtime.conftest import messages, new_feed

STALL = 60.0


def complaint(feed: Feed | None = None, *, polled: float = 0.0, turned: float = 0.0, awake: float | None = None) -> Any:
    """Return what the watchdog says; ages in seconds."""
    now = time.monotonic() + 1000
    if feed is not None:
        feed.progress = now - STALL - 1
    log: Any = SimpleNamespace(last_poll=now - polled, feeds={3: feed} if feed else {})
    watchdog = Watchdog(log, STALL)
    watchdog._turned = now - turned
    if awake is not None:
        watchdog._awake = now - awake
    return watchdog._complaint(now)


def behind() -> Feed:
    """Return a feed with something to do."""
    feed = new_feed()
    feed.append(messages(0))
    return feed


def test_a_shard_that_should_commit_and_does_not() -> None:
    """Pending, computed or never read at all: it is behind."""
    assert "partition 3 is behind" in complaint(behind())
    assert "partition 3 is behind" in complaint(new_feed())
    feed = behind()
    feed.take(1)
    assert "partition 3 is behind" in complaint(feed)


def test_a_shard_that_is_caught_up_or_waits() -> None:
    """Nothing to do, registry and breaker are no stall."""
    feed = new_feed()
    feed.at_end(0)
    assert complaint(feed) is None
    for reason in ("registry", "breaker"):
        feed = behind()
        feed.waits = reason
        assert complaint(feed) is None


def test_a_partition_that_wakes_has_its_full_time() -> None:
    """Progress counts from the first new record after an idle time, not from the last commit before it."""
    feed = new_feed()
    feed.at_end(0)
    feed.progress = 0.0
    feed.append(messages(0))
    assert feed.progress > 0.0


@pytest.mark.parametrize(("ages", "named"), [({"polled": 61.0}, "consumer"), ({"turned": 61.0}, "event loop")])
def test_a_stuck_thread(ages: dict[str, Any], named: str) -> None:
    """Consumer and loop must have their turns."""
    assert named in complaint(**ages)


def test_a_process_that_was_frozen_gets_its_time_anew() -> None:
    """Everything is old when it wakes; that is no stall until it has had its turn."""
    assert complaint(behind(), polled=500, turned=500, awake=1) is None
    assert complaint(behind(), polled=500, turned=500, awake=61) is not None
