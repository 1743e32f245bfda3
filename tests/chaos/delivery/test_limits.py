"""The vendor's limits: never exceeded, whoever owns the work, and used to the full."""

import random

import pytest

from connectors.ports import Limits, Window
from tests.unit.delivery.kit.vendor import FakeVendor, most_within
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import World, fetch, put

QUICKBOOKS = Limits((Window(10, 1.0), Window(500, 60.0)), 10, 2.0)
SMALL = Limits((Window(20, 2.0), Window(60, 10.0)), 3, 2.0)


def busy(
    limits: Limits, customers: int, kill_at: tuple[int, ...] = (), latency: float = 0.3, requests_per_find: int = 1
) -> World:
    """Return a world with more to do than the limits allow."""
    world = World(FakeVendor(latency=latency, requests_per_find=requests_per_find), limits, kill_at=kill_at)
    world.send(*(put(f"party/{n}", lane=f"lane {n}") for n in range(customers)))
    world.send(*(fetch(str(n)) for n in range(10)))
    return world


@pytest.mark.parametrize(
    "limits", [QUICKBOOKS, Limits((Window(100, 20.0),), 25, 2.0)], ids=["QuickBooks", "one window"]
)
def test_the_quota_is_used(limits: Limits) -> None:
    """With work available at least 95 % of the quota is used, and never more than all of it."""
    window = limits.windows[-1]

    async def story() -> World:
        world = busy(limits, int(window.calls * 1.6), latency=0.2)
        await world.settle(window.seconds * 4)
        return world

    world = virtual(story())
    arrivals = world.vendor.arrivals
    measured = [at for at in arrivals if at < arrivals[0] + 2 * window.seconds]
    assert len(measured) >= 0.95 * 2 * window.calls
    for each in limits.windows:
        assert most_within(arrivals, each.seconds) <= each.calls
    assert world.vendor.most_in_flight <= limits.concurrency


def test_hand_overs_keep_the_limits(request: pytest.FixtureRequest) -> None:
    """Owners that die in the middle of the work never make their successors exceed a window or the concurrency."""
    rounds, seed = request.config.getoption("--chaos-rounds"), request.config.getoption("--chaos-seed")
    for number in range(5 * rounds):
        rng = random.Random(seed + number)  # noqa: S311  reproducible, not secret
        kill_at = tuple(rng.sample(range(20, 600), 6))

        async def story(kill_at: tuple[int, ...] = kill_at, latency: float = rng.uniform(0.05, 1.5)) -> World:
            world = busy(SMALL, 60, kill_at, latency, requests_per_find=3)
            await world.settle(300)
            return world

        world = virtual(story())
        assert world.settled
        assert len(world.vendor.of("Customer")) == 60
        for window in SMALL.windows:
            assert most_within(world.vendor.arrivals, window.seconds) <= window.calls, (kill_at, window)
        assert world.vendor.most_in_flight <= SMALL.concurrency, kill_at
        assert world.vendor.overlaps == []
