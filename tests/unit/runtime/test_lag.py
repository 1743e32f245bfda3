"""Lag in seconds from ends and committed offsets alone."""

from streams.agents.lag import MARKERS, History


def test_caught_up_is_no_lag() -> None:
    """The markers behind the last record, which nobody commits, are none."""
    history = History()
    assert history.note(0.0, 10, 10) == 0.0
    assert history.note(5.0, 12, 12 - MARKERS) == 0.0


def test_lag_is_the_age_of_the_first_end_not_reached() -> None:
    """Not of the last: a steady stream does not look younger than it is."""
    history = History()
    for second in range(10):
        lag = history.note(float(second), 100 * (second + 1), 0)
    assert lag == 9.0
    assert history.note(10.0, 1100, 300) == 7.0
    assert history.note(11.0, 1100, 1100) == 0.0


def test_standing_still_grows() -> None:
    """One record that is not taken is seconds of lag, however few records it is."""
    history = History()
    history.note(0.0, 5, 2)
    assert history.note(60.0, 5, 2) == 60.0
