"""Where settings come from: the environment, and a file of `NAME=value` lines that fills what it leaves open."""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_origin

from dotenv.parser import parse_stream
from pydantic import BaseModel

from connectors.errors import FatalError
from streams.settings import Settings

PREFIX = "SLUICEWAY_"


def read_env_file(path: Path) -> None:
    """Put the file's settings into the environment, child processes' too; what is set already wins.

    Raises:
        FatalError: a line is not `NAME=value`, or names no setting of ours.
        OSError: the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except UnicodeDecodeError as error:
        raise FatalError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    found = {}
    for binding in bindings:
        line = binding.original.line
        if binding.error or (binding.key is not None and binding.value is None):
            raise FatalError(f"{path}, line {line}: {binding.original.string.strip()[:40]!r} is not NAME=value")
        if binding.key is not None and binding.value is not None:
            found[binding.key] = binding.value
    refuse_unknown(found, f"{path}: ")
    for name, value in found.items():
        os.environ.setdefault(name, value)


def refuse_unknown(names: Mapping[str, str], where: str = "") -> None:
    """Refuse a name of ours that means nothing: a typo would silently leave a default in force.

    Raises:
        FatalError: names the nearest settings that exist.
    """
    fixed, open_ended = _known()
    for name in sorted(names):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in fixed or upper.startswith(open_ended):
            continue
        near = difflib.get_close_matches(upper, fixed, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else "`sluiceway check` lists all settings"
        raise FatalError(f"{where}{name} is not a setting — {hint}")


def _known() -> tuple[list[str], tuple[str, ...]]:
    """Return every setting's name, and the prefixes below which any name goes."""
    pairs = list(_names(Settings, PREFIX))
    return [name for name, _ in pairs], tuple(f"{name}__" for name, mapping in pairs if mapping)


def _names(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, bool]]:
    for field, info in model.model_fields.items():
        name = f"{prefix}{field}".upper()
        yield name, get_origin(info.annotation) is dict
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _names(info.annotation, f"{name}__")
