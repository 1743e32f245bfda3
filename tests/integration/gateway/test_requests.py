"""A customer asked for at one gateway: through Kafka, transform, connect and QuickBooks' sandbox, and back."""

import asyncio
import json
import os
import sys
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from connectors.clock import SystemClock
from connectors.kafka.admin import apply_topics
from connectors.kafka.contracts import apply_schemas
from connectors.kafka.embedded.ports import free_ports
from connectors.kafka.topics import TOPICS
from connectors.sandbox.server import serve
from streams.commands.connection_apply import apply, console
from streams.commands.connection_file import ConnectionFile
from streams.gateway.keys import ApiKeys
from streams.gateway.role import Gateway
from streams.settings import Settings
from streams.tokens import open_tokens

ADA = {"name": "Ada Lovelace", "emails": ["ada@example.com"], "billing_address": {"city": "London", "country": "GB"}}


@dataclass
class Company:
    """A tenant whose commands are carried out, two gateways, and QuickBooks as its administrator sees it."""

    tenant: str
    gateways: list[httpx.AsyncClient]
    quickbooks: httpx.AsyncClient

    async def customers(self) -> list[dict[str, Any]]:
        """Return the customers in QuickBooks."""
        query = {"account": self.tenant}
        answer = await self.quickbooks.get("/__sandbox/records/Customer", params=query)
        found: list[dict[str, Any]] = answer.json()["records"]
        return found

    async def ask(self, gateway: int, body: Any, key: str, wait: str = "2s") -> httpx.Response:
        """Ask for a customer; while nothing is known of it once more, which is the same request.

        What is in review is waited for too, in vain, so that a longer wait would last to its end.
        """
        path, headers = f"/v1/tenants/{self.tenant}/customers", {"idempotency-key": key}
        while True:
            answer = await self.gateways[gateway].post(path, params={"wait": wait}, json=body, headers=headers)
            if wait == "0s" or answer.status_code != 202 or answer.json()["status"] != "pending":
                return answer


async def role(name: str, settings: Settings, closing: AsyncExitStack) -> None:
    """Start a role as a process."""
    environ = {
        "SLUICEWAY_DATA_DIR": str(settings.data_dir),
        "SLUICEWAY_TOKEN_KEY": b64encode(b"k" * 32).decode(),
        "SLUICEWAY_ALLOW_HOSTS": '["127.0.0.1"]',
        "SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "SLUICEWAY_KAFKA__PARTITIONS": str(settings.kafka.partitions),
        "SLUICEWAY_REGISTRY__URL": settings.registry.url,
        f"SLUICEWAY_PORTS__{name.upper()}_METRICS": str(free_ports(1)[0]),
    }
    command = (sys.executable, "-c", "from streams.cli import main; main()", name)
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environ})

    async def end() -> None:
        if process.returncode is None:
            process.kill()
        await process.wait()

    closing.push_async_callback(end)


@pytest.fixture
async def company(settings: Settings, tmp_path: Path) -> AsyncIterator[Company]:
    """Everything but Salesforce and Pardot."""
    made = settings.model_copy(update={"allow_hosts": ["127.0.0.1"]})
    await apply_topics(made.kafka, TOPICS)
    await apply_schemas(made.registry, TOPICS)
    async with AsyncExitStack() as closing:
        served = await serve(["quickbooks"], tmp_path / "sandbox", {"quickbooks": 0})
        closing.push_async_callback(served.aclose)
        quickbooks = httpx.AsyncClient(base_url=served.url("quickbooks"), timeout=30)
        closing.push_async_callback(quickbooks.aclose)
        tenant = f"t-{uuid.uuid4().hex[:8]}"
        given = (await quickbooks.get("/__sandbox/credentials", params={"account": tenant})).json()
        await apply_connection(made, tmp_path, tenant, given)
        for name in ("transform", "connect"):
            await role(name, made, closing)
        tokens = open_tokens(made)
        key = await ApiKeys(tokens, SystemClock()).issue(tenant, "test", None)
        clients = []
        for _ in range(2):
            gateway = Gateway(made)
            await gateway.start()
            closing.push_async_callback(gateway.stop)
            headers = {"authorization": f"Bearer {key}"}
            url = f"http://127.0.0.1:{gateway.http.port}"
            clients.append(
                await closing.enter_async_context(httpx.AsyncClient(base_url=url, headers=headers, timeout=90))
            )
        yield Company(tenant, clients, quickbooks)


