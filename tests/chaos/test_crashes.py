"""What a read_committed reader sees while workers die, freeze, leave and join."""

import signal

import pytest

from tests.chaos.harness import Harness

RECORDS = 20_000
STEP = 3_000
STOP_SECONDS = 2.0


async def past(relay: Harness, count: int) -> None:
    """Wait until more than `count` records are worked on."""
    await relay.until(lambda: relay.progress() > count)


async def test_kill_9_loses_and_doubles_nothing(relay: Harness) -> None:
    """Two workers, one of them killed again and again: each record once, keyed counts exact."""
    relay.send(RECORDS)
    relay.start()
    relay.start()
    for kill in range(2):
        await past(relay, (kill + 1) * STEP)
        relay.kill(relay.dice.choice(relay.workers))
        relay.start()
    await relay.drained()
    relay.check_exact()


async def test_a_frozen_worker_comes_back_as_a_zombie(relay: Harness) -> None:
    """A worker stopped beyond the session timeout is fenced: what it does on waking changes nothing."""
    relay.send(RECORDS)
    relay.start()
    relay.start()
    await relay.until(lambda: relay.progress() > STEP)
    frozen = relay.dice.choice(relay.workers)
    frozen.send_signal(signal.SIGSTOP)
    await relay.drained()
    relay.send(RECORDS // 4)
    frozen.send_signal(signal.SIGCONT)
    relay.send(RECORDS // 4)
    await relay.drained()
    relay.check_exact()


async def test_leaving_and_joining_under_load(relay: Harness) -> None:
    """Workers leave by SIGTERM within two seconds, with code 0, and join while records flow: each record once."""
    relay.start()
    for _ in range(3):
        await relay.running(relay.start())
        relay.send(RECORDS // 4, lambda n: b"slow" if n % 100 == 0 else b"v%d" % n)
        leaver = relay.dice.choice(relay.workers)
        assert await relay.stop(leaver) < STOP_SECONDS
        assert relay.progress() < relay.sent
    relay.start()
    await relay.drained()
    relay.check_exact()


async def test_a_fenced_commit_ends_the_process(relay: Harness) -> None:
    """A commit that fails ends the process with an error; its successor does the work again, once."""
    from confluent_kafka import Producer  # noqa: PLC0415  only this test plays the other owner

    relay.send(1000)
    worker = relay.start()
    await relay.drained()
    for partition in range(4):
        thief = Producer({"bootstrap.servers": relay.servers, "transactional.id": f"{relay.name}-{partition}"})
        thief.init_transactions(20)
    relay.send(1000)
    await relay.until(lambda: worker.poll() is not None, 20)
    assert worker.returncode == 70
    relay.workers.remove(worker)
    relay.start()
    await relay.drained()
    relay.check_exact()


@pytest.mark.timeout(900)
async def test_an_idle_worker_stays_up(relay: Harness, request: pytest.FixtureRequest) -> None:
    """A worker with nothing to do is no stalled worker: ten minutes once in the long run, else a few stall times."""
    first_round = request.node.callspec.indices["dice"] == 0
    long_run = first_round and request.config.getoption("--chaos-rounds") > 1
    relay.env["STALL"] = "60" if long_run else "2"
    relay.send(10)
    worker = relay.start()
    await relay.drained()
    with pytest.raises(AssertionError):
        await relay.until(lambda: worker.poll() is not None, 600 if long_run else 6)
    relay.send(10)
    await relay.drained()
    relay.check_exact()
