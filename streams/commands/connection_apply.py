"""What changes a connection: check all of it, store the secrets, tell the tenant's inbox, then everybody."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from confluent_kafka import KafkaError, KafkaException, Producer

from connectors.catalogue import VENDORS
from connectors.clock import SystemClock
from connectors.errors import FatalError, MappingError, RetryableError
from connectors.kafka.admin import require_partitions
from connectors.kafka.client import KafkaSettings, producer_config
from connectors.kafka.codec import Codec
from connectors.kafka.headers import event_headers, traceparent
from connectors.kafka.partition import partition_for
from connectors.kafka.records import Connection, ConnectionChanged, VendorConnection
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import CONNECTION, INBOX, Topic
from connectors.ports import Account, Secret, TokenStore, Tools
from streams.commands.connection_file import ConnectionFile, TenantEntry
from streams.connections import Directory
from streams.settings import Settings
from streams.stages.mapping import Templates
from streams.stages.rules import check_rules
from streams.tokens import open_tokens

FLUSH_SECONDS = 15.0
APPLIED = "applied"
"""Under this name a secret keeps digests of what files gave it: a token that has rotated since is not put back."""
GRANTED = ("access_token", "issued_at")


@dataclass(frozen=True, slots=True)
class Console:
    """An operator's view: what is connected, and the means to change it."""

    settings: Settings
    codec: Codec
    directory: Directory

    def connection(self, tenant: str) -> Connection:
        """Return a tenant's connection.

        Raises:
            FatalError: there is no such tenant; names those that are.
        """
        found = self.directory.get(tenant)
        if found is None:
            known = ", ".join(self.directory.tenants()[:20]) or "none"
            raise FatalError(f"tenant {tenant} is not connected — connected are: {known}")
        return found


@asynccontextmanager
async def console(settings: Settings) -> AsyncIterator[Console]:
    """Open the view: everything that was in `connection.v1` is known.

    Raises:
        FatalError, RetryableError, KafkaException: registry or Kafka are not as they must be.
    """
    ids = RegistryIds(settings.registry)
    directory = Directory(settings.kafka, codec := Codec(ids))
    try:
        await require_partitions(settings.kafka, [INBOX, CONNECTION])
        await ids.warm([INBOX, CONNECTION])
        await directory.start()
        await directory.wait_ready()
        yield Console(settings, codec, directory)
    finally:
        await directory.stop()
        ids.close()


async def apply(view: Console, file: ConnectionFile) -> Sequence[str]:
    """Make every tenant of the file as it says and return a line for each; nothing is done if anything is wrong.

    Tenants that are not in the file stay as they are; so does what is paused, unless the file says `paused`.

    Raises:
        FatalError: a mapping, the rules or a vendor's settings are wrong; a line for each problem.
        KafkaException, RetryableError: not everything could be written; apply again.
    """
    tokens = open_tokens(view.settings)
    try:
        return await _apply(view, file, tokens)
    finally:
        await tokens.aclose()


async def _apply(view: Console, file: ConnectionFile, tokens: TokenStore) -> Sequence[str]:
    wanted = [_connection(file, entry, view.directory.get(entry.tenant)) for entry in file.tenants]
    problems = [
        line for i, connection in enumerate(wanted) async for line in _problems(view, file, i, connection, tokens)
    ]
    if problems:
        raise FatalError("\n".join(problems))
    for tenant, vendor, values in list(_credentials(file)):
        await _store(tokens, tenant, vendor, values)
    return [await put(view, connection) for connection in wanted]


async def put(view: Console, wanted: Connection) -> str:
    """Write the connection if it differs from what is, with the next revision; return what was done.

    The tenant's inbox is told first: if we die in between, the same revision is written once more.

    Raises:
        KafkaException, RetryableError: not written; repeat.
    """
    former = view.directory.get(wanted.tenant)
    if former is not None and replace(wanted, revision=former.revision) == former:
        return f"{wanted.tenant}: unchanged, revision {former.revision}"
    connection = replace(wanted, revision=former.revision + 1 if former else 1)
    changed = _decisive(connection)
    if former is None or replace(_decisive(former), revision=connection.revision) != changed:
        await asyncio.to_thread(_produce, view.settings.kafka, view.codec, INBOX, changed)
    await asyncio.to_thread(_produce, view.settings.kafka, view.codec, CONNECTION, connection)
    return f"{wanted.tenant}: {'changed' if former else 'connected'}, revision {connection.revision}"


def _decisive(connection: Connection) -> ConnectionChanged:
    """Return what of a connection decides results."""
    return ConnectionChanged(
        tenant=connection.tenant,
        revision=connection.revision,
        vendors={name: vendor.account for name, vendor in connection.vendors.items()},
        zone=connection.zone,
        currency=connection.currency,
        mappings=connection.mappings,
        rules=connection.rules,
    )


