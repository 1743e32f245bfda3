"""`sluiceway sandbox`: fake vendors, faithful enough for the vendors' own clients."""

import asyncio
import signal

import click

from connectors.sandbox.server import serve
from connectors.sandbox.vendors import VENDORS
from streams.commands.failures import run
from streams.settings import Settings


@click.command()
@click.argument("vendors", nargs=-1, type=click.Choice(sorted(VENDORS)))
def sandbox(vendors: tuple[str, ...]) -> None:
    """Serve fake VENDORS (all of them if none is named) until SIGTERM."""
    run(_serve(Settings(), vendors or tuple(sorted(VENDORS))))


async def _serve(settings: Settings, vendors: tuple[str, ...]) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    sandboxes = await serve(vendors, settings.data_dir / "sandbox", settings.ports.model_dump(), settings.host)
    for name in vendors:
        click.echo(f"{name}: {sandboxes.url(name)}  {sandboxes.url(name, 'https')}  (CA {sandboxes.ca_file})")
    try:
        await ended.wait()
    finally:
        await sandboxes.aclose()


COMMANDS = (sandbox,)
