"""`sluiceway up`, `down`, `status`: all of Sluiceway on this machine."""

import asyncio
import json
import signal
import sys
from collections.abc import Collection
from dataclasses import asdict

import click

from streams.commands.failures import run
from streams.local.control import start_detached, stop
from streams.local.plan import names
from streams.local.stack import Stack
from streams.local.state import StateFile
from streams.local.status import status as ask
from streams.local.status import table
from streams.settings import Settings

_NOT_READY = 3


@click.command()
@click.option("--detach", is_flag=True, help="Return once all is ready; `sluiceway down` stops it.")
@click.option("--only", help="Comma separated steps instead of all, e.g. kafka,registry.")
def up(*, detach: bool, only: str | None) -> None:
    """Start Kafka, the registry, the sandboxes and every role; Ctrl-C stops all of it."""
    settings = Settings()
    if detach:
        run(start_detached(settings.data_dir, ["up", *(["--only", only] if only else [])], click.echo))
        click.echo(f"\n{table(run(ask(StateFile(settings.data_dir))))}\n\n`sluiceway down` stops all")
        return
    run(_serve(settings, [name.strip() for name in only.split(",")] if only else _possible(settings)))


def _possible(settings: Settings) -> Collection[str]:
    root = click.get_current_context().find_root()
    assert isinstance(root.command, click.Group)  # noqa: S101  the command line is one
    return [name for name in names(settings) if name in {"kafka", "registry", *root.command.list_commands(root)}]


async def _serve(settings: Settings, only: Collection[str]) -> None:
    main = asyncio.current_task()
    assert main is not None  # noqa: S101  we run in one
    asked: list[str] = []

    def end(name: str) -> None:
        if not asked:  # a second Ctrl-C must not interrupt the stopping
            main.cancel()
        asked.append(name)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number.name)
    try:
        async with Stack.running(settings, only, _say) as stack:
            _say("\n" + table(await ask(StateFile(settings.data_dir))))
            _say(f"\nlogs and data: {settings.data_dir}; Ctrl-C or `sluiceway down` stops all")
            try:
                await stack.watch()
            finally:
                _say("stopping")
    except asyncio.CancelledError:
        if not asked:
            raise
        _say("stopped")


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


@click.command()
def down() -> None:
    """Stop what `sluiceway up` started, in whatever terminal, and wait until it is gone."""
    stopped = run(stop(Settings().data_dir, click.echo))
    click.echo("stopped" if stopped else "nothing runs")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def status(*, as_json: bool) -> None:
    """Show what runs and where. Exit code 0 when all of it is ready, 3 otherwise."""
    found = run(ask(StateFile(Settings().data_dir)))
    click.echo(json.dumps(asdict(found), indent=2) if as_json else table(found))
    sys.exit(0 if found.ready else _NOT_READY)


COMMANDS = (up, down, status)
