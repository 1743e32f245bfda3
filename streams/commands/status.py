"""`sluiceway status`: what runs on this machine, and where."""

import json
import sys
from dataclasses import asdict

import click

from streams.commands.failures import run
from streams.local.state import StateFile
from streams.local.status import status as ask
from streams.local.status import table
from streams.settings import Settings

_NOT_READY = 3


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def status(*, as_json: bool) -> None:
    """Show what runs and where. Exit code 0 when all of it is ready, 3 otherwise."""
    found = run(ask(StateFile(Settings().data_dir)))
    click.echo(json.dumps(asdict(found), indent=2) if as_json else table(found))
    sys.exit(0 if found.ready else _NOT_READY)


COMMANDS = (status,)
