"""Orders to the consumer, carried out in its own thread."""

from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from streams.runtime import poller as module
from streams.runtime.poller import Poller


class FakeConsumer:
    """A consumer of partition 1 that refuses the first few seeks."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.done: list[tuple[str, int, int]] = []

    def assignment(self) -> list[TopicPartition]:
        """Return what is assigned."""
        return [TopicPartition("in", 1)]

    def seek(self, at: TopicPartition) -> None:
        """Note it, or refuse."""
        if self.refusals or at.partition != 1:
            self.refusals -= 1
            raise KafkaException(KafkaError(KafkaError._STATE))
        self.done.append(("seek", at.partition, at.offset))

    def pause(self, partitions: list[TopicPartition]) -> None:
        """Note it."""
        self.done += [("pause", at.partition, 0) for at in partitions]

    def resume(self, partitions: list[TopicPartition]) -> None:
        """Note it."""
        self.done += [("resume", at.partition, 0) for at in partitions]


def poller_of(monkeypatch: pytest.MonkeyPatch, refusals: int = 0) -> tuple[Poller, FakeConsumer]:
    """Return a poller that is not started."""
    consumer = FakeConsumer(refusals)
    monkeypatch.setattr(module, "Consumer", lambda _: consumer)
    listener: Any = None
    return Poller({}, "in", listener), consumer


def test_a_partition_begins_where_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sought, then resumed; later orders in their order."""
    poller, consumer = poller_of(monkeypatch)
    poller.begin(1, 7)
    poller.pause(1)
    poller.resume(1)
    poller.begin(1, None)
    poller._obey()
    assert consumer.done == [
        ("seek", 1, 7),
        ("resume", 1, 0),
        ("pause", 1, 0),
        ("resume", 1, 0),
        ("seek", 1, OFFSET_BEGINNING),
        ("resume", 1, 0),
    ]


def test_a_seek_that_comes_too_early_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the partition would stay paused for ever; one try a turn."""
    poller, consumer = poller_of(monkeypatch, refusals=2)
    poller.begin(1, 7)
    for _ in range(2):
        poller._obey()
        assert consumer.done == []
    poller._obey()
    assert consumer.done == [("seek", 1, 7), ("resume", 1, 0)]


def test_an_order_for_a_partition_that_went_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is another's now."""
    poller, consumer = poller_of(monkeypatch)
    poller.begin(2, 7)
    poller._obey()
    assert (consumer.done, poller._orders.qsize()) == ([], 0)
