"""`sluiceway mapping`: check, try and explain mapping templates before they are used."""

import difflib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from connectors.clock import SystemClock
from connectors.errors import FatalError, MappingError
from connectors.kafka.records import Connection
from connectors.ports import FieldInfo, Tools
from connectors.wire import loads
from streams.commands.connection_apply import console
from streams.commands.currencies import CURRENCIES
from streams.commands.described import describer, misfits
from streams.commands.failures import run
from streams.settings import Settings
from streams.stages import normalise
from streams.stages.mapping import SHIPPED, Templates
from streams.stages.mapping import check as check_templates
from streams.stages.mapping.document import text_of
from streams.stages.mapping.explain import Line, explain, output
from streams.stages.mapping.templates import files
from streams.stages.rules import parse_rules
from streams.tokens import open_tokens

FOLDER = click.option(
    "--templates", "folder", metavar="DIR", type=click.Path(path_type=Path), default=SHIPPED,
    help="folder with <vendor>/mapping/*.yaml; the shipped ones if not given",
)  # fmt: skip


def _known_zone(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        return normalise.zone(value).key
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


ZONE = click.option(
    "--zone", default="UTC", show_default=True, help="the company's IANA time zone", callback=_known_zone
)


def _known_currency(_: click.Context, __: click.Parameter, value: str) -> str:
    if value not in CURRENCIES:
        raise click.BadParameter(f"{value!r} is no ISO 4217 currency; use one like EUR or USD")
    return value


CURRENCY = click.option(
    "--currency", default="USD", show_default=True, help="its home currency", callback=_known_currency
)

RULES = click.option(
    "--rules",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="its rules, whose defaults templates read",
)


@click.group()
def mapping() -> None:
    """Check, try and explain mapping templates."""


@mapping.command("fields")
@click.argument("tenant")
@click.argument("vendor")
@click.option("--object", "object_type", default="", metavar="OBJECT", help="of one type only")
@click.option("--all", "everything", is_flag=True, help="the vendor's own fields too")
@click.option("--json", "as_json", is_flag=True, help="print JSON, one field a line")
def fields(tenant: str, vendor: str, object_type: str, *, everything: bool, as_json: bool) -> None:
    """Show which custom fields TENANT has at VENDOR: object, name, type, length, what may be written or chosen."""
    found = run(_described(tenant, vendor, object_type))
    for kind, info in found:
        if info.custom or everything:
            click.echo(json.dumps({"object": kind, **asdict(info)}) if as_json else _field(kind, info))


async def _described(tenant: str, vendor: str, object_type: str) -> list[tuple[str, FieldInfo]]:
    async with _asking(tenant) as (connection, tools), describer(connection, tools, vendor) as asked:
        wanted = [object_type] if object_type else asked.objects
        return [(kind, info) for kind in wanted for info in await asked.fields(kind)]


def _field(kind: str, info: FieldInfo) -> str:
    length = f"({info.length})" if info.length else ""
    chosen = f"  one of {', '.join(info.values)}" if info.values else ""
    return f"{kind}  {info.name}  {info.type}{length}  {'' if info.writable else 'read only  '}{info.label}{chosen}"


@asynccontextmanager
async def _asking(tenant: str) -> AsyncIterator[tuple[Connection, Tools]]:
    """Return a tenant's connection and what its vendors are asked with."""
    settings = Settings()
    async with console(settings) as view:
        connection = view.connection(tenant)
    tokens = open_tokens(settings)
    try:
        yield connection, Tools(SystemClock(), tokens, frozenset(settings.allow_hosts))
    finally:
        await tokens.aclose()


@mapping.command("check")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=SHIPPED)
@click.option("--tenant", default="", help="check a tenant's custom fields by what its vendors have instead")
def check(folder: Path, tenant: str) -> None:
    """Check every <vendor>/mapping/*.yaml below DIR, or the shipped ones. Exit code 1 if any is wrong."""
    if tenant:
        _check_tenant(tenant)
        return
    for unread in sorted(folder.glob("*/mapping/*.yml")):
        raise FatalError(f"{unread}: is not read; rename it to {unread.stem}.yaml")
    found = files(folder)
    if not found:
        raise FatalError(f"{folder}: no <vendor>/mapping/*.yaml below it; name the folder that holds the vendors'")
    problems = check_templates(folder, list(Templates.load(SHIPPED)))
    for problem in problems:
        click.echo(str(problem), err=True)
    click.echo(f"{len(found) - len({problem.file for problem in problems})} of {len(found)} templates are right")
    sys.exit(1 if problems else 0)


def _check_tenant(tenant: str) -> None:
    async def work() -> tuple[int, list[str]]:
        async with _asking(tenant) as (connection, tools):
            found = [
                f"{'.'.join(path)}: {reason}"
                async for path, reason in misfits(connection, partial(describer, connection, tools))
            ]
            return len(connection.custom_fields), found

    count, problems = run(work())
    for problem in problems:
        click.echo(f"{tenant}: custom_fields.{problem}", err=True)
    click.echo(f"{count} custom fields of {tenant}, {len(problems)} problems")
    sys.exit(1 if problems else 0)


@mapping.command("test")
@click.argument("cases", metavar="CASES", type=click.Path(path_type=Path, exists=True, file_okay=False))
@FOLDER
@ZONE
@CURRENCY
@RULES
@click.option("--update", is_flag=True, help="write what comes out as what is expected")
def test(cases: Path, folder: Path, zone: str, currency: str, rules: Path | None, *, update: bool) -> None:
    """Try each CASES/<vendor>/<template>/in.json; exit code 1 if any differs from the out.json beside it.

    What a connection would say besides, as its `figures`, stands in CASES/settings.json; that is what templates read.
    """
    said = cases / "settings.json"
    settings = {**_settings(zone, currency, rules), **(_read(said) if said.exists() else {})}
    templates = Templates.load(folder)
    found = sorted(cases.glob("*/*/in.json"))
    if not found:
        raise FatalError(f"{cases}: no <vendor>/<template>/in.json below it; put a record of the vendor there")
    wrong = 0
    for path in found:
        name = f"{path.parts[-3]}/{path.parts[-2]}"
        made = _made(templates, name, path, settings)
        expected = path.with_name("out.json")
        if update:
            expected.write_text(made, encoding="utf-8")
        before = text_of(expected) if expected.exists() else ""
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
    defaults = parse_rules(text_of(rules), str(rules)).defaults.values if rules is not None else {}
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
