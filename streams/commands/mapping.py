"""`sluiceway mapping`: check mapping templates before they are used."""

import sys
from pathlib import Path

import click

import connectors
from connectors.errors import FatalError
from streams.stages.mapping import check as check_templates
from streams.stages.mapping.templates import files

SHIPPED = Path(connectors.__file__).parent


@click.group()
def mapping() -> None:
    """Check mapping templates."""


@mapping.command("check")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=SHIPPED)
def check(folder: Path) -> None:
    """Check every <vendor>/mapping/*.yaml below DIR, or the shipped ones. Exit code 1 if any is wrong."""
    found = files(folder)
    if not found:
        raise FatalError(f"{folder}: no <vendor>/mapping/*.yaml below it; name the folder that holds the vendors'")
    problems = check_templates(folder)
    for problem in problems:
        click.echo(str(problem), err=True)
    click.echo(f"{len(found) - len(problems)} of {len(found)} templates are right")
    sys.exit(1 if problems else 0)


COMMANDS = (mapping,)