async def apply_connection(settings: Settings, folder: Path, tenant: str, given: dict[str, Any]) -> None:
    """Connect the tenant to the sandbox."""
    vendor = {
        "base_url": given["base_url"],
        "account": given["realm"],
        "settings": {"token_url": given["token_url"], "in_doubt_seconds": 2},
        "credentials": {name: given[name] for name in ("client_id", "client_secret", "refresh_token")},
    }
    entry = {"tenant": tenant, "zone": "UTC", "currency": "USD", "vendors": {"quickbooks": vendor}}
    path = folder / "connections.yaml"
    path.write_text(yaml.safe_dump({"tenants": [entry]}))
    async with console(settings) as view:
        await apply(view, ConnectionFile(path))


async def test_a_customer_comes_back_with_its_id(company: Company) -> None:
    """The id is QuickBooks' own; the other gateway answers the same, and another key finds the same customer."""
    answer = await company.ask(0, ADA, "k1")
    assert answer.status_code == 200, answer.text
    [customer] = [c for c in await company.customers() if c["DisplayName"] == "Ada Lovelace"]
    assert answer.json()["quickbooks_id"] == customer["Id"]
    elsewhere = await company.gateways[1].get(answer.json()["href"])
    assert elsewhere.json() == answer.json()
    assert (await company.ask(1, ADA, "k1")).json() == answer.json()
    assert (await company.ask(1, {"name": "Eve"}, "k1")).status_code == 422
    again = await company.ask(1, ADA, "k2")
    assert (again.status_code, again.json()["quickbooks_id"]) == (200, customer["Id"])
    later = await company.ask(0, {"name": "Bob"}, "k3", wait="0s")
    assert later.status_code == 202
    assert (await company.gateways[1].get(later.headers["location"])).json()["key"] == "k3"
    assert (await company.ask(1, {"name": "Bob"}, "k3")).status_code == 200
    assert len([c for c in await company.customers() if c["DisplayName"] in {"Ada Lovelace", "Bob"}]) == 2


async def test_what_quickbooks_will_not_have_says_why(company: Company) -> None:
    """A name that one of the company's vendors has goes to a person; a refused one is a dead letter."""
    given = (await company.quickbooks.get("/__sandbox/credentials", params={"account": company.tenant})).json()
    bearer = {"authorization": f"Bearer {given['access_token']}"}
    vendor = await company.quickbooks.post(
        f"/v3/company/{given['realm']}/vendor", json={"DisplayName": "Ada Lovelace"}, headers=bearer
    )
    assert vendor.is_success, vendor.text
    answer = await company.ask(0, {"name": "Ada Lovelace", "external_id": "2"}, "k2")
    assert (answer.status_code, answer.json()["status"]) == (202, "in_review")
    wrong = {"Message": "Invalid", "Detail": "Invalid value", "code": "2010", "element": ""}
    body = json.dumps({"Fault": {"Error": [wrong], "type": "ValidationFault"}, "time": "2026-01-01T00:00:00.000Z"})
    fault = {"kind": "status", "status": 400, "body": body, "method": "POST", "path": "/customer$", "count": 1}
    (await company.quickbooks.post("/__sandbox/faults", json=fault)).raise_for_status()
    refused = await company.ask(0, {"name": "Bob", "external_id": "3"}, "k3")
    assert (refused.status_code, refused.json()["request"]["status"]) == (422, "failed")
    assert "2010" in refused.json()["detail"]
