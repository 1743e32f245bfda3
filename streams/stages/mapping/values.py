"""What source made of expressions calls: the engine's rules for values of usual types, in Python.

Anything else is left to the engine.
"""

from collections.abc import Callable, Mapping
from typing import Any

from streams.stages.mapping import paths
from streams.stages.mapping.paths import Tree


class LeftToEngineError(Exception):
    """Not a shape, or not a value, that is evaluated here."""


def _read(record: Any, names: tuple[str, ...], tree: Tree) -> Any:
    for name in names:
        record = _below(record, name)
    return paths.fill(tree, record)


def _below(record: Any, name: str) -> Any:
    if record.__class__ is dict or (record is not None and isinstance(record, Mapping)):
        return record.get(name)
    return None


def _leaf(record: Any, name: str) -> Any:
    value = _below(record, name)
    return value if value is None or (value.__class__ is str and paths.NUL not in value) else paths.plain(value)


def _item(of: Any, name: str) -> Any:
    if of.__class__ is not dict:
        raise LeftToEngineError
    return of[name]


def _at(of: Any, place: Any) -> Any:
    if of.__class__ is not list or place.__class__ is not int or place < 0:
        raise LeftToEngineError
    return of[place]


def _plus(a: Any, b: Any) -> Any:
    if a.__class__ is not b.__class__ or a.__class__ not in (str, list, int):
        raise LeftToEngineError
    found = a + b
    if found.__class__ is int and not -paths.MAX_INT <= found < paths.MAX_INT:
        raise LeftToEngineError
    return found


def _equal(a: Any, b: Any) -> bool:
    """To CEL, true is not 1; how it compares anything else is its own business."""
    if a is None or b is None:
        return a is b
    if a.__class__ not in (str, int, bool) or b.__class__ not in (str, int, bool):
        raise LeftToEngineError
    return bool(a.__class__ is b.__class__ and a == b)


def _within(value: Any, of: Any) -> bool:
    if value is None and of.__class__ is list:
        return None in of
    if value.__class__ is not str or of.__class__ not in (list, dict):
        raise LeftToEngineError
    if of.__class__ is list and any(item.__class__ is not str for item in of):
        raise LeftToEngineError
    return value in of


def _order(a: Any, b: Any) -> int:
    if a.__class__ is not b.__class__ or a.__class__ not in (str, int, float):
        raise LeftToEngineError
    return int(a > b) - int(a < b)


def _truth(value: Any) -> bool:
    if value.__class__ is not bool:
        raise LeftToEngineError
    return bool(value)


def _text(value: Any) -> str:
    if value.__class__ is not str:
        raise LeftToEngineError
    return str(value)


def _mapped(each: Callable[[Any], Any], items: Any) -> list[Any]:
    if items.__class__ is not list:
        raise LeftToEngineError
    return [each(item) for item in items]


def _filtered(holds: Callable[[Any], bool], items: Any) -> list[Any]:
    if items.__class__ is not list:
        raise LeftToEngineError
    return [item for item in items if holds(item)]


HELPERS: Mapping[str, Any] = {
    "__builtins__": {kind.__name__: kind for kind in (str, bool, len, TypeError, ValueError)},
    "NUL": paths.NUL,
    "plain": paths.plain,
    "read": _read,
    "below": _below,
    "leaf": _leaf,
    "item": _item,
    "at": _at,
    "plus": _plus,
    "equal": _equal,
    "order": _order,
    "within": _within,
    "truth": _truth,
    "text": _text,
    "mapped": _mapped,
    "filtered": _filtered,
}
"""What generated source may call."""
