"""`sluiceway connections`: connect companies, look at them, pause them."""

import json
import secrets
from dataclasses import asdict, replace
from pathlib import Path

import click

from connectors.clock import SystemClock
from connectors.consent import begin
from connectors.errors import FatalError
from connectors.kafka.records import Connection
from connectors.ports import Account, Tools
from streams.commands.connection_apply import apply, console, forget
from streams.commands.connection_file import ConnectionFile
from streams.commands.failures import run
from streams.connecting import put, remove
from streams.gateway.consent import callback, consent_page
from streams.settings import Settings
from streams.tokens import open_tokens


@click.group()
def connections() -> None:
    """Connect companies, look at them, pause them."""


@connections.command("apply")
@click.argument("file", type=click.Path(path_type=Path))
def apply_(file: Path) -> None:
    """Connect or change the tenants in FILE; the same file again changes nothing."""
    entries = ConnectionFile(file)

    async def work() -> None:
        async with console(Settings()) as view:
            for line in await apply(view, entries):
                click.echo(line)

    run(work())


@connections.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_(*, as_json: bool) -> None:
    """Show all tenants and their vendors."""

    async def work() -> list[Connection]:
        async with console(Settings()) as view:
            return [view.connection(tenant) for tenant in view.directory.tenants()]

    found = run(work())
    if as_json:
        click.echo(json.dumps([asdict(connection) for connection in found], indent=2))
        return
    for connection in found:
        vendors = ", ".join(f"{n}{' (paused)' if v.paused else ''}" for n, v in sorted(connection.vendors.items()))
        click.echo(f"{connection.tenant}  revision {connection.revision}  {vendors}")


@connections.command("show")
@click.argument("tenant")
def show(tenant: str) -> None:
    """Show all of a tenant's connection, as JSON; it holds no secrets."""

    async def work() -> Connection:
        async with console(Settings()) as view:
            return view.connection(tenant)

    click.echo(json.dumps(asdict(run(work())), indent=2, ensure_ascii=False))


@connections.command("authorize")
@click.argument("tenant")
@click.argument("vendor")
def authorize(tenant: str, vendor: str) -> None:
    """Print the address at which a person lets us into TENANT's account at VENDOR; it is good for 15 minutes.

    The gateway takes the answer at SLUICEWAY_GATEWAY__PUBLIC_URL/oauth/callback, which the vendor's app must know.
    """

    async def work() -> str:
        settings = Settings()
        async with console(settings) as view:
            found = view.connection(tenant).vendors.get(vendor)
        if found is None:
            raise FatalError(f"tenant {tenant} has no {vendor}; add it to the file of `sluiceway connections apply`")
        account = Account(tenant, vendor, found.base_url, found.account, found.settings)
        page = consent_page(account)
        tokens = open_tokens(settings)
        tools = Tools(SystemClock(), tokens, frozenset(settings.allow_hosts))
        try:
            return await begin(account, page, tools, callback(settings.public_url), secrets.token_urlsafe)
        finally:
            await tokens.aclose()

    click.echo(run(work()))


@connections.command("remove")
@click.argument("tenant")
@click.confirmation_option(prompt="Its secrets are forgotten and nothing is read or written any more. Remove it?")
def remove_(tenant: str) -> None:
    """Disconnect TENANT from all vendors and forget its secrets; what is in its topics stays for their time."""

    async def work() -> None:
        settings = Settings()
        async with console(settings) as view:
            connection = view.connection(tenant)
            await remove(settings.kafka, view.codec, connection)
        await forget(settings, connection)

    run(work())
    click.echo(f"{tenant}: removed")


@connections.command("pause")
@click.argument("tenant")
@click.argument("vendor", required=False)
def pause(tenant: str, vendor: str | None) -> None:
    """Stop reading from and writing to VENDOR (all, if none is named); what is to be written waits."""
    click.echo(run(_set_paused(tenant, vendor, paused=True)))


@connections.command("resume")
@click.argument("tenant")
@click.argument("vendor", required=False)
def resume(tenant: str, vendor: str | None) -> None:
    """Go on where `pause` stopped."""
    click.echo(run(_set_paused(tenant, vendor, paused=False)))


async def _set_paused(tenant: str, vendor: str | None, *, paused: bool) -> str:
    async with console(Settings()) as view:
        connection = view.connection(tenant)
        if vendor is not None and vendor not in connection.vendors:
            known = ", ".join(sorted(connection.vendors))
            raise FatalError(f"tenant {tenant} has no {vendor} — connected are: {known}")
        vendors = {
            name: replace(found, paused=paused) if vendor in (None, name) else found
            for name, found in connection.vendors.items()
        }
        return await put(view.settings.kafka, view.codec, view.directory, replace(connection, vendors=vendors))


COMMANDS = (connections,)
