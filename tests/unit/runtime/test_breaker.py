"""When a shard stops because too many records fail."""

from streams.runtime.breaker import Breaker, BreakerRule


def run(breaker: Breaker, outcomes: str) -> list[bool]:
    """Record outcomes, `x` for a failure; return what each was answered."""
    return [breaker.record(failed=outcome == "x") for outcome in outcomes]


def test_so_many_in_a_row_open_it() -> None:
    """The n-th failure in a row trips, one success between starts the run anew."""
    assert run(Breaker(BreakerRule(3, 1.0, 10)), "xx.xxx") == [False] * 5 + [True]


def test_the_share_counts_once_the_window_is_full() -> None:
    """Half of ten is not more than half; six are, and only a failure trips."""
    assert not any(run(Breaker(BreakerRule(9, 0.5, 10)), "x.x.x.x.x."))
    assert run(Breaker(BreakerRule(9, 0.5, 10)), "x.x.x.x.xx")[-1]
    assert not any(run(Breaker(BreakerRule(9, 0.5, 10)), "xx.xx.xx."))


def test_counts_survive_a_restart() -> None:
    """What one owner dumps trips the next at its first failure."""
    before, after = Breaker(BreakerRule(3, 1.0, 10)), Breaker(BreakerRule(3, 1.0, 10))
    run(before, ".xx")
    after.load(before.dump())
    assert after.record(failed=True)


def test_a_row_is_kept_only_while_something_failed() -> None:
    """No failure, no row; and a row that is gone means no counts."""
    breaker = Breaker(BreakerRule(3, 1.0, 2))
    run(breaker, "..")
    assert breaker.dump() is None
    run(breaker, "x..")
    assert breaker.dump() is None
    run(breaker, "xx")
    breaker.load(None)
    assert run(breaker, "xx") == [False, False]


def test_excused_failures_do_not_count_until_one_passes() -> None:
    """After a probe has passed the failures in front of it go; behind it counting starts at nothing."""
    breaker = Breaker(BreakerRule(3, 1.0, 10))
    assert run(breaker, "xxx")[-1]
    breaker.excuse()
    assert not any(run(breaker, "xxxxxxxx.xx"))
    assert breaker.record(failed=True)
