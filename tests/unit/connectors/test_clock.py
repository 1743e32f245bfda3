import asyncio
from datetime import UTC

from connectors.clock import ManualClock, SystemClock


async def test_sleepers_wake_in_the_order_of_their_hours(clock: ManualClock) -> None:
    """A moved clock wakes those who are due, earliest first, and nobody else."""
    woken: list[int] = []

    async def sleep(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleep(seconds)) for seconds in (30, 10, 20, 60)]
    await asyncio.sleep(0)
    assert clock.sleepers == 4
    clock.advance(30)
    await asyncio.gather(*(task for task, seconds in zip(tasks, (30, 10, 20, 60), strict=True) if seconds <= 30))
    assert woken == [10, 20, 30]
    assert clock.sleepers == 1
    clock.advance(30)
    await tasks[3]


async def test_a_sleep_of_nothing_returns(clock: ManualClock) -> None:
    """Zero seconds pass without moving the clock."""
    await clock.sleep(0)
    assert clock.sleepers == 0


def test_the_system_clock_tells_utc() -> None:
    """Instants are aware and in UTC."""
    assert SystemClock().now().tzinfo is UTC
