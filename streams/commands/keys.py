"""`sluiceway keys`: API keys of a tenant's own programs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import click

from connectors.clock import SystemClock
from streams.commands.failures import run
from streams.gateway.keys import ApiKeys
from streams.settings import Settings
from streams.tokens import open_tokens


@click.group()
def keys() -> None:
    """Issue, list, rotate and revoke API keys; only a hash of each is kept."""


@keys.command("issue")
@click.argument("tenant")
@click.option("--name", default="", help="what it is for")
@click.option("--days", type=click.IntRange(1), help="how long it lasts; without it, until revoked")
def issue(tenant: str, name: str, days: int | None) -> None:
    """Print a new key of TENANT; it can be read this once."""

    async def work() -> str:
        async with _keys() as found:
            return await found.issue(tenant, name, timedelta(days=days) if days else None)

    click.echo(run(work()))


@keys.command("list")
@click.argument("tenant")
def list_(tenant: str) -> None:
    """Show id, beginning, end and name of TENANT's keys."""

    async def work() -> list[str]:
        async with _keys() as found:
            known = sorted((await found.all(tenant)).items(), key=lambda pair: pair[1].created)
            return [f"{key_id}  {key.created}  {key.expires or 'no end':27}  {key.name}" for key_id, key in known]

    for line in run(work()):
        click.echo(line)


@keys.command("rotate")
@click.argument("tenant")
@click.argument("key_id")
@click.option("--hours", type=click.IntRange(0), default=24, show_default=True, help="how long the old one goes on")
def rotate(tenant: str, key_id: str, hours: int) -> None:
    """Print a new key in the place of KEY_ID, which ends soon."""

    async def work() -> str:
        async with _keys() as found:
            return await found.rotate(tenant, key_id, timedelta(hours=hours))

    click.echo(run(work()))


@keys.command("revoke")
@click.argument("tenant")
@click.argument("key_id")
def revoke(tenant: str, key_id: str) -> None:
    """End KEY_ID; gateways refuse it within seconds."""

    async def work() -> None:
        async with _keys() as found:
            await found.revoke(tenant, key_id)

    run(work())


@asynccontextmanager
async def _keys() -> AsyncIterator[ApiKeys]:
    tokens = open_tokens(Settings())
    try:
        yield ApiKeys(tokens, SystemClock())
    finally:
        await tokens.aclose()


COMMANDS = (keys,)
