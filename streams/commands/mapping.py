"""`sluiceway mapping`: check, try and explain mapping templates before they are used."""

import difflib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import connectors
from connectors.errors import FatalError, MappingError
from connectors.wire import loads
from streams.stages.mapping import Templates
from streams.stages.mapping import check as check_templates
from streams.stages.mapping.explain import Line, explain, output
from streams.stages.mapping.templates import files
from streams.stages.rules import parse_rules

SHIPPED = Path(connectors.__file__).parent
FOLDER = click.option(
    "--templates", "folder", metavar="DIR", type=click.Path(path_type=Path), default=SHIPPED,
    help="folder with <vendor>/mapping/*.yaml; the shipped ones if not given",
)  # fmt: skip
ZONE = click.option("--zone", default="UTC", show_default=True, help="the company's IANA time zone")
CURRENCY = click.option("--currency", default="USD", show_default=True, help="its home currency")

RULES = click.option(
    "--rules",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="its rules, whose defaults templates read",
)


@click.group()
def mapping() -> None:
    """Check, try and explain mapping templates."""


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


@mapping.command("test")
@click.argument("cases", metavar="CASES", type=click.Path(path_type=Path, exists=True, file_okay=False))
@FOLDER
@ZONE
@CURRENCY
@RULES
@click.option("--update", is_flag=True, help="write what comes out as what is expected")
def test(cases: Path, folder: Path, zone: str, currency: str, rules: Path | None, *, update: bool) -> None:
    """Try each CASES/<vendor>/<template>/in.json; exit code 1 if any differs from the out.json beside it."""
    templates, settings = Templates.load(folder), _settings(zone, currency, rules)
    found = sorted(cases.glob("*/*/in.json"))
    if not found:
        raise FatalError(f"{cases}: no <vendor>/<template>/in.json below it; put a record of the vendor there")
    wrong = 0
    for path in found:
        name = f"{path.parts[-3]}/{path.parts[-2]}"
        made = _made(templates, name, path, settings)
        expected = path.with_name("out.json")
        if update:
            expected.write_text(made)
        before = expected.read_text() if expected.exists() else ""
        if made != before:
            wrong += 1
            click.echo(_difference(name, before, made), err=True)
    click.echo(f"{len(found) - wrong} of {len(found)} cases are as expected")
    sys.exit(1 if wrong else 0)


@mapping.command("explain")
@click.argument("name", metavar="TEMPLATE")
@click.argument("record", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@FOLDER
@ZONE
@CURRENCY
@RULES
def explain_(name: str, record: Path, folder: Path, zone: str, currency: str, rules: Path | None) -> None:
    """Show where each target of TEMPLATE, e.g. salesforce/contact, comes from in the record in FILE."""
    template = Templates.load(folder).named(name)
    for line in explain(template, _read(record), _settings(zone, currency, rules)):
        click.echo(_shown(line))


def _settings(zone: str, currency: str, rules: Path | None) -> Mapping[str, Any]:
    defaults = parse_rules(rules.read_text()).defaults.values if rules is not None else {}
    return {"zone": zone, "currency": currency, **defaults}


def _difference(name: str, before: str, made: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), made.splitlines(), f"{name}: expected", "found", lineterm="")
    return "\n".join(lines)


def _made(templates: Templates, name: str, path: Path, settings: Mapping[str, Any]) -> str:
    try:
        found = output(templates.named(name), _read(path), settings)
    except MappingError as error:
        raise MappingError(f"{path}: {error.field}", error.reason) from error
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> Any:
    try:
        found = loads(path.read_bytes())
    except ValueError as error:
        raise FatalError(f"{path}: is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise FatalError(f"{path}: should be one JSON object")
    return found


def _shown(line: Line) -> str:
    """Return the target, and below it its expression, what that read, and what is special."""
    silent = line.value is None and line.note
    reads = ", ".join(f"{name} = {_json(value)}" for name, value in line.read.items())
    details = [line.expression, f"with {reads}" if reads else "", line.note]
    head = line.target if silent else f"{line.target} = {_json(line.value)}"
    return "\n".join([head, *(f"    {detail}" for detail in details if detail)])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


COMMANDS = (mapping,)
