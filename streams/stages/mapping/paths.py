"""The fields a template or rule reads, declared as paths: `Name`, `Owner.Name`, `Line[].Amount`.

Only declared fields reach an expression, and all of them do: what a record lacks reads as null, at any depth.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connectors.wire import iso_micros
from streams.stages import money

Tree = dict[str, Any]
"""Declared fields by name: None for a leaf, a Tree below; a list's tree stands under `[]`."""
ITEMS = "[]"
MAX_INT = 2**63
NUL = "\0"
"""The engine ends a text there, and no vendor takes it."""
STRINGS = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""
"""Pattern of a text in an expression."""
_STRINGS = re.compile(STRINGS)
SEGMENT = re.compile(r"[A-Za-z_]\w*(\[\])?")


def declare(paths: Iterable[str]) -> Tree:
    """Return the tree of the declared paths.

    Raises:
        ValueError: a path is malformed; says which.
    """
    tree: Tree = {}
    for path in paths:
        below = tree
        segments = path.split(".")
        if not all(SEGMENT.fullmatch(segment) for segment in segments):
            raise ValueError(f"{path!r} is no path; write names with dots, lists as Line[].Amount")
        for i, segment in enumerate(segments):
            name, is_list = segment.removesuffix(ITEMS), segment.endswith(ITEMS)
            leaf = i == len(segments) - 1 and not is_list
            known = below.get(name)
            if known is None:
                below[name] = known = None if leaf else {}
            if is_list:
                known = known.setdefault(ITEMS, {}) if known is not None else known
            below = known if known is not None else {}
    return tree


def fill(tree: Tree | None, value: Any) -> Any:
    """Return the declared part of `value` in types that CEL takes, every declared field present."""
    if tree is None:
        return plain(value)
    if ITEMS in tree:
        return [fill(tree[ITEMS], item) for item in value] if isinstance(value, list) else []
    found = value if value.__class__ is dict or (value is not None and isinstance(value, Mapping)) else {}
    return {name: fill(below, found.get(name)) for name, below in tree.items()}


def plain(value: Any) -> Any:
    """Return a JSON or canonical value as CEL takes it: decimals, dates and instants as text, texts without NUL."""
    kind = value.__class__
    if kind is str:
        return value.replace(NUL, "") if NUL in value else value
    if value is None or kind is bool:
        return value
    if kind is dict:
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if kind is list:
        return [plain(item) for item in value]
    write = _SCALARS.get(kind)
    return _unusual(value) if write is None else write(value)


def _whole(value: int) -> int | str:
    return value if -MAX_INT <= value < MAX_INT else str(value)


_SCALARS: Mapping[type, Callable[[Any], Any]] = {
    Decimal: money.text,
    datetime: iso_micros,
    date: date.isoformat,
    int: _whole,
}


def _unusual(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def put(fields: dict[str, Any], path: str, value: Any) -> None:
    """Set the dotted path, making the records on the way."""
    name, _, rest = path.partition(".")
    if rest:
        put(fields.setdefault(name, {}), rest, value)
    else:
        fields[name] = value


def unknown(expression: str, variables: Mapping[str, Tree]) -> Iterator[str]:
    """Yield the fields that an expression reads of `variables` and that are not declared."""
    code = _STRINGS.sub("''", expression)
    for name, tree in variables.items():
        for match in re.finditer(rf"(?<![\w.])(?:{re.escape(name)})((?:\.\w+)*)(?!\w)(\s*\()?", code):
            segments = match[1].split(".")[1:]
            yield from _missing(name, tree, segments[:-1] if match[2] else segments)


def reads(expression: str, variable: str) -> frozenset[str]:
    """Return the top fields of a variable that an expression reads."""
    return frozenset(re.findall(rf"(?<![\w.]){re.escape(variable)}\.(\w+)", _STRINGS.sub("''", expression)))


def leaves(expression: str, variable: str) -> frozenset[str]:
    """Return the paths below a variable that an expression reads."""
    return frozenset(re.findall(rf"(?<![\w.]){re.escape(variable)}\.([\w.]*\w)", _STRINGS.sub("''", expression)))


def without(tree: Tree, left_out: Iterable[str]) -> Tree:
    """Return a tree without some of its leaves, nor what then is empty."""
    found = dict(tree)
    for path in left_out:
        name, _, rest = path.partition(".")
        below = without(found[name] or {}, [rest]) if rest and name in found else None
        if below:
            found[name] = below
        else:
            found.pop(name, None)
    return found


def _missing(name: str, tree: Tree | None, segments: list[str]) -> Iterator[str]:
    below: Tree | None = tree
    for i, segment in enumerate(segments):
        if below is None or ITEMS in below:
            return
        if segment not in below:
            yield ".".join([name, *segments[: i + 1]])
            return
        below = below[segment]
