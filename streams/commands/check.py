"""`sluiceway check`: would a role start with these settings? Everything is looked at, nothing changed."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Iterator

import click
from pydantic import BaseModel, SecretStr

from connectors.kafka.admin import topic_states
from connectors.kafka.contracts import check_schemas
from streams.commands.environment import PREFIX
from streams.commands.failures import describe, run
from streams.gateway.origin import trusted_proxies
from streams.settings import Settings
from streams.tokens import open_tokens

HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[?[0-9a-f:]+\]?")
SECRET = re.compile(r"password|secret|key|token|credential|jaas", re.IGNORECASE)
MASK = "***"


@click.command()
def check() -> None:
    """Validate the settings, print them masked, and ask Kafka and the registry. Exit code 2 if anything is wrong."""
    settings = Settings()
    for name, value in effective(settings, PREFIX):
        click.echo(f"{name}={value}")
    problems = run(_problems(settings))
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    click.echo("" if problems else "everything is in order", nl=not problems)
    sys.exit(2 if problems else 0)


def effective(settings: BaseModel, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield every setting as it would stand in the environment; secrets are masked."""
    for field in type(settings).model_fields:
        name, value = f"{prefix}{field}".upper(), getattr(settings, field)
        if isinstance(value, BaseModel):
            yield from effective(value, f"{name}__")
        elif isinstance(value, dict):
            shown = ", ".join(f"{key}={MASK if SECRET.search(key) else text}" for key, text in sorted(value.items()))
            yield name, shown
        elif isinstance(value, list):
            yield name, ", ".join(value)
        else:
            yield name, MASK if isinstance(value, SecretStr) else "" if value is None else str(value)


async def _problems(settings: Settings) -> list[str]:
    checks: list[Callable[[Settings], Awaitable[list[str]]]] = [_hosts, _proxies, _tokens, _topics, _schemas]
    results = await asyncio.gather(*(one(settings) for one in checks), return_exceptions=True)
    problems: list[str] = []
    for result in results:
        if isinstance(result, BaseException):
            if (text := describe(result)) is None:
                raise result
            problems.append(text)
        else:
            problems += result
    return problems


async def _hosts(settings: Settings) -> list[str]:
    return [
        f"SLUICEWAY_ALLOW_HOSTS: {host!r} is no host name; write names or addresses without scheme, port and path"
        for host in settings.allow_hosts
        if not HOST.fullmatch(host.lower())
    ]


async def _proxies(settings: Settings) -> list[str]:
    trusted_proxies(settings)
    return []


async def _tokens(settings: Settings) -> list[str]:
    tokens = open_tokens(settings)
    try:
        await tokens.check()
    finally:
        await tokens.aclose()
    return []


async def _topics(settings: Settings) -> list[str]:
    states = await topic_states(settings.kafka)
    return [
        f"topic {state.name} {'differs from what is declared' if state.exists else 'does not exist'}; "
        "`sluiceway topics list` shows how, `sluiceway topics apply` mends it"
        for state in states
        if state.drift or not state.exists
    ]


async def _schemas(settings: Settings) -> list[str]:
    return [
        f"avro/{verdict.subject.file} is {verdict.state} for subject {verdict.subject.name}; "
        "`sluiceway schemas check` shows why, `sluiceway schemas apply` registers"
        for verdict in await check_schemas(settings.registry)
        if verdict.state != "known"
    ]


COMMANDS = (check,)
