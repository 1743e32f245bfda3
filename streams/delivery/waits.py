"""How long to wait: instants, seconds and back-off."""

import random
from datetime import datetime, timedelta

FIRST_SECONDS = 1.0
MOST_SECONDS = 300.0


def after(now: datetime, seconds: float) -> datetime:
    """Return the instant `seconds` from `now`."""
    return now + timedelta(seconds=seconds)


def until(instant: datetime, now: datetime) -> float:
    """Return the seconds from `now` to `instant`, 0 if it has passed."""
    return max(0.0, (instant - now).total_seconds())


def backoff(tries: int, rng: random.Random) -> float:
    """Return seconds to wait after the `tries`-th failure: full jitter below 1 s · 2^tries, at most 5 minutes.

    Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    return rng.uniform(0, min(MOST_SECONDS, FIRST_SECONDS * 2 ** min(tries, 16)))
