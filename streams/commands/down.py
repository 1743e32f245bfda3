"""`sluiceway down`: the end of `sluiceway up`."""

import click

from streams.commands.failures import run
from streams.local.control import stop
from streams.settings import Settings


@click.command()
def down() -> None:
    """Stop what `sluiceway up` started, in whatever terminal, and wait until it is gone."""
    stopped = run(stop(Settings().data_dir, click.echo))
    click.echo("stopped" if stopped else "nothing runs")


COMMANDS = (down,)
