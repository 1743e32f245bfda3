from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.cursors import SEEN_MOST
from connectors.shopify.cursor import Bulk, Pass, Row, decode, encode

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
OVERLAP = timedelta(seconds=5)


def at(seconds: float) -> datetime:
    """An instant so many seconds after the start."""
    return START + timedelta(seconds=seconds)


@dataclass
class Shop:
    """Objects by id: when they changed last, what they are, and when search begins to show that."""

    rows: dict[str, tuple[datetime, int, datetime]] = field(default_factory=dict)

    def search(self, position: Pass, now: datetime) -> list[Row]:
        """Answer as search does: in order of the stamp, within the window, without what it does not know yet."""
        assert position.until is not None
        found = [
            Row(id_, stamp, digest)
            for id_, (stamp, digest, shown) in self.rows.items()
            if shown <= now and (position.since is None or stamp >= position.since) and stamp < position.until
        ]
        return sorted(found, key=lambda row: (row.stamp, row.id))


def read(shop: Shop, position: Pass, now: datetime, page: int = 3) -> tuple[Pass, list[Row]]:
    """Read one pass in pages; return where it stands and what was emitted."""
    position, emitted, place = position.begin(now), list[Row](), 0
    while position.until is not None:
        found = shop.search(position, now)
        rows = found[place : place + page]
        place += page
        fresh = position.fresh(rows)
        emitted += [row for row in rows if row.id in fresh]
        position = decode(
            encode({"Order": position.follow(rows, str(place) if place < len(found) else None, OVERLAP)}), ""
        )["Order"]
    return position, emitted


edits = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 40), st.floats(0, 4.9)),
    max_size=40,
)


@example(edits=[(0, 0, 2.0)], polls=[1])
@given(edits=edits, polls=st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_nothing_is_missed_while_search_lags_less_than_the_overlap(
    edits: Sequence[tuple[int, int, float]], polls: Sequence[int]
) -> None:
    """Whatever changes between polls, in the end the last content of every object was emitted."""
    shop, position, known = Shop(), Pass(), dict[str, int]()
    ordered = sorted(edits, key=lambda edit: edit[1])
    for poll in [*sorted(polls), 100]:
        for number, (who, second, lag) in enumerate(ordered):
            if second <= poll and shop.rows.get(str(who), (at(-1), -1, at(0)))[1] < number:
                shop.rows[str(who)] = (at(second), number, at(second + lag))
        position, emitted = read(shop, position, at(poll))
        known.update({row.id: row.digest for row in emitted})
    assert known == {id_: digest for id_, (_, digest, _) in shop.rows.items()}


def test_what_was_emitted_is_not_emitted_again() -> None:
    """Within the overlap an unchanged object is met again and passed over; one edited within its second is not."""
    shop = Shop({"1": (at(10), 1, at(10))})
    position, emitted = read(shop, Pass(), at(10))
    assert [row.id for row in emitted] == ["1"]
    position, emitted = read(shop, position, at(11))
    assert emitted == []
    shop.rows["1"] = (at(10), 2, at(11))
    position, emitted = read(shop, position, at(12))
    assert [row.digest for row in emitted] == [2]
    position, emitted = read(shop, position, at(60))
    assert (emitted, position.seen) == ([], {})


def test_a_pass_goes_on_where_it_was_left() -> None:
    """Window and page survive a restart; a page that Shopify does not take any more restarts the same window."""
    begun = Pass(at(0)).begin(at(20)).follow([Row("1", at(1), 7)], "next", OVERLAP)
    resumed = decode(encode({"Order": begun}), "")["Order"]
    assert resumed == begun
    assert (resumed.begin(at(99)).until, resumed.after) == (at(21), "next")
    assert resumed.restarted().after == ""
    assert resumed.restarted().until == at(21)
    ended = resumed.follow([], None, OVERLAP)
    assert (ended.since, ended.until, ended.after) == (at(15), None, "")


def test_a_bulk_operation_is_remembered() -> None:
    """Its id, begin and how far its result was read."""
    position = Pass(bulk=Bulk("gid://shopify/BulkOperation/1", at(0.25), 4711))
    assert decode(encode({"Order": position}), "") == {"Order": position}


def test_the_memory_is_bounded() -> None:
    """Beyond it objects repeat, none is lost: the latest are kept."""
    rows = [Row(str(number), at(number // 100), 0) for number in range(SEEN_MOST + 500)]
    position = Pass(at(0)).begin(at(100)).follow(rows, None, timedelta(seconds=1000))
    assert len(position.seen) == SEEN_MOST
    assert "0" not in position.seen
