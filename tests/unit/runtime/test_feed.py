"""What was read of one partition and is not committed yet."""

import pytest

from streams.runtime.feed import Feed, offset_of
from tests.unit.runtime.conftest import Message, messages, new_feed


def offsets(feed: Feed) -> list[int]:
    """Return what is pending."""
    return [offset_of(message) for message in feed.pending]


def test_records_from_before_the_seek_are_left_out() -> None:
    """Below the committed offset, or read twice: dropped."""
    feed = new_feed(position=5)
    feed.append(messages(3, 4, 5, 6))
    feed.append(messages(6, 8))
    assert offsets(feed) == [5, 6, 8]


def test_a_chunk_moves_the_position() -> None:
    """Taken records are not pending, and none before them is taken in again."""
    feed = new_feed()
    feed.append(messages(0, 1, 4, 7))
    chunk = feed.take(3)
    assert ([record.offset for record in chunk.records], feed.position, feed.busy) == ([0, 1, 4], 5, True)
    feed.append(messages(1, 4, 7, 8))
    assert offsets(feed) == [7, 8]


@pytest.mark.parametrize("done", [0, 1, 3])
def test_what_is_given_back_comes_again_in_order(done: int) -> None:
    """Before what was read meanwhile; a whole chunk done gives nothing back."""
    feed = new_feed()
    feed.append(messages(0, 2, 4))
    chunk = feed.take(3)
    feed.append(messages(6))
    chunk.give_back(done)
    assert offsets(feed) == [[0, 2, 4, 6], [2, 4, 6], [], [6]][done]
    feed.busy = False
    assert feed.take(10).records[0].offset == [0, 2, 4, 6][done]


def test_caught_up_means_all_before_the_end_is_committed() -> None:
    """Pending, computed or committing records are none; new ones end it."""
    feed = new_feed()
    feed.append(messages(0))
    feed.at_end(0)
    assert feed.end is None
    feed.at_end(2)
    assert not feed.caught_up
    feed.take(1)
    assert not feed.caught_up
    feed.busy, feed.committing = False, 1
    assert not feed.caught_up
    feed.committing = 0
    assert feed.caught_up
    feed.append(messages(2))
    assert (feed.caught_up, feed.end) == (False, None)


def test_one_chunk_is_computed_while_one_is_committed() -> None:
    """No third; and none while busy or waiting."""
    feed = new_feed()
    assert not feed.ready
    feed.append(messages(0, 1))
    assert feed.ready
    feed.committing = 1
    assert feed.ready
    feed.committing = 2
    assert not feed.ready
    feed.committing, feed.waits = 0, "registry"
    assert not feed.ready


def test_early_chunks_of_a_term_are_announced() -> None:
    """Those that a former term may have computed, and no later ones."""
    feed = new_feed(reach=2)
    feed.append(messages(0, 1, 2, 3))
    assert [feed.take(1).trying is not None for _ in range(4)] == [True, True, False, False]


def test_a_record_is_the_message() -> None:
    """Bytes, headers in order with repeats, time."""
    feed = new_feed()
    feed.append([Message(3, None, [("a", b"1"), ("a", b"2")])])  # type: ignore[list-item]  # what is read of one
    (record,) = feed.take(1).records
    assert (record.key, record.value, record.headers, record.timestamp) == (
        b"k",
        None,
        [("a", b"1"), ("a", b"2")],
        1_700_000_000_003,
    )
