"""Webhooks into a real Kafka."""

import asyncio
import os
import signal
import sys
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import httpx

from connectors.kafka.embedded.ports import free_ports
from streams.settings import Settings

Inbox = Callable[[], list[Any]]
VENDOR_RECORD = "sluiceway.inbox.VendorRecord"


def hints(inbox: Inbox) -> list[str]:
    """Return the ids of the hints in the inbox."""
    return [read.value["remote_id"] for read in inbox() if read.type == VENDOR_RECORD]


async def test_a_signed_webhook_is_in_kafka_when_it_is_acknowledged(
    client: httpx.AsyncClient, company: Any, inbox: Inbox, signed: Any
) -> None:
    """Record and headers are what was sent, in the tenant's partition."""
    body = company.events("7", "8")
    answer = await client.post("/webhooks/quickbooks", content=body, headers=signed(body))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "ignored": 0})
    seven, eight = (read for read in inbox() if read.type == VENDOR_RECORD)
    assert (seven.value["remote_id"], seven.value["object"], seven.value["hint"]) == ("7", "Invoice", True)
    assert eight.value["source_version"] == eight.headers["x-source-version"] == "2026-01-01T08:00:00.000000Z"
    assert (seven.headers["x-tenant"], seven.headers["x-origin"]) == (company.tenant, "webhook")
    assert seven.headers["ce_type"] == VENDOR_RECORD
    assert seven.headers["ce_id"] != eight.headers["ce_id"]
    assert seven.headers["traceparent"] == eight.headers["traceparent"]


async def test_forged_unsigned_and_malformed_webhooks_leave_no_trace(
    client: httpx.AsyncClient, company: Any, inbox: Inbox, signed: Any
) -> None:
    """401 without detail, 400 with the field; the inbox holds nothing of them."""
    body = company.events("7")
    path = f"/webhooks/quickbooks/{company.tenant}"
    forged = await client.post(path, content=body, headers=signed(body, "guess"))
    unsigned = await client.post(path, content=body)
    broken = body.replace(b'"realmId"', b'"realm"')
    malformed = await client.post(path, content=broken, headers=signed(broken))
    assert [answer.status_code for answer in (forged, unsigned, malformed)] == [401, 401, 400]
    assert forged.content == unsigned.content == b"{}"
    assert "eventNotifications[0].realmId is missing" in malformed.json()["error"]
    assert hints(inbox) == []


async def test_applying_again_changes_nothing(company: Any, inbox: Inbox, apply_file: Any) -> None:
    """The same file: no revision, no record. Another currency: revision 2, told in the inbox."""
    same = await apply_file("EUR")
    changed = await apply_file("USD")
    assert same == [f"{company.tenant}: unchanged, revision 1"]
    assert changed == [f"{company.tenant}: changed, revision 2"]
    told = [(read.value["revision"], read.value["currency"]) for read in inbox()]
    assert told == [(1, "EUR"), (2, "USD")]


async def start_process(settings: Settings) -> tuple[asyncio.subprocess.Process, httpx.AsyncClient]:
    """Start `sluiceway gateway` and return once it is ready."""
    port, metrics = free_ports(2)
    environ = {
        "SLUICEWAY_DATA_DIR": str(settings.data_dir),
        "SLUICEWAY_TOKEN_KEY": b64encode(b"k" * 32).decode(),
        "SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "SLUICEWAY_KAFKA__PARTITIONS": str(settings.kafka.partitions),
        "SLUICEWAY_REGISTRY__URL": settings.registry.url,
        "SLUICEWAY_PORTS__GATEWAY": str(port),
        "SLUICEWAY_PORTS__GATEWAY_METRICS": str(metrics),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from streams.cli import main; main()", "gateway", env={**os.environ, **environ}
    )
    client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10)
    while process.returncode is None:
        try:
            if (await client.get("/readyz")).status_code == 200:
                break
        except httpx.ConnectError:
            await asyncio.sleep(0.05)  # asked again: nothing tells when another process listens
    assert process.returncode is None
    return process, client


async def test_kill_after_the_answer_loses_nothing(
    settings: Settings, kafka: Any, company: Any, inbox: Inbox, signed: Any
) -> None:
    """Kafka freezes amid requests, the gateway is killed: what was acknowledged is in Kafka, the rest was 429."""
    process, client = await start_process(settings)
    acknowledged: list[str] = []
    refused: list[int] = []

    async def send(number: int) -> None:
        for i in range(200):
            body = company.events(f"{number}-{i}")
            answer = await client.post("/webhooks/quickbooks", content=body, headers=signed(body))
            if answer.status_code != 200:
                refused.append(answer.status_code)
                return
            acknowledged.append(f"{number}-{i}")
            if len(acknowledged) == 100:
                os.kill(kafka.pid, signal.SIGSTOP)

    try:
        await asyncio.gather(*(send(number) for number in range(8)))
        process.kill()
        await process.wait()
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
    await client.aclose()
    assert refused == [429] * 8
    assert len(acknowledged) >= 100
    assert set(acknowledged) <= set(hints(inbox))


async def test_sigterm_answers_what_is_under_way(settings: Settings, company: Any, inbox: Inbox, signed: Any) -> None:
    """A request whose body is still coming when SIGTERM arrives is stored and acknowledged; then the process ends."""
    process, client = await start_process(settings)
    body = company.events("last")
    begun = asyncio.Event()

    async def slowly() -> Any:
        yield body[:10]
        begun.set()
        process.terminate()
        await asyncio.to_thread(_refused, str(client.base_url))
        yield body[10:]

    answer = await client.post("/webhooks/quickbooks", content=slowly(), headers=signed(body))
    assert (begun.is_set(), answer.status_code) == (True, 200)
    assert await process.wait() == 0
    await client.aclose()
    assert hints(inbox) == ["last"]


def _refused(url: str) -> None:
    """Return once the gateway takes no new connections: SIGTERM has arrived."""
    while True:
        try:
            httpx.get(f"{url}/livez")
        except httpx.TransportError:
            return
