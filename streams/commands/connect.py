"""`sluiceway connect`: the role."""

import click

from streams.settings import Settings


@click.command()
def connect() -> None:
    """Read and write the vendors for the tenants this process owns, until SIGTERM."""
    from streams import app  # noqa: PLC0415  Faust and the stages take a second to import; other commands need neither

    app.connect(Settings())


COMMANDS = (connect,)
