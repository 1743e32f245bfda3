"""`sluiceway transform`: the role."""

import click

from streams.settings import Settings


@click.command()
def transform() -> None:
    """Turn inbox records into canonical records and commands, until SIGTERM."""
    from streams import app  # noqa: PLC0415  Faust and the stages take a second to import; other commands need neither

    app.transform(Settings())


COMMANDS = (transform,)
