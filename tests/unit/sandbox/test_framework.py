import asyncio
import ssl
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.sandbox.context import SandboxContext, Vendor
from connectors.sandbox.json_text import dumps, loads
from connectors.sandbox.listener import PortTakenError
from connectors.sandbox.server import serve


async def notes(client: httpx.AsyncClient, account: str = "a") -> list[dict[str, Any]]:
    """What the toy vendor stored beside the note every account begins with."""
    answer = await client.get("/__sandbox/records/Note", params={"account": account})
    return [record for record in answer.json()["records"] if record.get("text") != "welcome"]


async def test_one_port_speaks_http_and_https(start: Callable[..., Any]) -> None:
    """The same port answers plain HTTP and, to a client that trusts the CA, HTTPS."""
    served = await start()
    trust = ssl.create_default_context(cafile=served.ca_file)
    async with httpx.AsyncClient(verify=trust) as client:
        plain = await client.get(f"{served.url('toy')}/__sandbox/health")
        secure = await client.get(f"{served.url('toy', 'https')}/__sandbox/health")
    assert plain.json() == secure.json() == {"vendor": "toy", "status": "ok"}


async def test_untrusting_client_is_refused_and_server_goes_on(start: Callable[..., Any]) -> None:
    """A TLS client that does not know the CA fails alone."""
    served = await start()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{served.url('toy', 'https')}/__sandbox/health")
        assert (await client.get(f"{served.url('toy')}/__sandbox/health")).status_code == 200


async def test_restart_keeps_state_and_certificate(start: Callable[..., Any], tmp_path: Path) -> None:
    """After a stop and a start, records and the CA are the same."""
    served = await start()
    async with httpx.AsyncClient(base_url=served.url("toy")) as client:
        await client.get("/__sandbox/credentials", params={"account": "a"})
        await client.post("/a/notes", json={"text": "kept"})
    ca = served.ca_file.read_bytes()
    await served.aclose()
    again = await start()
    async with httpx.AsyncClient(base_url=again.url("toy")) as client:
        assert [note["text"] for note in await notes(client)] == ["kept"]
    assert again.ca_file.read_bytes() == ca
    assert (tmp_path / "ca-key.pem").stat().st_mode & 0o077 == 0


def never(_ctx: SandboxContext) -> Vendor:
    """A factory that must not be reached."""
    raise AssertionError


async def test_taken_port_is_named(start: Callable[..., Any], tmp_path: Path) -> None:
    """A port in use gives an error that names the port and the vendor."""
    served = await start()
    port = served.ports["toy"]
    with pytest.raises(PortTakenError, match=rf"port {port} .* the toy sandbox"):
        await serve(["toy"], tmp_path, {}, table={"toy": (port, never)})


async def test_unknown_vendor_is_named(tmp_path: Path) -> None:
    """A vendor nobody registered is refused by name."""
    with pytest.raises(ValueError, match="unknown vendor 'nope'"):
        await serve(["nope"], tmp_path, {})


async def test_refused_request_leaves_nothing(toy_client: httpx.AsyncClient) -> None:
    """An answer of 400 or more rolls its writes back, the meter's included."""
    answer = await toy_client.post("/a/notes", json={"refuse": 1})
    assert answer.status_code == 400
    assert await notes(toy_client) == []
    meter = (await toy_client.get("/__sandbox/meter")).json()
    assert meter["writes"] == {}
    assert meter["accounts"]["a"]["statuses"] == {"400": 1}


async def test_accounts_are_apart(toy_client: httpx.AsyncClient) -> None:
    """What one account stores, another does not see, and each has credentials of its own."""
    b = (await toy_client.get("/__sandbox/credentials", params={"account": "b"})).json()
    assert b["client_id"] == "id-b"
    await toy_client.post("/a/notes", json={"text": "of a"})
    assert len(await notes(toy_client, "a")) == 1
    assert await notes(toy_client, "b") == []


async def test_meter_counts_calls_writes_and_busy_times(toy_client: httpx.AsyncClient) -> None:
    """Calls by operation, writes by object and the busiest stretches are reported."""
    for text in "xyz":
        await toy_client.post("/a/notes", json={"text": text})
    meter = (await toy_client.get("/__sandbox/meter", params={"account": "a"})).json()
    assert meter["calls"] == {"POST /a/notes": 3}
    assert meter["writes"] == {"Note": 3}
    assert (meter["busiest_second"], meter["busiest_minute"]) == (3, 3)


