"""Probes, and a server that lives inside a role."""

import signal
import socket

import httpx
import pytest

from connectors.errors import FatalError
from streams.http import Probes


async def test_readiness_tells_the_reasons() -> None:
    """`/readyz` is 503 with reasons until there are none; `/livez` is 200 all the time."""
    problems = ["partition 3 is being restored"]
    probes = Probes("127.0.0.1", 0, "SLUICEWAY_PORTS__X", lambda: problems)
    await probes.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{probes.port}") as client:
        waiting = await client.get("/readyz")
        problems.clear()
        ready = await client.get("/readyz")
        alive = await client.get("/livez")
        metrics = await client.get("/metrics")
    await probes.stop()
    assert (waiting.status_code, waiting.json()["reasons"]) == (503, ["partition 3 is being restored"])
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})
    assert alive.status_code == 200
    assert "sluiceway_webhooks_total" in metrics.text


async def test_a_taken_port_names_the_setting_that_moves_it() -> None:
    """The message has the port and the setting."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FatalError, match=rf"{port}.*SLUICEWAY_PORTS__X"):
            await Probes("127.0.0.1", port, "SLUICEWAY_PORTS__X", list).start()


async def test_signals_stay_with_the_role() -> None:
    """Starting the server replaces no signal handler."""
    before = signal.getsignal(signal.SIGTERM)
    probes = Probes("127.0.0.1", 0, "SLUICEWAY_PORTS__X", list)
    await probes.start()
    assert signal.getsignal(signal.SIGTERM) is before
    await probes.stop()
