"""The rules by which reading a shop resumes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.cursors import SEEN_MOST
from connectors.woocommerce.cursor import Cursor, Round, Row, Sweep, decode, members, of

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def row(id_: int, second: int, digest: int = 0) -> Row:
    """A row stamped so many seconds after midnight."""
    return Row(id_, T0 + timedelta(seconds=second), digest)


def test_a_sweep_emits_each_state_once_and_goes_no_further_than_what_is_settled() -> None:
    """Unsettled rows are met again and not repeated; an edit within the second is; settled ones are forgotten."""
    sweep = Sweep().after([row(1, 5), row(2, 9)], settled=T0 + timedelta(seconds=7))
    assert sweep.since == T0 + timedelta(seconds=7)
    assert sweep.fresh([row(2, 9), row(3, 8)]) == {3}
    assert sweep.fresh([row(2, 9, digest=1)]) == {2}
    done = sweep.finished(T0 + timedelta(seconds=60))
    assert (done.since, done.seen) == (T0 + timedelta(seconds=60), {})
    assert done.finished(T0).since == done.since


def test_the_memory_of_a_sweep_is_bounded() -> None:
    """Beyond its bound the oldest go: they are emitted again, none is lost."""
    rows = [row(id_, id_) for id_ in range(SEEN_MOST + 10)]
    sweep = Sweep().after(rows, settled=T0)
    assert len(sweep.seen) == SEEN_MOST
    assert sweep.fresh(rows) == set(range(10))


def test_a_round_misses_only_what_it_knew_before_it_began() -> None:
    """Ids emitted while it runs are not missing; a list that shrinks between two pages is read again."""
    round_ = Round().knowing([1, 2, 3]).paged([1], total=3, shop=T0).knowing([9])
    assert not round_.shifted
    round_ = round_.paged([3], total=2, shop=T0)
    assert round_.shifted
    assert list(members(round_.missing)) == [2]
    closed = round_.closed(gone=[2], due=T0 + timedelta(days=1))
    assert list(members(closed.known)) == [1, 3, 9]
    assert (closed.page, closed.since, closed.due) == (0, T0, T0 + timedelta(days=1))


@given(st.sets(st.integers(0, 5000)), st.sets(st.integers(1, 99)))
def test_a_cursor_survives_its_text(ids: set[int], seen: set[int]) -> None:
    """What is written is what is read."""
    sweep = Sweep(T0, {str(id_): (id_, id_) for id_ in seen})
    round_ = Round().knowing(sorted(ids)).paged(sorted(seen), total=7, shop=T0)
    cursor = Cursor({"order/any": sweep}, {"order": round_})
    assert decode(cursor.encode(), "") == cursor
    assert set(members(of(sorted(ids)))) == ids
