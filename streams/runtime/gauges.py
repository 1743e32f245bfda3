"""What the roles' metrics show of their shards."""

import time
from collections.abc import Mapping

from streams import metrics
from streams.runtime.feed import Feed

BREAKER_WAIT = "breaker"


def show(app: str, feeds: Mapping[int, Feed], ends: Mapping[int, int], taking: int) -> None:
    """Set the gauges of an application.

    Args:
        app: transform or connect.
        feeds: of its partitions here.
        ends: the last known end of each partition.
        taking: partitions that are being taken over.
    """
    waiting = [feed.waits for feed in feeds.values() if feed.waits]
    for state, count in (
        ("running", len(feeds) - len(waiting)),
        ("waiting", len(waiting)),
        ("taking over", taking),
    ):
        metrics.SHARDS.labels(app, state).set(count)
    metrics.BREAKER_OPEN.labels(app).set(BREAKER_WAIT in waiting)
    for partition, feed in feeds.items():
        behind = 0 if feed.caught_up else max(0, ends.get(partition, 0) - feed.shard.committed)
        age = time.time() - feed.oldest / 1000 if feed.oldest is not None else 0.0
        metrics.LAG_RECORDS.labels(app, str(partition)).set(behind)
        metrics.LAG_SECONDS.labels(app, str(partition)).set(age)


def forget(app: str, partition: int) -> None:
    """Show nothing more of a partition that is another's now."""
    for gauge in (metrics.LAG_RECORDS, metrics.LAG_SECONDS):
        gauge.remove(app, str(partition))
