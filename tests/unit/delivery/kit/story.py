"""One story in one world: commands, a vendor that fails as told, time that passes."""

import asyncio
from collections.abc import Callable

from connectors.kafka.records import Command
from connectors.ports import Call
from tests.unit.delivery.kit.vendor import FakeVendor
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import LIMITS, World


def play(*commands: Command, vendor: FakeVendor | None = None, seconds: float = 600.0, max_batch: int = 1) -> World:
    """Return the world after the commands were settled, or the time was up."""

    async def story() -> World:
        world = World(vendor, LIMITS, max_batch=max_batch)
        world.send(*commands)
        await world.settle(seconds)
        return world

    return virtual(story())


def failing(**by_number: str) -> Callable[[int, Call], str]:
    """Return a script: write `n0`, `n1` … fail so."""
    return lambda number, _: by_number.get(f"n{number}", "ok")


async def passing(seconds: float) -> None:
    """Let time pass."""
    await asyncio.sleep(seconds)
