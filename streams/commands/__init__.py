"""What an operator can say; each module holds the click commands of one noun in `COMMANDS`."""

from collections.abc import Iterator
from importlib import import_module

import click

MODULES: tuple[str, ...] = (
    "up",
    "down",
    "status",
    "gateway",
    "transform",
    "connect",
    "sandbox",
    "demo",
    "topics",
    "schemas",
    "tokens",
    "connections",
    "keys",
    "mapping",
    "rules",
    "review",
    "orders",
    "reconcile",
    "dlq",
    "check",
)


def load(name: str | None = None) -> Iterator[click.Command]:
    """Yield every command, in the order of help; those of one module alone if `name` is a module's.

    A role starts faster when it imports no other's code.
    """
    for module in (name,) if name in MODULES else MODULES:
        yield from import_module(f"{__name__}.{module}").COMMANDS
