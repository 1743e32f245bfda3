"""The webhooks' part of a gateway, with Kafka and connections played by hand."""

import asyncio
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import httpx
from starlette.applications import Starlette

from connectors.catalogue import VENDORS
from connectors.clock import ManualClock
from connectors.kafka.records import VendorRecord
from connectors.ports import Secret
from connectors.tokens import MemoryTokenStore
from streams.gateway.origin import network
from streams.gateway.secrets import WebhookSecrets
from streams.gateway.seen import Seen
from streams.gateway.webhooks import Webhooks

REALMS = {"acme": "111", "globex": "222"}


class Companies:
    """Two tenants with a company each, at one vendor."""

    vendor = "quickbooks"
    accounts: Mapping[str, str] = REALMS
    problem: str | None = None
    allow_from = ""

    def setting(self, tenant: str, _vendor: str, name: str) -> str:
        """Return acme's allow-list."""
        return self.allow_from if (tenant, name) == ("acme", "webhook_allow_from") else ""

    def tenants(self) -> Sequence[str]:
        """Return both."""
        return sorted(REALMS)

    def account_of(self, tenant: str, vendor: str) -> str | None:
        """Return the company's id."""
        return self.accounts.get(tenant) if vendor == self.vendor else None


class Writer:
    """Keeps what is written, or fails as told."""

    def __init__(self) -> None:
        self.records: list[VendorRecord] = []
        self.traces: list[str] = []
        self.error: Exception | None = None
        self.stuck = False

    async def put(self, records: Sequence[VendorRecord], trace: str) -> None:
        """Write."""
        if self.stuck:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        self.records += records
        self.traces.append(trace)


class Stage:
    """The webhooks' app and its surroundings."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.tokens = MemoryTokenStore()
        self.companies = Companies()
        self.writer = Writer()
        self.http = Webhooks(
            VENDORS,
            self.companies,
            WebhookSecrets(self.tokens, self.clock),
            self.writer,
            Seen(folder, self.clock),
            [network("127.0.0.1")],
            self.clock,
            token_hex=lambda count: "c" * 2 * count,
        )
        transport = httpx.ASGITransport(Starlette(routes=self.http.routes()))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://gateway")

    async def secret(self, tenant: str, text: str) -> None:
        """Store what may sign for a tenant."""
        vendor = self.companies.vendor
        old = await self.tokens.get(tenant, vendor)
        version = old.version if old else 0
        assert await self.tokens.compare_and_set(
            tenant, vendor, Secret({"webhook_secret": text}), expected_version=version
        )

    async def post(
        self, body: bytes, secret: str | None, path: str = "quickbooks", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a body, signed with `secret` if there is one."""
        signed = {"intuit-signature": b64encode(hmac.digest(secret.encode(), body, sha256)).decode()} if secret else {}
        return await self.client.post(f"/webhooks/{path}", content=body, headers={**signed, **(headers or {})})


def events(*pairs: tuple[str, str]) -> bytes:
    """Return a body in Intuit's CloudEvents form about invoices: (realm, id)."""
    return json.dumps(
        [
            {
                "specversion": "1.0",
                "id": f"e{number}",
                "source": "intuit.x",
                "type": "qbo.invoice.updated.v1",
                "time": "2026-01-01T00:00:00.5Z",
                "intuitentityid": invoice,
                "intuitaccountid": realm,
            }
            for number, (realm, invoice) in enumerate(pairs)
        ]
    ).encode()
