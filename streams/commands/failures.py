"""Every error a command may meet, as one line that says what is wrong and what to do; never a traceback."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
from confluent_kafka import KafkaException
from confluent_kafka.schema_registry.error import SchemaRegistryError
from pydantic import ValidationError
from pydantic_settings import SettingsError

from connectors.errors import ConnectorError, DecodeError, MappingError
from connectors.kafka.client import explain
from connectors.kafka.embedded.errors import EmbeddedError
from streams.commands import load
from streams.settings import Settings

T = TypeVar("T")


class Failure(click.ClickException):
    """Ends a command with exit code 2 and `error: <what> — <what to do>` on stderr."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the message."""
        click.echo(f"error: {self.message}", file=file, err=file is None)


class Commands(click.Group):
    """The root of the command line: imports what is asked for, turns expected errors into a `Failure`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's
        """Return all names, in the order of help."""
        return [command.name or "" for command in load()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's
        """Return a command."""
        return next((command for command in load(cmd_name) if command.name == cmd_name), None)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own; it also knows that `| head` has read enough
        except Exception as error:
            message = describe(error)
            if message is None:
                raise
            raise Failure(message) from error


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)


def describe(error: BaseException) -> str | None:
    """Return what to tell the operator, or None: an error nobody foresaw, whose traceback is wanted."""
    if isinstance(error, ExceptionGroup):
        found = [describe(inner) for inner in error.exceptions]
        return "\n".join(text for text in found if text) if all(found) else None
    if isinstance(error, ValidationError):
        return "\n".join(_settings_lines(error))
    if isinstance(error, SettingsError):
        return f"{error} — lists and mappings are written as JSON"
    if isinstance(error, KafkaException):
        return "; ".join([f"Kafka: {explain(error)}", *getattr(error, "__notes__", [])])
    if isinstance(error, SchemaRegistryError):
        return f"the schema registry refuses: {error.error_message} (HTTP {error.http_status_code})"
    if isinstance(error, OSError):
        return _os_line(error)
    if isinstance(error, ConnectorError | DecodeError | MappingError | EmbeddedError):
        return str(error)
    return None


def _settings_lines(error: ValidationError) -> list[str]:
    """Return a line per wrong setting, named as in the environment; values may be secrets and are not shown."""
    prefix = Settings.model_config.get("env_prefix", "") if error.title == Settings.__name__ else ""
    return [
        f"{prefix}{'__'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]


def _os_line(error: OSError) -> str:
    subject = f"{error.filename}: " if error.filename else ""
    reason = (error.strerror or str(error)).lower()
    return f"{subject}{reason} — check that it exists and that this user may use it" if subject else reason
