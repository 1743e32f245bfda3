"""Windows and leases, for any run of calls and hand-overs."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connectors.ports import Window
from streams.delivery.quota import LEASE_SECONDS, Quota
from streams.delivery.rows import LedgerRow
from tests.unit.delivery.kit.vendor import most_within

windows = st.lists(
    st.builds(Window, st.integers(1, 60), st.sampled_from([0.5, 1.0, 10.0, 60.0])),
    min_size=1,
    max_size=3,
    unique_by=lambda window: window.seconds,
)
steps = st.lists(
    st.tuples(st.floats(0.0, 5.0), st.sampled_from(["use", "use late", "return", "use", "hand over"])), max_size=120
)


@given(windows, steps)
def test_windows_hold_over_hand_overs(limits: list[Window], run: list[tuple[float, str]]) -> None:
    """No window ever has more calls than allowed, though owners change and only committed leases are known."""
    now, quota, calls = 1_000_000.0, Quota(limits, None), []
    committed: LedgerRow | None = None
    for pause, what in run:
        now += pause
        if what == "hand over":
            quota = Quota(limits, committed)
            continue
        now += quota.wait(now)
        while wait := quota.wait(now):
            now += wait
        if quota.take(now):
            committed = quota.row()
        if what == "return":
            quota.give_back(now)
            continue
        now = quota.lease_end if what == "use late" else now
        quota.use(now)
        calls.append(now)
    for window in limits:
        assert most_within(calls, window.seconds) <= window.calls


@given(st.integers(1, 2000), st.floats(1.0, 100.0))
def test_a_lease_is_small(calls: int, seconds: float) -> None:
    """A lease has at most 2 % of the window (one permit at least) and lasts a second."""
    quota = Quota([Window(calls, seconds)], None)
    assert quota.take(1000.0)
    assert quota.row().leased <= max(1, calls * 0.02)
    assert quota.row().lease_end is not None
    assert quota.lease_end == 1000.0 + LEASE_SECONDS


def test_a_window_of_unknown_length_inherits() -> None:
    """Under other limits the calls of the longest known window still count."""
    old = Quota([Window(100, 60.0)], None)
    for _ in range(10):
        old.take(1000.0)
        old.use(1000.0)
    new = Quota([Window(11, 30.0)], old.row())
    new.take(1001.0)
    assert new.wait(1001.0) > 0


def test_a_returned_permit_is_used_again() -> None:
    """A permit that was given back serves the next caller; after the lease it is free again."""
    quota = Quota([Window(1, 10.0)], None)
    quota.take(1000.0)
    quota.give_back(1000.1)
    assert quota.wait(1000.2) == 0
    assert quota.wait(1002.0) == 0
    assert datetime.fromtimestamp(quota.lease_end, UTC).year == 1970