async def test_limit_slides_and_can_be_changed(toy_client: httpx.AsyncClient, clock: Any) -> None:
    """The sixth call within a second is refused and counted; later, or with a wider limit, it passes."""
    statuses = [(await toy_client.post("/a/notes", json={})).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert (await toy_client.get("/__sandbox/meter")).json()["over_limit"] == {"per second": 1}
    await clock.sleep(1.0)
    assert (await toy_client.post("/a/notes", json={})).status_code == 200
    changed = await toy_client.post("/__sandbox/limits", json={"account": "a", "limits": {"per second": 0}})
    assert changed.json()["limits"] == {"per second": {"calls": 0, "seconds": 1.0}}
    assert (await toy_client.post("/a/notes", json={})).status_code == 429


async def test_reset_empties_but_keeps_accounts(toy_client: httpx.AsyncClient) -> None:
    """A reset brings every account back to how a new one begins."""
    await toy_client.post("/a/notes", json={"text": "gone"})
    assert (await toy_client.post("/__sandbox/reset")).json() == {"reset": ["a"]}
    records = (await toy_client.get("/__sandbox/records/Note", params={"account": "a"})).json()
    assert records["records"] == [{"text": "welcome"}]
    assert (await toy_client.get("/__sandbox/meter")).json()["total"] == 0


async def test_seed_is_repeatable(toy_client: httpx.AsyncClient) -> None:
    """The same size and seed make the same records."""
    rounds = []
    for _ in range(2):
        await toy_client.post("/__sandbox/reset")
        answer = await toy_client.post("/__sandbox/seed", json={"account": "a", "size": 3, "seed": 7})
        assert answer.json() == {"account": "a", "made": {"Note": 3}}
        rounds.append(await notes(toy_client))
    assert rounds[0] == rounds[1]


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("seed", {"sise": 1}, "sise"),
        ("seed", {"size": -1}, "size"),
        ("seed", {"account": "no/slash"}, "account"),
        ("settings", {"settings": {"lout": True}}, "lout"),
        ("settings", {"settings": {"loud": "yes"}}, "loud"),
        ("limits", {"limits": {"per year": 1}}, "per year"),
        ("webhooks", {"url": "ftp://x"}, "url"),
        ("faults", {"kind": "explode"}, "explode"),
        ("faults", {"kind": "delay", "sec": 1}, "sec"),
        ("faults", {"kind": "delay", "seconds": "soon"}, "seconds"),
        ("faults", {"kind": "throttle", "path": "("}, "path"),
        ("faults", {"kind": "throttle", "probability": 2}, "probability"),
    ],
)
async def test_bad_input_is_named(toy_client: httpx.AsyncClient, path: str, body: dict[str, Any], names: str) -> None:
    """Bad input to the admin API is a 400 whose text names the culprit."""
    answer = await toy_client.post(f"/__sandbox/{path}", json=body)
    assert answer.status_code == 400
    assert names in answer.json()["error"]


async def test_settings_are_per_account(toy_client: httpx.AsyncClient) -> None:
    """A switch set for one account leaves the others at the default."""
    set_ = await toy_client.post("/__sandbox/settings", json={"account": "a", "settings": {"loud": True}})
    other = await toy_client.get("/__sandbox/settings", params={"account": "b"})
    assert set_.json()["settings"] == {"loud": True}
    assert other.json()["settings"] == {"loud": False}


async def test_requests_of_many_connections_are_one_at_a_time(toy_client: httpx.AsyncClient) -> None:
    """Parallel requests each get a number of their own."""
    await toy_client.post("/__sandbox/limits", json={"account": "a", "limits": {"per second": 100}})
    answers = await asyncio.gather(*(toy_client.post("/a/notes", json={}) for _ in range(20)))
    assert sorted(int(answer.json()["Id"]) for answer in answers) == list(range(1, 21))


def test_json_keeps_decimal_digits() -> None:
    """Trailing zeros survive a round trip."""
    assert dumps(loads('{"a": [100.00, "x", null, true, 1]}')) == '{"a":[100.00,"x",null,true,1]}'
    assert dumps(Decimal("1E+2")) == "100"
