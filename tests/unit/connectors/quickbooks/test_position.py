"""The pure parts of the source: the month's reads, the ids told of, the cursor."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from connectors.quickbooks.budget import Budget, Spent
from connectors.quickbooks.cursor import Position, Window, decode, encode
from connectors.quickbooks.known import BLOCK, KnownIds

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BUDGET = Budget(1000, timedelta(minutes=5))


@pytest.mark.parametrize(
    ("reads", "month", "wait"),
    [
        (0, "2026-01", timedelta(minutes=5)),
        (900, "2026-01", timedelta(hours=12) / 100),
        (999, "2026-01", timedelta(hours=12)),
        (1000, "2025-12", timedelta(minutes=5)),
    ],
)
def test_what_is_left_is_spread_over_the_month(reads: int, month: str, wait: timedelta) -> None:
    """Plenty: the period; little: stretched to the month's end; another month's reads do not count."""
    assert BUDGET.next_sweep(NOON, Spent(month, reads), NOON) == NOON + wait


def test_nothing_left_is_the_next_month() -> None:
    """Spent is spent, until the month ends."""
    spent = Spent("2026-01", 999).plus(1, NOON)
    assert BUDGET.left(spent, NOON) == 0
    assert BUDGET.next_sweep(NOON - timedelta(days=9), spent, NOON) == datetime(2026, 2, 1, tzinfo=UTC)
    assert spent.plus(2, NOON + timedelta(days=1)) == Spent("2026-02", 2)


def test_ids_are_a_set() -> None:
    """Adding, removing and missing agree with Python's sets, over blocks and at their edges."""
    dice = random.Random(7)  # noqa: S311 - reproducible
    edges = {BLOCK - 1, BLOCK, 2 * BLOCK, 9 * BLOCK + 5}
    mine = edges | {dice.randrange(1, 4 * BLOCK) for _ in range(3000)}
    known = KnownIds().adding(map(str, mine)).adding(["TAX", "-1", ""])
    gone = set(dice.sample(sorted(mine), 500)) | {10 * BLOCK}
    known = known.removing(map(str, gone))
    mine -= gone
    listed = set(dice.sample(sorted(mine), 1000)) | {77 * BLOCK}
    assert list(known.missing_from(map(str, listed))) == [str(number) for number in sorted(mine - listed)]
    assert known.removing(map(str, mine)).blocks == {}


def test_many_ids_stay_small() -> None:
    """A hundred thousand of a counter that several entities share fit a cursor."""
    dice = random.Random(7)  # noqa: S311 - reproducible
    ids = (str(number) for number in dice.sample(range(1, 200_001), 100_000))
    assert sum(map(len, KnownIds().adding(ids).blocks.values())) < 40_000


def test_a_cursor_is_read_as_it_was_written() -> None:
    """All of a position survives."""
    position = Position(
        entities=("Customer", "Invoice"),
        since=NOON,
        swept_at=NOON + timedelta(seconds=1),
        seen={"Customer/1": 77},
        windows=(Window("Invoice", None, NOON), Window("Invoice", NOON, NOON + timedelta(days=1), 12)),
        listings=("Invoice",),
        known={"Customer": KnownIds().adding(["1", "70000"])},
        spent=Spent("2026-01", 4),
    )
    assert decode(encode(position), "") == position
    assert decode(encode(Position()), "") == decode(None, "") == Position()
