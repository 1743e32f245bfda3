"""What an operator can say; each module holds the click commands of one noun in `COMMANDS`."""

from collections.abc import Iterator
from importlib import import_module

import click

MODULES = (
    "stack",
    "gateway",
    "transform",
    "connect",
    "sandbox",
    "topics",
    "schemas",
    "connections",
    "mapping",
    "dlq",
    "check",
)


def load() -> Iterator[click.Command]:
    """Yield every command, in the order of help."""
    for name in MODULES:
        yield from import_module(f"{__name__}.{name}").COMMANDS
