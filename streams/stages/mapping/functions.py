"""Our functions in mapping and rule expressions. Text in, text out; numbers travel as text so that no digit is lost.

A function given null where its value should be returns null, so that absent source fields need no conditions.
"""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from connectors.wire import iso_micros
from streams.stages import money, normalise, regions
from streams.stages.mapping import schema
from streams.stages.mapping.schema import Type

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


def _number(value: Any) -> Decimal:
    if value.__class__ is float:
        raise ValueError("1.5 is no exact number here; write '1.5'")
    return money.decimal(value)


def _compare(a: Any, b: Any) -> int:
    one, other = _number(a), _number(b)
    return (one > other) - (one < other)


def _text(value: Scalar) -> str:
    if value.__class__ is str:
        return normalise.text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return normalise.text(value)
    if isinstance(value, list | Mapping):
        raise ValueError(f"is {schema.named(value)} where a text belongs")  # noqa: TRY004  one error
    return str(value)


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None and value != ""), None)


def _joined(separator: str, values: Sequence[Any]) -> str | None:
    return separator.join([_text(value) for value in values if value is not None and value != ""]) or None


@lru_cache(maxsize=1024)
def _lines(value: str) -> Sequence[str]:
    """Return the lines of a text; templates ask for one after the other."""
    return [line for line in map(normalise.text, value.splitlines()) if line]


def _line(value: str, number: int) -> str | None:
    lines = _lines(value)
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


@lru_cache(maxsize=1024)
def _instant(value: Scalar) -> str:
    """Return an instant's text; what a record holds of others comes again and again, of the same version."""
    return iso_micros(normalise.instant(_text(value)))


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
    "instant": _instant,
    "epoch": lambda value: iso_micros(datetime.fromtimestamp(int(_text(value)), UTC)),
}
"""Functions of one value."""

TWO: Mapping[str, Callable[[Any, Any], Any]] = {
    "phone": lambda value, country: normalise.phone(_text(value), normalise.country(country) if country else None),
    "region": lambda value, country: (
        regions.region(_text(value), normalise.country(country) if country else None) or None
    ),
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
    "compare": _compare,
}
"""Functions of two values; `round` and `minor` take a currency, `places` digits; `compare` yields -1, 0 or 1."""
SECOND_MAY_BE_NULL = frozenset({"phone", "region", "round"})
NUMERIC = frozenset({"decimal", "add", "sub", "mul", "div", "round", "places", "minor", "compare"})
"""Functions that, called directly, take a decimal as it is, not only its text."""


def _null_in(function: Callable[..., Any], second_may_be_null: bool) -> Callable[..., Any]:
    def guarded(value: Any, *more: Any) -> Any:
        if value is None or (not second_may_be_null and None in more):
            return None
        return function(value, *more)

    return guarded


def _scalars(name: str, count: int, function: Callable[..., Any]) -> "_Declared":
    return name, [
        (f"{name}_{'_'.join(kinds)}", [SCALARS[kind] for kind in kinds], function)
        for kinds in itertools.product(SCALARS, repeat=count)
    ]


def _declared(name: str, *signatures: tuple[list[Any], Callable[..., Any]]) -> "_Declared":
    return name, [(f"{name}_{i}", parameters, function) for i, (parameters, function) in enumerate(signatures)]


_Declared = tuple[str, list[tuple[str, list[Any], Callable[..., Any]]]]
"""A function's name; name, parameters and function of each of its overloads."""
YIELDS: Mapping[str, Any] = {
    **dict.fromkeys([*ONE, *(name for name in TWO if name != "compare"), "joined", "sum"], cel.Type.STRING),
    **dict.fromkeys(["emails", "phones"], cel.Type.List(cel.Type.STRING)),
    "compare": cel.Type.INT,
}
"""What functions yield unless it is null; of the others that depends on their values."""


def declarations(yields: Mapping[str, Any] | None = None) -> list[cel.FunctionDecl]:
    """Return every function, for the environment in which expressions are compiled.

    Args:
        yields: what functions are said to yield; anything, if not given, as they may all yield null.
    """
    text, null = cel.Type.STRING, cel.Type.NULL
    found = [_scalars(name, 1, _null_in(function, False)) for name, function in ONE.items()]
    found += [_scalars(name, 2, _null_in(function, name in SECOND_MAY_BE_NULL)) for name, function in TWO.items()]
    found += [
        _declared("coalesce", ([LIST], lambda values: _coalesce(*values))),
        _declared("joined", ([text, LIST], _joined)),
        _declared("first", ([LIST], lambda values: _coalesce(*values))),
        _declared("emails", ([LIST], _emails)),
        _declared("phones", ([LIST, text], _phones), ([LIST, null], _phones)),
        _declared("sum", ([LIST], _sum)),
        _declared("case", *(([SCALARS[a], MAP, SCALARS[b]], _case) for a in SCALARS for b in SCALARS)),
        _declared("ref", ([text], _ref), ([null], _ref)),
        _declared("lookup", ([text, text], _lookup), ([text, null], _lookup)),
    ]
    return [
        cel.FunctionDecl(name, [_overload(overload, (yields or {}).get(name, cel.Type.DYN)) for overload in overloads])
        for name, overloads in found
    ]


