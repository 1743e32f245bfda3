"""`sluiceway tokens`: make the store of secrets ready."""

import click

from streams.commands.failures import run
from streams.settings import Settings
from streams.tokens import open_postgres, open_tokens


@click.group()
def tokens() -> None:
    """Make the store of the connections' secrets ready."""


@tokens.command("apply")
def apply() -> None:
    """Make the table in PostgreSQL if it is not there; the other stores need nothing."""
    click.echo(run(_apply(Settings())))


async def _apply(settings: Settings) -> str:
    if settings.tokens.store == "postgres":
        store = open_postgres(settings)
        try:
            await store.make_table()
        finally:
            await store.aclose()
        return "the table sluiceway_secret is there"
    found = open_tokens(settings)
    try:
        await found.check()
    finally:
        await found.aclose()
    return f"the store {settings.tokens.store} needs nothing"


COMMANDS = (tokens,)
