import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.receiving import receiving


class Receiver:
    """An HTTP endpoint that notes what it got and answers as told."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.statuses: list[int] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request per connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(fields["content-length"]))
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        self.got.put_nowait((body.decode(), fields.get("x-secret", "")))

    async def bodies(self, number: int) -> list[str]:
        """The next bodies to arrive."""
        return [(await self.got.get())[0] for _ in range(number)]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    async with receiving(receiver.serve) as url:
        receiver.url = f"{url}/hook"
        yield receiver


async def subscribe(client: httpx.AsyncClient, url: str) -> None:
    """Have account a's webhooks sent."""
    answer = await client.post("/__sandbox/webhooks", json={"account": "a", "url": url, "secret": "s3"})
    assert answer.json()["url"] == url


async def test_webhook_follows_the_commit_signed(toy_client: httpx.AsyncClient, receiver: Receiver) -> None:
    """A committed write is announced with the vendor's signature; a refused one is not."""
    await subscribe(toy_client, receiver.url)
    await toy_client.post("/a/notes", json={"refuse": 1})
    await toy_client.post("/a/notes", json={})
    assert await receiver.got.get() == ("1", "s3")
    assert receiver.got.empty()


async def test_failed_webhook_is_retried_before_later_ones(toy_client: httpx.AsyncClient, receiver: Receiver) -> None:
    """Until the first is acknowledged the second waits."""
    receiver.statuses = [500, 404]
    await subscribe(toy_client, receiver.url)
    await toy_client.post("/a/notes", json={})
    await toy_client.post("/a/notes", json={})
    assert await receiver.bodies(4) == ["1", "1", "1", "2"]


async def test_new_address_ends_a_long_wait(toy_client: httpx.AsyncClient, receiver: Receiver, clock: Any) -> None:
    """A webhook that waits for its next attempt goes to a newly given address at once."""
    waiting = asyncio.Event()

    async def wait(_seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    clock.sleep = wait
    await subscribe(toy_client, "http://127.0.0.1:1/nobody")
    await toy_client.post("/a/notes", json={})
    await waiting.wait()
    await subscribe(toy_client, receiver.url)
    assert await receiver.bodies(1) == ["1"]


async def test_queue_outlives_the_process(start: Callable[..., Any], receiver: Receiver) -> None:
    """What was not acknowledged before a stop is sent after the next start."""
    served = await start()
    async with httpx.AsyncClient(base_url=served.url("toy")) as client:
        receiver.statuses = [500] * 1000
        await subscribe(client, receiver.url)
        await client.post("/a/notes", json={})
        await receiver.got.get()
    await served.aclose()
    receiver.statuses = []
    while not receiver.got.empty():
        receiver.got.get_nowait()
    await start()
    assert await receiver.bodies(1) == ["1"]


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [("duplicate_webhook", ["1", "1", "2"]), ("lost_webhook", ["2"]), ("late_webhook", ["2", "1"])],
)
async def test_webhook_faults(
    toy_client: httpx.AsyncClient, receiver: Receiver, clock: Any, fault: str, arrives: list[str]
) -> None:
    """The first webhook is doubled, lost, or overtaken by the second."""
    late = asyncio.Event()

    async def wait(seconds: float) -> None:
        await (late.wait() if seconds > 1 else asyncio.sleep(0))

    clock.sleep = wait
    await subscribe(toy_client, receiver.url)
    extra = {"seconds": 60} if fault == "late_webhook" else {}
    await toy_client.post("/__sandbox/faults", json={"kind": fault, "count": 1, **extra})
    await toy_client.post("/a/notes", json={})
    await toy_client.post("/a/notes", json={})
    if fault == "late_webhook":
        assert await receiver.bodies(1) == ["2"]
        late.set()
        assert await receiver.bodies(1) == ["1"]
    else:
        assert await receiver.bodies(len(arrives)) == arrives
    assert receiver.got.empty()