def _overload(of: tuple[str, list[Any], Callable[..., Any]], yields: Any) -> cel.Overload:
    name, parameters, function = of
    return cel.Overload(name, yields, parameters, is_member=False, impl=function)


def _of_one(name: str) -> Callable[[Any], Any]:
    function, classes = ONE[name], _EXACT if name in NUMERIC else _CLASSES

    def checked(value: Any) -> Any:
        if value is None:
            return None
        if value.__class__ not in classes:
            raise TypeError("not a scalar")
        return function(value)

    return checked


def _of_two(name: str) -> Callable[[Any, Any], Any]:
    function, classes = TWO[name], _EXACT if name in NUMERIC else _CLASSES
    second_may_be_null = name in SECOND_MAY_BE_NULL

    def checked(value: Any, second: Any) -> Any:
        if value.__class__ not in classes or second.__class__ not in classes:
            raise TypeError("not a scalar")
        if value is None or (second is None and not second_may_be_null):
            return None
        return function(value, second)

    return checked


def _of(function: Callable[..., Any], *wanted: Collection[type]) -> Callable[..., Any]:
    def checked(*values: Any) -> Any:
        for value, classes in zip(values, wanted, strict=True):
            if value.__class__ not in classes:
                raise TypeError("not of the declared types")
        return function(*values)

    def checked_one(value: Any) -> Any:
        if value.__class__ not in wanted[0]:
            raise TypeError("not of the declared type")
        return function(value)

    def checked_two(value: Any, second: Any) -> Any:
        if value.__class__ not in wanted[0] or second.__class__ not in wanted[1]:
            raise TypeError("not of the declared types")
        return function(value, second)

    functions: Mapping[int, Callable[..., Any]] = {1: checked_one, 2: checked_two}
    return functions.get(len(wanted), checked)


def _words(value: Any) -> Any:
    """Return what `text` does, with fewer steps for what is a text already."""
    return normalise.text(value) or None if value.__class__ is str else _ANY_TEXT(value)


def _land(value: Any) -> Any:
    """Return what `country` does, likewise."""
    return normalise.country(value) or None if value.__class__ is str else _ANY_COUNTRY(value)


def _first(values: Any) -> Any:
    if values.__class__ is not list:
        raise TypeError("not a list")
    for value in values:
        if value is not None and value != "":
            return value
    return None


_CLASSES = frozenset({type(None), str, int, bool, float})
_EXACT = _CLASSES | {Decimal}
_ANY_TEXT, _ANY_COUNTRY = _of_one("text"), _of_one("country")
_TEXT, _LIST, _MAP = (str,), (list,), (dict,)
_TEXT_OR_NULL = (str, type(None))
DIRECT: Mapping[tuple[str, int], Callable[..., Any]] = {
    **{(name, 1): _of_one(name) for name in ONE},
    **{(name, 2): _of_two(name) for name in TWO},
    ("text", 1): _words,
    ("country", 1): _land,
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


def _fitting(wanted: Type) -> Callable[[Any], Any]:
    def fitted(value: Any) -> Any:
        if value is None:
            return None
        if value.__class__ not in _EXACT:
            raise TypeError("not a number")
        return wanted.fitted(_number(value))

    return fitted


def _day(value: Any, zone: Any) -> Any:
    return None if value is None or zone is None else normalise.day(value, zone)


def _moment(value: Any) -> Any:
    if value.__class__ is not str:
        return None if value is None else normalise.instant(_text(value))
    return normalise.instant(value)


TYPED: Mapping[tuple[str, str, int], Callable[[Type], Callable[..., Any]]] = {
    ("decimal", "decimal", 1): _fitting,
    ("date", "date", 2): lambda _: _day,
    ("timestamp-micros", "instant", 1): lambda _: _moment,
}
"""Of a field's kind, a function's name and number of parameters: what yields the field's value itself, not its text."""
