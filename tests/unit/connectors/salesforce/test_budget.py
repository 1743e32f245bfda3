"""How many calls a busy stream may make."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.salesforce.budget import BURST, SHARE, Budget

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("daily", [15_000, 100_000])
def test_a_day_of_events_takes_its_share_of_the_calls(daily: int) -> None:
    """First a burst at once, then evenly spread calls, and half of the day's in all."""
    budget, now, made = Budget(daily, START), START, 0
    while now < START + timedelta(days=1):
        wait = budget.wait(now)
        if made < BURST:
            assert wait == 0
        now += timedelta(seconds=wait)
        budget.spend(1, now)
        made += 1
    assert made == pytest.approx(daily * SHARE + BURST, rel=0.01)


def test_silence_fills_it_again() -> None:
    """After a while without events the next ones are read at once."""
    budget = Budget(15_000, START)
    budget.spend(BURST, START)
    assert budget.wait(START) == pytest.approx(11.52)
    assert budget.wait(START + timedelta(seconds=12)) == 0
    assert budget.wait(START - timedelta(seconds=60)) == 0  # a clock that was set back changes nothing
