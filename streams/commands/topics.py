"""`sluiceway topics`: create and compare the topics that the code declares."""

import json
from dataclasses import asdict

import click

from connectors.kafka.admin import TopicState, apply_topics, topic_states
from streams.commands.failures import run
from streams.settings import Settings


@click.group()
def topics() -> None:
    """Create and compare the topics."""


@topics.command("apply")
def apply_() -> None:
    """Create what is missing and correct what is configured otherwise."""
    for done in run(apply_topics(Settings().kafka)):
        if done.created:
            click.echo(f"{done.name}: created")
        for name, (wanted, found) in done.changed.items():
            click.echo(f"{done.name}: {name} {found or '(default)'} → {wanted}")
    click.echo("topics are as declared")


@topics.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON, with every difference")
def list_(*, as_json: bool) -> None:
    """Show each topic and where it differs from what is declared."""
    states = run(topic_states(Settings().kafka))
    if as_json:
        click.echo(json.dumps([asdict(state) | {"exists": state.exists} for state in states], indent=2))
        return
    width = max(len(state.name) for state in states)
    for state in states:
        click.echo(f"{state.name:<{width}}  {state.partitions:>4} partitions  {_remark(state)}")


def _remark(state: TopicState) -> str:
    if not state.exists:
        return "missing: run `sluiceway topics apply`"
    return ", ".join(f"{name} is {found}, declared {wanted}" for name, (wanted, found) in state.drift.items()) or "ok"


COMMANDS = (topics,)