def _connection(file: ConnectionFile, entry: TenantEntry, former: Connection | None) -> Connection:
    def paused(name: str, said: bool | None) -> bool:
        known = former.vendors.get(name) if former else None
        return said if said is not None else known is not None and known.paused

    return Connection(
        tenant=entry.tenant,
        revision=0,
        vendors={
            name: VendorConnection(vendor.base_url, vendor.account, paused(name, vendor.paused), vendor.settings)
            for name, vendor in entry.vendors.items()
        },
        zone=entry.zone,
        currency=entry.currency,
        mappings={name: file.text(value) for name, value in entry.mappings.items()},
        rules=file.text(entry.rules),
    )


async def _problems(
    view: Console, file: ConnectionFile, index: int, connection: Connection, tokens: TokenStore
) -> AsyncIterator[str]:
    """Yield what cannot work, before anything is written."""
    for name, text in connection.mappings.items():
        try:
            Templates([]).replaced({name: text})
        except MappingError as error:
            yield str(file.problem("tenants", index, "mappings", name, reason=str(error)))
    for wrong in check_rules(connection.rules):
        yield str(file.problem("tenants", index, "rules", reason=str(wrong)))
    tools = Tools(SystemClock(), tokens, frozenset(view.settings.allow_hosts))
    for name, vendor in connection.vendors.items():
        account = Account(connection.tenant, name, vendor.base_url, vendor.account, vendor.settings)
        try:
            await VENDORS[name].open(account, tools).aclose()
        except FatalError as error:
            yield str(file.problem("tenants", index, "vendors", name, reason=str(error)))
        for other in _also_connected(view, file, connection.tenant, name, vendor.account):
            reason = f"company {vendor.account} is connected as tenant {other} already; one company is one tenant"
            yield str(file.problem("tenants", index, "vendors", name, "account", reason=reason))


def _also_connected(view: Console, file: ConnectionFile, tenant: str, vendor: str, account: str) -> Iterator[str]:
    """Yield other tenants with the same company: webhooks would not know whose they are."""
    filed = {entry.tenant: entry.vendors for entry in file.tenants}
    for other in dict.fromkeys([*filed, *view.directory.tenants()]):
        if other in filed:
            entry = filed[other].get(vendor)
            taken = entry.account if entry else None
        else:
            taken = view.directory.account_of(other, vendor)
        if other != tenant and taken == account:
            yield other


def _credentials(file: ConnectionFile) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    for i, entry in enumerate(file.tenants):
        for name, vendor in entry.vendors.items():
            at = ("tenants", i, "vendors", name, "credentials")
            yield entry.tenant, name, {key: file.secret(value, *at, key) for key, value in vendor.credentials.items()}


async def _store(tokens: TokenStore, tenant: str, vendor: str, values: Mapping[str, str]) -> None:
    """Store the credentials that the file gives anew; what it gave before may have rotated and stays."""
    while True:
        stored = await tokens.get(tenant, vendor)
        known = stored or Secret({})
        digests = json.loads(known.values.get(APPLIED, "{}"))
        fresh = {key: value for key, value in values.items() if digests.get(key) != _digest(value)}
        if not fresh:
            return
        kept = {key: value for key, value in known.values.items() if key not in GRANTED or not _regrants(fresh)}
        digests |= {key: _digest(value) for key, value in fresh.items()}
        secret = Secret({**kept, **fresh, APPLIED: json.dumps(digests)})
        if not _regrants(fresh):
            secret = replace(secret, expires_at=known.expires_at, refreshing_since=known.refreshing_since)
        if await tokens.compare_and_set(tenant, vendor, secret, expected_version=known.version):
            return


def _regrants(fresh: Mapping[str, str]) -> bool:
    """Tell whether other credentials make the access token that we hold worthless."""
    return any(key != "webhook_secret" for key in fresh)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _produce(kafka: KafkaSettings, codec: Codec, topic: Topic, record: Connection | ConnectionChanged) -> None:
    failed: list[KafkaError] = []
    producer = Producer(producer_config(kafka, "sluiceway-console"))
    producer.produce(
        topic.name,
        key=record.tenant.encode(),
        value=codec.encode(topic, record),
        partition=partition_for(record.tenant, kafka.partitions),
        headers=list(_headers(record)),
        on_delivery=lambda error, _: failed.append(error) if error is not None else None,
    )
    if producer.flush(FLUSH_SECONDS):
        raise RetryableError(f"Kafka does not acknowledge a record for {topic.name}; apply again")
    if failed:
        raise KafkaException(failed[0])


def _headers(record: Connection | ConnectionChanged) -> Sequence[tuple[str, bytes]]:
    return event_headers(
        schema=record.SCHEMA,
        event_id=f"connection/{record.tenant}/{record.revision}",
        source="/sluiceway/console",
        at=SystemClock().now(),
        trace=traceparent(None, secrets.token_hex),
        tenant=record.tenant,
        origin="cli",
        version=str(record.revision),
    )
