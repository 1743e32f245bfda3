from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.cursors import SEEN_MOST
from connectors.salesforce.cursor import Job, Position, Row, State, decode, encode

START = datetime(2026, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(seconds=30)
PAGE = 3


def at(second: int) -> datetime:
    """Tell an instant of the test."""
    return START + timedelta(seconds=second)


@dataclass(frozen=True)
class Change:
    """One committed state of a record: stamped at `stamp`, to be seen from `shown` on."""

    id: str
    stamp: int
    shown: int
    digest: int


class Org:
    """What a query sees at an instant: of each record the newest state committed by then."""

    def __init__(self, changes: list[Change]) -> None:
        self.changes = changes

    def query(self, now: int, since: datetime | None) -> list[Row]:
        """Answer one window that ends with the second under way."""
        newest: dict[str, Change] = {}
        for change in sorted(self.changes, key=lambda change: change.shown):
            if change.shown <= now:
                newest[change.id] = change
        rows = [Row(change.id, at(change.stamp), change.digest) for change in newest.values()]
        within = [row for row in rows if (since is None or row.stamp >= since) and row.stamp < at(now + 1)]
        return sorted(within, key=lambda row: (row.stamp, row.id))


def poll(org: Org, now: int, cursor: str | None, pages: int | None = None) -> tuple[list[Row], str]:
    """Read one window as the source does, through the text of the cursor; stop after so many pages as by a crash."""
    position = decode(cursor, "").positions.get("X", Position())
    rows = org.query(now, position.since)
    settled = at(now) - OVERLAP
    emitted: list[Row] = []
    starts = list(range(0, len(rows), PAGE)) or [0]
    for start in starts[:pages]:
        page = rows[start : start + PAGE]
        emitted += position.fresh(page)
        position = position.after(page, settled)
        if start == starts[-1]:
            position = position.finished(settled)
    return emitted, encode(State({"X": position}))


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """Changes of a few records: each commits within the overlap, records never go back."""
    changes, digest = [], 0
    for name in draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True)):
        shown = 0
        for _ in range(draw(st.integers(1, 5))):
            digest += 1
            stamp = draw(st.integers(shown, shown + 60))
            shown = stamp + draw(st.integers(0, int(OVERLAP.total_seconds())))
            changes.append(Change(name, stamp, shown, digest))
    return changes


@settings(max_examples=200)
@given(
    changes=histories(),
    waits=st.lists(st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(1, 3))), min_size=1, max_size=60),
)
def test_late_commits_are_met_and_nothing_comes_twice(
    changes: list[Change], waits: list[tuple[int, int | None]]
) -> None:
    """Whenever one polls and wherever one stops, every last state arrives, and each state at most once."""
    org, now, cursor = Org(changes), 0, None
    emitted: list[Row] = []
    for wait, pages in waits:
        now += wait
        rows, cursor = poll(org, now, cursor, pages)
        emitted += rows
    now = max(now, *(change.shown for change in changes))
    rows, cursor = poll(org, now, cursor)
    emitted += rows
    last: dict[str, int] = {}
    for change in sorted(changes, key=lambda change: change.shown):
        last[change.id] = change.digest
    assert set(last.values()) <= {row.digest for row in emitted}
    assert len(emitted) == len({row.digest for row in emitted})


def test_an_idle_object_forgets_what_it_saw() -> None:
    """Past the overlap nothing is remembered and nothing repeats."""
    org = Org([Change("a", 0, 0, 1)])
    rows, cursor = poll(org, 1, None)
    assert len(rows) == 1
    rows, cursor = poll(org, 100, cursor)
    assert rows == []
    assert decode(cursor, "").positions["X"] == Position(at(70), {})


def test_two_edits_within_a_second_are_two() -> None:
    """The same stamp with another content is emitted again."""
    org = Org([Change("a", 5, 5, 1), Change("a", 5, 6, 2)])
    first, cursor = poll(org, 5, None)
    second, _ = poll(org, 6, cursor)
    assert [row.digest for row in first + second] == [1, 2]


def test_the_memory_is_bounded_and_keeps_the_newest() -> None:
    """Beyond the bound the oldest are forgotten: they may repeat, none is skipped."""
    rows = [Row(str(number), at(number // 1000), number) for number in range(SEEN_MOST + 1000)]
    position = Position().after(rows, settled=at(-100))
    assert len(position.seen) == SEEN_MOST
    assert position.since == at(-100)
    assert [row.digest for row in position.fresh(rows)] == list(range(1000))


def test_a_cursor_never_goes_back() -> None:
    """A clock that was set back does not reopen old windows."""
    position = Position(at(100)).finished(at(50))
    assert position.since == at(100)


def test_a_cursor_survives_its_text() -> None:
    """What is written reads back."""
    positions = {"Account": Position(), "Lead": Position(at(7), {"00Q": (1, 2)})}
    jobs = {"Account": Job(at(3)), "Lead": Job(at(3), "750", "MTAw")}
    for state in (State(positions), State(positions, b"\x00\xff", {"Lead"}, jobs), State(replay=b"")):
        assert decode(encode(state), "") == state
    assert decode(None, "") == State()
