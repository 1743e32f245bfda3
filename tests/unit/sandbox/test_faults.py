import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest


async def count(client: httpx.AsyncClient) -> int:
    """How many notes were committed."""
    records = (await client.get("/__sandbox/records/Note", params={"account": "a"})).json()["records"]
    return len(records) - 1


async def add(client: httpx.AsyncClient, **fault: Any) -> int:
    """Start a fault, return its id."""
    answer = await client.post("/__sandbox/faults", json=fault)
    assert answer.status_code == 201
    return int(answer.json()["id"])


async def test_status_fault_answers_instead_of_the_vendor(toy_client: httpx.AsyncClient) -> None:
    """Kind status gives its code and body and nothing is written; it ends after its count."""
    await add(toy_client, kind="status", status=503, body="<busy/>", method="POST", path="/notes$", count=1)
    first = await toy_client.post("/a/notes", json={})
    assert (first.status_code, first.text) == (503, "<busy/>")
    assert first.headers["content-type"] == "application/xml"
    assert (await toy_client.post("/a/notes", json={})).status_code == 200
    assert await count(toy_client) == 1


async def test_throttle_fault_speaks_as_the_vendor(toy_client: httpx.AsyncClient) -> None:
    """Kind throttle gives the vendor's own refusal."""
    await add(toy_client, kind="throttle", count=1)
    answer = await toy_client.post("/a/notes", json={})
    assert (answer.status_code, answer.json()) == (429, {"error": "throttled"})


@pytest.mark.parametrize(("kind", "committed"), [("reset_before_commit", 0), ("commit_then_reset", 1)])
async def test_reset_faults_differ_in_what_is_committed(
    toy_client: httpx.AsyncClient, kind: str, committed: int
) -> None:
    """The connection is reset without an answer; only commit_then_reset has written."""
    await add(toy_client, kind=kind, count=1)
    with pytest.raises(httpx.ReadError):
        await toy_client.post("/a/notes", json={})
    assert await count(toy_client) == committed
    assert (await toy_client.get("/__sandbox/meter")).json()["statuses"] == {"reset": 1}


async def test_reset_is_a_real_rst(start: Callable[..., Any]) -> None:
    """The client's socket sees ECONNRESET, over TLS too, not an orderly end."""
    served = await start()
    async with httpx.AsyncClient(base_url=served.url("toy")) as client:
        await add(client, kind="reset_before_commit")
    reader, writer = await asyncio.open_connection(served.host, served.ports["toy"])
    writer.write(b"GET /a/notes HTTP/1.1\r\nhost: x\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_reset_then_commit_writes_after_the_client_is_gone(toy_client: httpx.AsyncClient) -> None:
    """The write appears though the client saw a reset before it happened."""
    await add(toy_client, kind="reset_then_commit", seconds=1, count=1)
    with pytest.raises(httpx.ReadError):
        await toy_client.post("/a/notes", json={})
    while await count(toy_client) == 0:
        pass  # each look is a request; the test's own time limit ends a failure


async def test_delay_and_slow_body_take_the_clock_on(toy_client: httpx.AsyncClient, clock: Any) -> None:
    """Both wait so many seconds of the sandbox's clock and then answer whole."""
    before = clock.now()
    await add(toy_client, kind="delay", seconds=5, count=1)
    await add(toy_client, kind="slow_body", seconds=2, count=1)
    answer = await toy_client.post("/a/notes", json={"text": "x" * 50})
    assert answer.json()["text"] == "x" * 50
    assert (clock.now() - before).total_seconds() == pytest.approx(7, abs=0.25)


@pytest.mark.parametrize("seconds", [90, -90])
async def test_a_vendors_clock_may_be_wrong(toy_client: httpx.AsyncClient, clock: Any, seconds: int) -> None:
    """While it handles the call the vendor's clock is ahead, or behind, with what it stamps and answers."""
    await add(toy_client, kind="clock_skew", seconds=seconds, method="POST", count=1)
    dates, stamps = [], []
    for _ in range(2):
        answer = await toy_client.post("/a/notes", json={})
        dates.append(parsedate_to_datetime(answer.headers["date"]) - clock.now())
        stamps.append(datetime.fromisoformat(answer.json()["at"]) - clock.now())
    assert dates == stamps == [timedelta(seconds=seconds), timedelta()]


async def test_malformed_body_is_cut_after_the_commit(toy_client: httpx.AsyncClient) -> None:
    """The answer cannot be parsed, yet the write happened."""
    await add(toy_client, kind="malformed_body", count=1)
    answer = await toy_client.post("/a/notes", json={})
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert await count(toy_client) == 1


async def test_fault_matches_account_and_is_repeatable(toy_client: httpx.AsyncClient) -> None:
    """A fault of another account spares this one; the same seed strikes the same calls."""
    await toy_client.post("/__sandbox/limits", json={"account": "a", "limits": {"per second": 100}})
    await add(toy_client, kind="status", account="b")
    patterns = []
    for _ in range(2):
        id_ = await add(toy_client, kind="status", account="a", probability=0.5, seed=3)
        patterns.append([(await toy_client.post("/a/notes", json={})).status_code for _ in range(12)])
        await toy_client.delete("/__sandbox/faults", params={"id": id_})
    assert patterns[0] == patterns[1]
    assert set(patterns[0]) == {200, 500}


async def test_deleted_fault_is_gone_and_unknown_id_named(toy_client: httpx.AsyncClient) -> None:
    """DELETE without id ends all faults; an id nobody knows is a 400."""
    await add(toy_client, kind="status")
    assert (await toy_client.delete("/__sandbox/faults")).json() == {"faults": []}
    assert (await toy_client.post("/a/notes", json={})).status_code == 200
    answer = await toy_client.delete("/__sandbox/faults", params={"id": 99})
    assert answer.status_code == 400
    assert "99" in answer.json()["error"]
