"""Records that raise, that are too large for Kafka once worked on, that kill the process; and bad deploys."""

from subprocess import Popen

from confluent_kafka import Message

from tests.chaos.harness import Harness


def letters(relay: Harness) -> list[Message]:
    """Return the dead letters of this application."""
    return relay.read(
        "dlq.v1", lambda m: dict(m.headers() or [])["__connect.errors.connector.name"] == relay.name.encode()
    )


async def dead_or_done(relay: Harness, worker: Popen[bytes]) -> None:
    """Wait until the worker died or all is worked on."""
    await relay.until(lambda: worker.poll() is not None or relay.progress() >= relay.sent)


async def open_breaker(relay: Harness, worker: Popen[bytes]) -> None:
    """Wait until the worker told four times that too many records fail."""
    await relay.until(lambda: relay.log(worker).count("too many records fail") >= 4)


async def test_a_record_that_raises(relay: Harness) -> None:
    """It reaches the DLQ with its bytes, key and headers and the reason; its neighbours pass, its rows are dropped."""
    relay.send(400, lambda n: b"raise %d" % n if n == 200 else b"v%d" % n)
    relay.start()
    await relay.drained()
    relay.check_exact(missing=1)
    (letter,) = letters(relay)
    headers = dict(letter.headers() or [])
    assert (letter.key(), letter.value()) == (b"k0-0", b"raise 200")
    assert headers["n"] == b"200"
    assert headers["__connect.errors.topic"] == relay.topic("in").encode()
    assert (headers["__connect.errors.partition"], headers["__connect.errors.offset"]) == (b"0", b"50")
    assert headers["x-error-class"] == b"ValueError"
    assert headers["__connect.errors.exception.message"] == b"this record is broken"
    assert relay.seen().counts["k0-0"] == relay.keys["k0-0"] - 1


async def test_an_output_too_large_for_kafka(relay: Harness) -> None:
    """A record whose output would be refused by the broker is dead-lettered before it can fail a commit."""
    relay.send(100, lambda n: b"big %d" % n if n == 10 else b"v%d" % n)
    relay.start()
    await relay.drained()
    relay.check_exact(missing=1)
    (letter,) = letters(relay)
    assert dict(letter.headers() or [])["x-error-class"] == b"TooLargeError"


async def test_a_record_that_kills_the_process(relay: Harness) -> None:
    """After five tries, and one before them if it came later in a term, it is a dead letter; all else passed once."""
    killer = relay.dice.randrange(4000)
    relay.send(4000, lambda n: b"crash %d" % n if n == killer else b"v%d" % n)
    deaths = 0
    for _ in range(8):
        worker = relay.start()
        await dead_or_done(relay, worker)
        if worker.poll() is None:
            break
        relay.workers.remove(worker)
        deaths += 1
    assert deaths in {5, 6}
    relay.check_exact(missing=1)
    (letter,) = letters(relay)
    headers = dict(letter.headers() or [])
    assert (letter.value(), headers["x-error-class"], headers["x-attempt"]) == (
        b"crash %d" % killer,
        b"WorkerCrashedError",
        b"5",
    )


async def test_a_bad_deploy_does_not_empty_the_topic(relay: Harness) -> None:
    """When every record fails the breaker opens, over restarts too; once mended all others pass."""
    relay.env["BREAKER"] = "20"
    relay.send(2000, lambda n: b"raise %d" % n)
    for _ in range(2):
        worker = relay.start()
        await open_breaker(relay, worker)
        await relay.stop(worker)
    assert len(letters(relay)) <= 20 * 4
    (relay.folder / "mended").touch()
    relay.start()
    await relay.drained()
    relay.check_exact(missing=len(letters(relay)))
