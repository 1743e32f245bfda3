"""`sluiceway up`: all of Sluiceway on this machine."""

import asyncio
import signal
import sys
from collections.abc import Collection

import click

from streams.commands.failures import run
from streams.local.control import start_detached
from streams.local.stack import Stack
from streams.local.state import StateFile
from streams.local.status import status, table
from streams.settings import Settings


@click.command()
@click.option("--detach", is_flag=True, help="Return once all is ready; `sluiceway down` stops it.")
@click.option("--only", help="Comma separated steps instead of all, e.g. kafka,registry.")
def up(*, detach: bool, only: str | None) -> None:
    """Start Kafka, the registry, the sandboxes and every role; Ctrl-C stops all of it."""
    settings = Settings()
    if detach:
        run(start_detached(settings.data_dir, ["up", *(["--only", only] if only else [])], click.echo))
        click.echo(f"\n{table(run(status(StateFile(settings.data_dir))))}\n\n`sluiceway down` stops all")
        return
    run(_serve(settings, [name.strip() for name in only.split(",")] if only else ()))


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
            _say("\n" + table(await status(StateFile(settings.data_dir))))
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


COMMANDS = (up,)
