"""What is remembered of deliveries."""

from pathlib import Path

from connectors.clock import ManualClock
from streams.gateway.seen import MARK_BYTES, Seen, mark

DAY = 86400.0


def test_a_mark_tells_where_its_parts_end() -> None:
    """The same letters in other parts are another delivery."""
    assert len({mark("ab", "c"), mark("a", "bc"), mark("abc"), mark(b"abc", "")}) == 4


def test_it_outlives_a_restart_and_a_torn_write(tmp_path: Path) -> None:
    """What was appended is read again; half a mark at the end is passed over."""
    clock = ManualClock()
    Seen(tmp_path, clock).remember([mark("1"), mark("2")])
    [file] = tmp_path.iterdir()
    assert file.stat().st_size == 2 * MARK_BYTES
    file.write_bytes(file.read_bytes() + mark("3")[:5])
    again = Seen(tmp_path, clock)
    again.load()
    assert [again.knows([mark(text)]) for text in "123"] == [True, True, False]


def test_a_week_is_enough(tmp_path: Path) -> None:
    """After seven days a mark and its file are gone."""
    clock = ManualClock()
    seen = Seen(tmp_path, clock)
    seen.remember([mark("old")])
    clock.advance(7 * DAY)
    seen.remember([mark("new")])
    assert seen.knows([mark("old")])
    clock.advance(DAY)
    seen.remember([mark("newer")])
    assert not seen.knows([mark("old")])
    assert len(list(tmp_path.iterdir())) == 2


def test_memory_is_bounded(tmp_path: Path) -> None:
    """More than the limit: the oldest day goes, if need be today."""
    clock = ManualClock()
    seen = Seen(tmp_path, clock, limit=3)
    seen.remember([mark("1"), mark("2")])
    clock.advance(DAY)
    seen.remember([mark("3"), mark("4")])
    assert [seen.knows([mark(text)]) for text in "1234"] == [False, False, True, True]
    seen.remember([mark("5"), mark("6")])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_costs_the_memory_of_a_restart_only(tmp_path: Path) -> None:
    """Deliveries are remembered although they cannot be written down."""
    seen = Seen(tmp_path / "gone", ManualClock())
    seen.remember([mark("1")])
    assert seen.knows([mark("1")])
