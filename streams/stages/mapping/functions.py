"""Our functions in mapping and rule expressions. Text in, text out; numbers travel as text so that no digit is lost.

A function given null where its value should be returns null, so that absent source fields need no conditions.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cel_expr_python import cel

from connectors.wire import iso_micros
from streams.stages import money, normalise

Scalar = str | int | float | bool | None
# cel-expr-python does not match a scalar with a DYN parameter at run time, so each scalar type is an overload.
SCALARS: Mapping[str, Any] = {
    "null": cel.Type.NULL,
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "bool": cel.Type.BOOL,
    "double": cel.Type.DOUBLE,
}
LIST = cel.Type.List(cel.Type.DYN)
MAP = cel.Type.Map(cel.Type.DYN, cel.Type.DYN)


def _number(value: Scalar) -> Any:
    if isinstance(value, float):
        raise ValueError("1.5 is no exact number here; write '1.5'")  # noqa: TRY004  becomes the expression's error
    return money.decimal(value)  # type: ignore[arg-type]  # it refuses what it cannot take


def _text(value: Scalar) -> str:
    if value.__class__ is str:
        return normalise.text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return normalise.text(value)
    return str(value)


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None and value != ""), None)


def _joined(separator: str, values: Sequence[Any]) -> str | None:
    return separator.join(_text(value) for value in values if value is not None and value != "") or None


def _line(value: str, number: int) -> str | None:
    lines = [line for line in map(normalise.text, value.splitlines()) if line]
    return lines[number - 1] if 0 < number <= len(lines) else None


def _cut(value: Scalar, length: int) -> str | None:
    return _text(value)[:length].rstrip() or None


def _emails(values: Sequence[Any]) -> list[str]:
    return normalise.unique([normalise.email(_text(value)) for value in values if value])


def _phones(values: Sequence[Any], country: str | None) -> list[str]:
    code = normalise.country(country) if country else None
    return normalise.unique([normalise.phone(_text(value), code) for value in values if value])


def _sum(values: Sequence[Any]) -> str:
    total = money.decimal(0)
    for value in values:
        total = money.CONTEXT.add(total, _number(value if value is not None else 0))
    return money.text(total)


def _date(value: str, zone: str) -> str:
    return normalise.day(value, zone).isoformat()


def _pad(value: Scalar, width: int) -> str:
    return _text(value).rjust(width, "0")


def _ref(key: str | None) -> Any:
    return None if key is None else {"$ref": key}


def _lookup(kind: str, name: str | None) -> Any:
    return None if name is None else {"$lookup": {"object": kind, "name": name}}


def _case(value: Scalar, choices: Mapping[Any, Any], otherwise: Any) -> Any:
    return choices.get(value, otherwise)


ONE: Mapping[str, Callable[[Any], Any]] = {
    "text": lambda value: _text(value) or None,
    "lower": lambda value: _text(value).lower() or None,
    "upper": lambda value: _text(value).upper() or None,
    "email": lambda value: normalise.address(_text(value)),
    "country": lambda value: normalise.country(_text(value)) or None,
    "decimal": lambda value: money.text(_number(value)),
    "instant": lambda value: iso_micros(normalise.instant(_text(value))),
    "epoch": lambda value: iso_micros(datetime.fromtimestamp(int(_text(value)), UTC)),
}
"""Functions of one value."""

TWO: Mapping[str, Callable[[Any, Any], Any]] = {
    "phone": lambda value, country: normalise.phone(_text(value), normalise.country(country) if country else None),
    "date": _date,
    "cut": _cut,
    "pad": _pad,
    "line": _line,
    "add": lambda a, b: money.text(money.CONTEXT.add(_number(a), _number(b))),
    "sub": lambda a, b: money.text(money.CONTEXT.subtract(_number(a), _number(b))),
    "mul": lambda a, b: money.text(money.times(_number(a), _number(b))),
    "div": lambda a, b: money.text(money.CONTEXT.divide(_number(a), _number(b))),
    "round": lambda value, currency: money.text(money.rounded(_number(value), currency)),
    "places": lambda value, digits: money.text(money.placed(_number(value), digits)),
    "last": lambda value, separator: _text(value).rpartition(separator)[2] or None,
    "minor": lambda value, currency: money.text(money.from_minor(_number(value), currency)),
    "compare": lambda a, b: int(money.CONTEXT.compare(_number(a), _number(b))),
}
"""Functions of two values; `round` and `minor` take a currency, `places` digits; `compare` yields -1, 0 or 1."""
SECOND_MAY_BE_NULL = frozenset({"phone", "round"})


def _null_in(function: Callable[..., Any], second_may_be_null: bool) -> Callable[..., Any]:
    def guarded(value: Any, *more: Any) -> Any:
        if value is None or (not second_may_be_null and None in more):
            return None
        return function(value, *more)

    return guarded


def _scalars(name: str, count: int, function: Callable[..., Any]) -> cel.FunctionDecl:
    overloads = [
        _overload(f"{name}_{'_'.join(kinds)}", [SCALARS[kind] for kind in kinds], function)
        for kinds in itertools.product(SCALARS, repeat=count)
    ]
    return cel.FunctionDecl(name, overloads)


def _overload(name: str, parameters: list[Any], function: Callable[..., Any]) -> cel.Overload:
    return cel.Overload(name, cel.Type.DYN, parameters, is_member=False, impl=function)


def _declared(name: str, *signatures: tuple[list[Any], Callable[..., Any]]) -> cel.FunctionDecl:
    overloads = [_overload(f"{name}_{i}", parameters, function) for i, (parameters, function) in enumerate(signatures)]
    return cel.FunctionDecl(name, overloads)


def declarations() -> list[cel.FunctionDecl]:
    """Return every function, for the environment in which expressions are compiled."""
    text, null = cel.Type.STRING, cel.Type.NULL
    found = [_scalars(name, 1, _null_in(function, False)) for name, function in ONE.items()]
    found += [_scalars(name, 2, _null_in(function, name in SECOND_MAY_BE_NULL)) for name, function in TWO.items()]
    found += [
        cel.FunctionDecl("coalesce", [_overload("coalesce_list", [LIST], lambda values: _coalesce(*values))]),
        _declared("joined", ([text, LIST], _joined)),
        _declared("first", ([LIST], lambda values: _coalesce(*values))),
        _declared("emails", ([LIST], _emails)),
        _declared("phones", ([LIST, text], _phones), ([LIST, null], _phones)),
        _declared("sum", ([LIST], _sum)),
        cel.FunctionDecl(
            "case", [_overload(f"case_{a}_{b}", [SCALARS[a], MAP, SCALARS[b]], _case) for a in SCALARS for b in SCALARS]
        ),
        _declared("ref", ([text], _ref), ([null], _ref)),
        _declared("lookup", ([text, text], _lookup), ([text, null], _lookup)),
    ]
    return found


def _of_one(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if value is None:
            return None
        if value.__class__ not in _CLASSES:
            raise TypeError("not a scalar")
        return function(value)

    return checked


def _of_two(function: Callable[[Any, Any], Any], second_may_be_null: bool) -> Callable[[Any, Any], Any]:
    def checked(value: Any, second: Any) -> Any:
        if value.__class__ not in _CLASSES or second.__class__ not in _CLASSES:
            raise TypeError("not a scalar")
        if value is None or (second is None and not second_may_be_null):
            return None
        return function(value, second)

    return checked


def _of(function: Callable[..., Any], *wanted: tuple[type, ...] | frozenset[type]) -> Callable[..., Any]:
    def checked(*values: Any) -> Any:
        for value, classes in zip(values, wanted, strict=True):
            if value.__class__ not in classes:
                raise TypeError("not of the declared types")
        return function(*values)

    return checked


def _first(values: Any) -> Any:
    if values.__class__ is not list:
        raise TypeError("not a list")
    for value in values:
        if value is not None and value != "":
            return value
    return None


_CLASSES = frozenset({type(None), str, int, bool, float})
_TEXT, _LIST, _MAP = (str,), (list,), (dict,)
_TEXT_OR_NULL = (str, type(None))
DIRECT: Mapping[tuple[str, int], Callable[..., Any]] = {
    **{(name, 1): _of_one(function) for name, function in ONE.items()},
    **{(name, 2): _of_two(function, name in SECOND_MAY_BE_NULL) for name, function in TWO.items()},
    ("size", 1): _of(len, (str, list, dict)),
    ("string", 1): _of(str, (str, int)),
    ("coalesce", 1): _first,
    ("first", 1): _first,
    ("joined", 2): _of(_joined, _TEXT, _LIST),
    ("emails", 1): _of(_emails, _LIST),
    ("phones", 2): _of(_phones, _LIST, _TEXT_OR_NULL),
    ("sum", 1): _of(_sum, _LIST),
    ("case", 3): _of(_case, _CLASSES, _MAP, _CLASSES),
    ("ref", 1): _of(_ref, _TEXT_OR_NULL),
    ("lookup", 2): _of(_lookup, _TEXT, _TEXT_OR_NULL),
}
"""Name and number of parameters to the function itself, as `direct.py` calls it; raises for what CEL's types refuse."""
