"""`sluiceway gateway`: the role that takes webhooks."""

import click

from streams.commands.failures import run
from streams.gateway.role import serve
from streams.settings import Settings


@click.command()
def gateway() -> None:
    """Take webhooks until SIGTERM; 2xx only after Kafka has them."""
    run(serve(Settings()))


COMMANDS = (gateway,)
