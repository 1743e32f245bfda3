"""Owners die at every place where it could matter: around each commit and each call to the vendor."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from connectors.ports import Limits, Window
from tests.unit.delivery.kit.vendor import FakeVendor, Script, most_within
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import World, fetch, put

LIMITS = Limits((Window(40, 10.0),), 3, 2.0)
INVOICE = {"CustomerRef": {"value": {"$ref": "party/1"}}, "note": "order"}
MOST_POINTS = 200


def faults(**by_call: str) -> Script:
    """Return a script: the n-th write (`n0=`, `n1=`) fails so, all others pass."""
    return lambda number, _: by_call.get(f"n{number}", "ok")


def one_by_one(answers: Sequence[str]) -> Script:
    """One answer for each call; after the last all goes well."""
    return lambda call, _: answers[call] if call < len(answers) else "ok"


SCRIPTS: dict[str, Script] = {
    "commits": faults(),
    "commits, then resets": faults(n0="commit_then_reset", n1="commit_then_reset"),
    "resets, then commits": faults(n0="commit_late", n2="commit_late"),
    "resets before it commits": faults(n0="reset", n1="reset", n3="reset"),
    "throttles": faults(n0="throttle", n1="throttle", n3="throttle"),
    "is not reached": faults(n0="not_sent", n2="not_sent"),
    "says stale": faults(n0="stale", n2="stale"),
    "raises": faults(n0="surprise", n2="surprise"),
}


def world_of(script: Script, *, remembers: bool, kill_at: tuple[int, ...]) -> World:
    """Return a world in which a customer, its invoice, a change of each and a fetch are asked for."""
    vendor = FakeVendor(script, remembers=remembers, read_lag=0.5)
    world = World(vendor, LIMITS, kill_at=kill_at)
    world.send(
        put("party/1"),
        put("order/1", body=INVOICE),
        fetch("77"),
        put("party/1", 2),
        put("order/1", 2, body=INVOICE | {"note": "changed"}),
    )
    return world


def check(world: World) -> None:
    """Check what must be true whatever happened."""
    vendor = world.vendor
    assert world.settled, "a command neither ended nor waits"
    assert Counter(each.object for each in vendor.objects.values()) == {"Customer": 1, "Invoice": 1}
    (customer,), (invoice,) = vendor.of("Customer"), vendor.of("Invoice")
    assert customer.body["note"] == "party/1 v2"
    assert invoice.body == {"CustomerRef": {"value": customer.id}, "note": "changed"}
    assert not world.dead_letters
    assert [(r.remote_id, r.object) for r in world.records] == [("77", "Payment")]
    last = {result.object_key: (result.version, result.remote_id) for result in world.results}
    assert last == {"party/1": (2, customer.id), "order/1": (2, invoice.id)}
    assert vendor.overlaps == [], "two calls at once for one object"
    assert most_within(vendor.arrivals, 10.0) <= 40
    assert vendor.most_in_flight <= 3
    assert world.rows("attempt") == []


@pytest.mark.parametrize("remembers", [True, False], ids=["remembers ids", "forgets ids"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_one_death_anywhere(script: str, *, remembers: bool, request: pytest.FixtureRequest) -> None:
    """Killed at any one place, and taken over, there is one customer and one invoice, and nothing is lost."""
    every = 4 if request.config.getoption("--chaos-rounds") == 1 else 1
    for kill_at in range(request.config.getoption("--chaos-seed") % every, MOST_POINTS, every):
        world = virtual(_run(SCRIPTS[script], (kill_at,), remembers=remembers))
        check(world)
        if world.points < kill_at:
            return
    pytest.fail("more places to die at than expected")


def test_many_deaths(request: pytest.FixtureRequest) -> None:
    """Owners that die one after the other, while the vendor fails now and then, leave one of each as well."""
    rounds, seed = request.config.getoption("--chaos-rounds"), request.config.getoption("--chaos-seed")
    kinds = ["ok", "ok", "commit_then_reset", "commit_late", "reset", "throttle", "not_sent", "stale"]
    for number in range(40 * rounds):
        rng = random.Random(seed * 1000 + number)  # noqa: S311  reproducible, not secret
        made = [rng.choice(kinds) for _ in range(12)]
        kill_at = tuple(rng.sample(range(1, 120), rng.randrange(1, 6)))
        world = virtual(_run(one_by_one(made), kill_at, remembers=rng.random() < 0.5))
        check(world)


async def _run(script: Script, kill_at: tuple[int, ...], *, remembers: bool) -> World:
    world = world_of(script, remembers=remembers, kill_at=kill_at)
    await world.settle()
    return world
