"""`sluiceway rules`: check business rules, and see what they would have made of the orders there are."""

import json
import sys
from pathlib import Path

import click

from connectors.errors import FatalError, MappingError
from connectors.kafka.codec import Codec
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import CANONICAL
from streams.commands.reading import latest
from streams.settings import Settings
from streams.stages.mapping import paths
from streams.stages.mapping.document import text_of
from streams.stages.orders import judged
from streams.stages.rules import check_rules, parse_rules

FILE = click.argument("file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))


@click.group()
def rules() -> None:
    """Check and try business rules."""


@rules.command("check")
@FILE
def check(file: Path) -> None:
    """Check the rules in FILE. Exit code 1 if anything is wrong."""
    text = text_of(file)
    problems = check_rules(text, str(file))
    for problem in problems:
        click.echo(str(problem), err=True)
    if not problems:
        click.echo(f"{len(parse_rules(text).rules)} rules are right")
    sys.exit(1 if problems else 0)


@rules.command("test")
@FILE
@click.option("--tenant", required=True, help="whose recorded orders to try them on")
@click.option("--json", "as_json", is_flag=True, help="print JSON, one order a line")
def test(file: Path, tenant: str, *, as_json: bool) -> None:
    """Try the rules in FILE on the won orders of a tenant in Kafka; nothing is written.

    Shows for each order which rules apply, and what would differ from the order as it stands. Exit code 1 if a
    condition has no answer for some order: that would be dead-lettered.
    """
    text = text_of(file)
    if problems := check_rules(text, str(file)):
        raise FatalError("\n".join(map(str, problems)))
    wanted = parse_rules(text, str(file))
    settings = Settings()
    ids = RegistryIds(settings.registry)
    try:
        orders = latest(settings.kafka, Codec(ids), "order", tenant)
        parties = latest(settings.kafka, Codec(ids), "party", tenant)
    finally:
        ids.close()
    won = [order for order in orders.values() if order["status"] == "WON"]
    if not won:
        raise FatalError(f"tenant {tenant} has no won orders in {CANONICAL['order'].name}; is the name right?")
    unanswered = 0
    for order in sorted(won, key=lambda found: (found["closed_on"] is not None, found["closed_on"], found["id"])):
        try:
            verdict = judged(wanted, order, parties.get(order["customer_id"]), parties.get(order["contact_id"]))
        except MappingError as error:
            unanswered += 1
            click.echo(f"{order['name'] or order['id']}: {error}", err=True)
            continue
        fields = {**verdict.fields, "skip": verdict.skip}
        differs = {name: paths.plain(value) for name, value in fields.items() if order.get(name, False) != value}
        applied = verdict.fields["applied_rules"]
        if as_json:
            found = {"id": order["id"], "name": order["name"], "applied": applied, "differs": differs}
            click.echo(json.dumps(found, ensure_ascii=False))
            continue
        click.echo(f"{order['name'] or order['id']}: {', '.join(applied) or 'no rule applies'}")
        for name, value in differs.items():
            click.echo(f"    {name}: {_json(paths.plain(order.get(name)))} → {_json(value)}")
    if not as_json:
        click.echo(f"{len(won)} won orders tried; nothing was written")
    sys.exit(1 if unanswered else 0)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


COMMANDS = (rules,)
