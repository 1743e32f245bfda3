"""A gateway on the real broker and registry, with one tenant of the test's own."""

import hmac
import json
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from connectors.kafka.admin import apply_topics
from connectors.kafka.client import reader_config
from connectors.kafka.codec import Codec
from connectors.kafka.contracts import apply_schemas
from connectors.kafka.partition import partition_for
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import CONNECTION, INBOX, REPLY
from streams.commands.connection_apply import apply, console
from streams.commands.connection_file import ConnectionFile
from streams.gateway.role import Gateway
from streams.settings import Kafka, Ports, Registry, Settings

SECRET = "verifier-token"


@dataclass(frozen=True, slots=True)
class Company:
    """The tenant and its realm."""

    tenant: str
    realm: str

    def file(self, folder: Path, currency: str = "EUR") -> ConnectionFile:
        """Return the file that connects it."""
        vendor = {
            "base_url": "https://quickbooks.api.intuit.com",
            "account": self.realm,
            "credentials": {"client_id": "c", "client_secret": "s", "refresh_token": "r", "webhook_secret": SECRET},
        }
        tenant = {"tenant": self.tenant, "zone": "UTC", "currency": currency, "vendors": {"quickbooks": vendor}}
        path = folder / f"{self.tenant}.yaml"
        path.write_text(json.dumps({"tenants": [tenant]}))
        return ConnectionFile(path)

    def events(self, *ids: str) -> bytes:
        """Return a body in Intuit's older form about invoices."""
        entities = [
            {"name": "Invoice", "id": i, "operation": "Update", "lastUpdated": "2026-01-01T00:00:00-0800"} for i in ids
        ]
        notification = {"realmId": self.realm, "dataChangeEvent": {"entities": entities}}
        return json.dumps({"eventNotifications": [notification]}).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Return Intuit's signature header."""
    return {"intuit-signature": b64encode(hmac.digest(secret.encode(), body, sha256)).decode()}


@pytest.fixture
async def settings(kafka: Any, registry: Any, tmp_path: Path) -> Settings:
    """Settings for the session's servers; topics and schemas are there."""
    made = Settings(
        data_dir=tmp_path,
        token_key=b64encode(b"k" * 32).decode(),
        kafka=Kafka(
            bootstrap_servers=kafka.bootstrap_servers, partitions=4, replication_factor=1, min_insync_replicas=1
        ),
        registry=Registry(url=registry.url),
        ports=Ports(gateway=0, gateway_metrics=0),
    )
    await apply_topics(made.kafka, [INBOX, CONNECTION, REPLY])
    await apply_schemas(made.registry, [INBOX, CONNECTION, REPLY])
    return made


@pytest.fixture
async def company(settings: Settings, tmp_path: Path) -> Company:
    """A connected company."""
    made = Company(f"t-{uuid.uuid4().hex[:8]}", str(uuid.uuid4().int % 10**15))
    async with console(settings) as view:
        await apply(view, made.file(tmp_path))
    return made


@pytest.fixture
async def client(settings: Settings, company: Company) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running gateway that knows the company."""
    gateway = Gateway(settings)
    await gateway.start()
    assert not gateway.problems(), f"not ready for {company.tenant}"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.http.port}") as made:
        yield made
    await gateway.stop()


@dataclass(frozen=True, slots=True)
class Read:
    """A record of the inbox."""

    partition: int
    headers: dict[str, str]
    type: str
    value: dict[str, Any]


def _read(message: Message, codec: Codec) -> Read:
    partition, value = message.partition(), message.value()
    assert partition is not None
    assert value is not None
    headers: dict[str, Any] = dict(message.headers() or [])
    return Read(partition, {name: content.decode() for name, content in headers.items()}, *codec.decode(value))


def inbox_of(settings: Settings, tenant: str) -> list[Read]:
    """Return all committed records of a tenant, whatever partition they are in."""
    ids = RegistryIds(settings.registry)
    consumer = Consumer(reader_config(settings.kafka, f"test-{uuid.uuid4().hex}"))
    open_ends = set(range(settings.kafka.partitions))
    consumer.assign([TopicPartition(INBOX.name, partition, 0) for partition in open_ends])
    found = []
    while open_ends:
        for message in [*consumer.consume(1, 1.0), *consumer.consume(500, 0)]:
            if message.error() is not None:
                open_ends.discard(message.partition())
            elif message.key() == tenant.encode():
                found.append(_read(message, Codec(ids)))
    consumer.close()
    ids.close()
    assert {read.partition for read in found} <= {partition_for(tenant, settings.kafka.partitions)}
    return found


@pytest.fixture
def inbox(settings: Settings, company: Company) -> Any:
    """Read the company's inbox: `inbox()`."""
    return lambda: inbox_of(settings, company.tenant)


@pytest.fixture(name="signed")
def _signed() -> Any:
    """Sign a body: `signed(body, secret)`."""
    return signed


@pytest.fixture
def apply_file(settings: Settings, company: Company, tmp_path: Path) -> Any:
    """How to apply the company's file with a currency."""

    async def run(currency: str) -> Any:
        async with console(settings) as view:
            return await apply(view, company.file(tmp_path, currency))

    return run
