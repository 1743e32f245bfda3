"""What changes a connection: check all of it, store the secrets, tell the tenant's inbox, then everybody."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from connectors.catalogue import VENDORS
from connectors.clock import SystemClock
from connectors.errors import ConnectorError, FatalError, MappingError
from connectors.kafka.admin import require_partitions
from connectors.kafka.codec import Codec
from connectors.kafka.records import Connection, CustomField, VendorConnection
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import CONNECTION, INBOX
from connectors.ports import Account, Secret, TokenStore, Tools
from streams.commands.connection_file import ConnectionFile, TenantEntry
from streams.commands.described import asking, describer, misfits, unknown_customs, wrong_fields, wrong_mappings
from streams.connecting import put
from streams.connections import Directory
from streams.delivery.desk import timing_of
from streams.gateway.consent import names_company
from streams.gateway.keys import VENDOR as API_KEYS
from streams.settings import Settings
from streams.stages import telling
from streams.stages.policies import check_policies
from streams.stages.rules import check_rules
from streams.tokens import open_tokens

FLUSH_SECONDS = 15.0
APPLIED = "applied"
"""Under this name a secret keeps digests of what files gave it: a token that has rotated since is not put back."""
GRANTED = ("access_token", "issued_at")
EVERYWHERE = ("token_url", "authorize_url", "timeout_seconds", "in_doubt_seconds", "ca_file")
"""Settings that any vendor may have, whether it needs them or not."""


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
    tools = Tools(SystemClock(), tokens, frozenset(view.settings.allow_hosts))
    unchecked = [
        line for i, connection in enumerate(wanted) async for line in _check_fields(file, i, connection, tools)
    ]
    unasked = [
        line for i, connection in enumerate(wanted) async for line in _without_effect(file, i, connection, tools)
    ]
    done = [await put(view.settings.kafka, view.codec, view.directory, connection) for connection in wanted]
    return [*done, *unchecked, *unasked]


async def _check_fields(file: ConnectionFile, index: int, connection: Connection, tools: Tools) -> AsyncIterator[str]:
    """Compare custom fields with what the vendors have, which needs the credentials; yield a line if that cannot be.

    Raises:
        FatalError: some do not fit; a line for each.
    """
    try:
        problems = [
            str(file.problem("tenants", index, "custom_fields", *path, reason=reason))
            async for path, reason in misfits(connection, partial(describer, connection, tools))
        ]
    except ConnectorError as error:
        # A person may have to consent first, for which the connection must be there.
        again = f"run `sluiceway mapping check --tenant {connection.tenant}`"
        yield f"{connection.tenant}: custom fields are not compared with what the vendors have: {error}; {again}"
        return
    if problems:
        raise FatalError("\n".join(problems))


def _connection(file: ConnectionFile, entry: TenantEntry, former: Connection | None) -> Connection:
    def paused(name: str, said: bool | None) -> bool:
        known = former.vendors.get(name) if former else None
        return said if said is not None else known is not None and known.paused

    def account(name: str) -> str:
        """Return the company that a person's consent named."""
        known = former.vendors.get(name) if former else None
        return known.account if known else ""

    customs = {name: CustomField(f.type, f.read, f.write, f.cut) for name, f in entry.custom_fields.items()}
    return Connection(
        tenant=entry.tenant,
        revision=0,
        vendors={
            name: VendorConnection(
                vendor.base_url,
                vendor.account or account(name),
                paused(name, vendor.paused),
                asking(name, vendor.settings, customs),
            )
            for name, vendor in entry.vendors.items()
        },
        zone=entry.zone,
        currency=entry.currency,
        mappings={name: file.text(value) for name, value in entry.mappings.items()},
        rules=file.text(entry.rules),
        policies=entry.policies,
        custom_fields=customs,
    )


