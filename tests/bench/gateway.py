"""Signed webhooks accepted and acknowledged by Kafka, beside a bare handler of the same server, in pairs."""

import asyncio
import hmac
import json
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from connectors.kafka.topics import INBOX
from tests.bench.arena import ROOT, Arena
from tests.bench.gateway_server import REALM, SECRET

CONNECTIONS = 32
"""Requests under way at once."""
WARM = 200


@dataclass(frozen=True, slots=True)
class Round:
    """What one server did: requests a second, processor µs a request, seconds of each answer."""

    rate: float
    cpu: float
    seconds: Sequence[float]


Pairs = Sequence[tuple[Round, Round]]


def measure(here: Arena, requests: int, runs: int) -> Pairs:
    """Return the pairs: bare handler, gateway."""
    here.topics(INBOX.name)
    return [(_round(here, "bare", requests, n), _round(here, "gateway", requests, n)) for n in range(runs)]


def _round(here: Arena, kind: str, requests: int, number: int) -> Round:
    folder = here.folder / f"{kind}{number}"
    folder.mkdir()
    with _server(kind, here.servers, str(folder)) as (process, port):
        asyncio.run(_send(port, [_request(port, number, -1 - i) for i in range(WARM)]))
        bodies = [_request(port, number, i) for i in range(requests)]
        _say(process)
        begun = time.perf_counter()
        seconds = asyncio.run(_send(port, bodies))
        took = time.perf_counter() - begun
        _say(process)
        cpu = _hear(process)["cpu"]
    return Round(requests / took, cpu / requests * 1e6, sorted(seconds))


@contextmanager
def _server(kind: str, servers: str, folder: str) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    command = [sys.executable, "-m", "tests.bench.gateway_server", kind, servers, folder]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process, int(_hear(process)["port"])
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def _say(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


def _hear(process: "subprocess.Popen[bytes]") -> dict[str, float]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("the server ended")
    found: dict[str, float] = json.loads(line)
    return found


def _request(port: int, number: int, index: int) -> bytes:
    """Return a whole request, as Intuit sends it, about an invoice of its own."""
    event = {
        "specversion": "1.0",
        "id": f"{number}-{index}",
        "source": "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=",
        "type": "qbo.invoice.updated.v1",
        "time": "2026-01-01T00:00:00.179851517Z",
        "intuitentityid": f"{number}{index + WARM}",
        "intuitaccountid": REALM,
    }
    body = json.dumps([event]).encode()
    signature = b64encode(hmac.digest(SECRET.encode(), body, sha256)).decode()
    head = (
        f"POST /webhooks/quickbooks HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"intuit-signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _send(port: int, requests: Sequence[bytes]) -> list[float]:
    """Send all over a few connections that stay open; return the seconds of each answer."""
    waiting, seconds = iter(requests), list[float]()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 200") or b'"accepted":1' not in body:
                raise RuntimeError(f"not accepted: {head!r} {body!r}")
            seconds.append(time.perf_counter() - begun)
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(connection())
    return seconds
