"""`sluiceway schemas`: bring the contracts to the schema registry, or ask whether it would take them."""

import sys
from importlib.metadata import version

import click
import yaml

from connectors.kafka.asyncapi import document
from connectors.kafka.contracts import apply_schemas, check_schemas
from streams.commands.failures import run
from streams.settings import Settings


@click.group()
def schemas() -> None:
    """Register the Avro contracts."""


@schemas.command("apply")
def apply_() -> None:
    """Set each subject's compatibility level and register its schema."""
    for done in run(apply_schemas(Settings().registry)):
        click.echo(f"{done.subject.name}: id {done.schema_id}, {done.subject.compatibility}")


@schemas.command("check")
def check() -> None:
    """Ask whether the schemas are compatible with what is registered; changes nothing. Exit code 1 if any is not."""
    verdicts = run(check_schemas(Settings().registry))
    refused = [verdict for verdict in verdicts if verdict.state == "incompatible"]
    for verdict in verdicts:
        if verdict not in refused:
            click.echo(f"{verdict.subject.name}: {verdict.state}")
    for verdict in refused:
        subject = verdict.subject
        click.echo(f"avro/{subject.file}: breaks {subject.compatibility} of {subject.name}", err=True)
        for reason in verdict.reasons:
            click.echo(f"  {reason}", err=True)
    sys.exit(1 if refused else 0)


@schemas.command("asyncapi")
def asyncapi() -> None:
    """Print the contract for consumers as an AsyncAPI 3 document; `avro/asyncapi.yaml` is this."""
    click.echo(yaml.safe_dump(document(version("sluiceway")), sort_keys=False, allow_unicode=True, width=120), nl=False)


COMMANDS = (schemas,)