async def _problems(
    view: Console, file: ConnectionFile, index: int, connection: Connection, tokens: TokenStore
) -> AsyncIterator[str]:
    """Yield what cannot work, before anything is written."""
    for line in _wrong_texts(file, index, connection):
        yield line
    tools = Tools(SystemClock(), tokens, frozenset(view.settings.allow_hosts))
    for name, vendor in connection.vendors.items():
        account = Account(connection.tenant, name, vendor.base_url, vendor.account, vendor.settings)
        try:
            opened = VENDORS[name].open(account, tools)
            await opened.aclose()
            timing_of(account, opened.limits)
        except FatalError as error:
            yield str(file.problem("tenants", index, "vendors", name, reason=str(error)))
        if not vendor.account and not names_company(account):
            reason = "is missing; only where a person's consent names the company it may be left out"
            yield str(file.problem("tenants", index, "vendors", name, "account", reason=reason))
        for other in _also_connected(view, file, connection.tenant, name, vendor.account):
            reason = f"company {vendor.account} is connected as tenant {other} already; one company is one tenant"
            yield str(file.problem("tenants", index, "vendors", name, "account", reason=reason))


class _Noted(dict[str, str]):
    """Settings that know which of them were asked for."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        super().__init__(settings)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting."""
        self.asked.add(name)
        return super().get(name, default)


async def _without_effect(file: ConnectionFile, index: int, connection: Connection, tools: Tools) -> AsyncIterator[str]:
    """Yield a line for each setting that its vendor never asks for: mostly a slip in its name."""
    for name, vendor in connection.vendors.items():
        account = Account(connection.tenant, name, vendor.base_url, vendor.account, settings := _Noted(vendor.settings))
        opened = VENDORS[name].open(account, tools)
        await opened.aclose()
        timing_of(account, opened.limits)
        names_company(account)
        for setting in file.tenants[index].vendors[name].settings:
            if setting not in settings.asked and not setting.startswith(telling.PREFIX) and setting not in EVERYWHERE:
                reason = f"has no effect, {name} asks for no such setting here; correct its name, or remove it"
                yield str(file.problem("tenants", index, "vendors", name, "settings", setting, reason=reason))


def _wrong_texts(file: ConnectionFile, index: int, connection: Connection) -> Iterator[str]:
    """Yield what is wrong with mappings, custom fields, figures, rules and policies."""
    for name, reason in wrong_mappings(connection.mappings):
        yield str(file.problem("tenants", index, "mappings", name, reason=reason))
    for path, reason in wrong_fields(connection):
        yield str(file.problem("tenants", index, "custom_fields", *path.split("."), reason=reason))
    for name, vendor in connection.vendors.items():
        try:
            telling.parse(name, telling.settings_of(vendor.settings))
        except MappingError as error:
            yield str(file.problem("tenants", index, "vendors", name, reason=str(error)))
    for wrong in check_rules(connection.rules):
        yield str(file.problem("tenants", index, "rules", reason=str(wrong)))
    for target, reason in (*check_policies(connection.policies, connection.vendors), *unknown_customs(connection)):
        yield str(file.problem("tenants", index, "policies", target, reason=reason))


def _also_connected(view: Console, file: ConnectionFile, tenant: str, vendor: str, account: str) -> Iterator[str]:
    """Yield other tenants with the same company: webhooks would not know whose they are."""
    filed = {entry.tenant: entry.vendors for entry in file.tenants}
    for other in dict.fromkeys([*filed, *view.directory.tenants()]):
        if other in filed:
            entry = filed[other].get(vendor)
            taken = entry.account if entry else None
        else:
            taken = view.directory.account_of(other, vendor)
        if other != tenant and taken == account and account:
            yield other


async def forget(settings: Settings, connection: Connection) -> None:
    """Empty the secrets of a connection, API keys included.

    Raises:
        FatalError, RetryableError: the store cannot be used; repeat.
    """
    tokens = open_tokens(settings)
    try:
        for vendor in (*connection.vendors, API_KEYS):
            while (known := await tokens.get(connection.tenant, vendor)) is not None and known.values:
                emptied = Secret({})
                await tokens.compare_and_set(connection.tenant, vendor, emptied, expected_version=known.version)
    finally:
        await tokens.aclose()


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
