"""CEL expressions, compiled once per text (engine: cel-expr-python, hidden behind this file)."""

import ctypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext.ext_strings import ExtStrings

from connectors.errors import MappingError
from streams.stages.mapping import direct, functions, paths
from streams.stages.mapping.direct import Direct
from streams.stages.mapping.paths import Tree

MAX_LENGTH = 4096
_POSITION = re.compile(r"^(?:[A-Z_]+: )?ERROR: <input>:\d+:\d+: ")
_CODE = re.compile(r"^[A-Z_]+: ")
_NONE = ctypes.py_object(None)
_UNDECLARED = re.compile(r"undeclared reference to '(\w+)'")
_HINTS: Mapping[str, str] = {
    "token recognition error at: '='": "; == compares",
    "token recognition error at: '= '": "; == compares",
    "token recognition error": "; a name with other letters than A-Z stands in brackets, source['Größe']",
    "input 'and'": "; write &&",
    "input 'or'": "; write ||",
    "input 'not'": "; write !",
}
_MISSING_KEY = re.compile(r'Key not found in map : "?([^"]*)"?')


class WrongTypeError(ValueError):
    """An expression has a value of a type for which it means nothing."""


class Scope:
    """The values of one record; given to CEL once, by the first expression that needs it.

    Args:
        values: records by variable.
        trees: their declared fields, by exactly the variables that the expressions were compiled for.
    """

    __slots__ = ("_activation", "trees", "values")

    def __init__(self, values: Mapping[str, Any], trees: Mapping[str, Tree]) -> None:
        self.values = values
        self.trees = trees
        self._activation: Any = None

    def within(self, variable: str, value: Any, tree: Tree) -> "Scope":
        """Return these values and one more."""
        return Scope({**self.values, variable: value}, {**self.trees, variable: tree})

    @property
    def activation(self) -> Any:
        """The declared fields as CEL reads them."""
        if self._activation is None:
            filled = {name: paths.fill(tree, self.values.get(name)) for name, tree in self.trees.items()}
            self._activation = _environment(tuple(sorted(filled))).Activation(filled)
        return self._activation


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression.

    Attributes:
        text: as written.
        type: CEL's name of what it yields, `DYN` where only the values decide.
    """

    text: str
    type: str
    _direct: Direct | None
    _compiled: Any

    def evaluate(self, scope: Scope) -> Any:
        """Return the value.

        Raises:
            ValueError: it has none for this record; says why, without values of the record.
        """
        if self._direct is not None:
            try:
                return self._direct(scope.values)
            except Exception:  # noqa: BLE001  what is an error is the engine's decision
                return self.by_engine(scope)
        return self.by_engine(scope)

    def by_engine(self, scope: Scope) -> Any:
        """Return the value as the engine finds it.

        Raises:
            ValueError: as `evaluate`.
        """
        result = self._compiled.eval(scope.activation)
        kind = result.type().name()
        if kind == "NULL":
            return None
        if kind == "ERROR":
            raise _error(str(result.value()))
        value = result.plain_value()
        if isinstance(value, list | dict):
            _keep_nulls(value)
        return value

    def unknown_key(self, scope: Scope) -> str | None:
        """Return the name of a field that is read but nowhere declared, as a trial run on `scope` shows."""
        result = self._compiled.eval(scope.activation)
        if result.type().name() != "ERROR":
            return None
        match = _MISSING_KEY.search(str(result.value()))
        return match[1] if match else None


@cache
def _environment(variables: tuple[str, ...]) -> Any:
    declared = {name: cel.Type.Map(cel.Type.STRING, cel.Type.DYN) for name in variables}
    return cel.NewEnv(variables=declared, extensions=[ExtStrings()], functions=functions.declarations())


def compiled(text: str, trees: Mapping[str, Tree]) -> Expression:
    """Return the expression; `trees` are the variables it may read, with their declared fields.

    Raises:
        ValueError: not CEL, or it names a function or variable that does not exist; says which.
    """
    found = _by_engine(text, tuple(sorted(trees)))
    return Expression(text, found.return_type().name(), direct.compiled(text, trees), found)


@lru_cache(maxsize=65536)
def _by_engine(text: str, variables: tuple[str, ...]) -> Any:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the expression is longer than {MAX_LENGTH} characters; split it")
    environment = _environment(variables)
    try:
        return environment.compile(text)
    except RuntimeError as error:
        raise ValueError(_compile_reason(str(error))) from None


def evaluate(path: str, expression: Expression | None, values: Scope) -> Any:
    """Return the value for the field `path`; None without an expression.

    Raises:
        MappingError: it has none for this record.
    """
    if expression is None:
        return None
    try:
        return expression.evaluate(values)
    except ValueError as error:
        raise MappingError(path, str(error)) from None


def holds(path: str, condition: Expression | None, values: Scope) -> bool:
    """Tell whether a condition is true, or there is none.

    Raises:
        MappingError: it has no answer for this record.
    """
    return condition is None or evaluate(path, condition, values) is True


def _keep_nulls(value: Any) -> None:
    """Take the references to None that cel-expr-python 0.1.3 forgets to take, one for each null that it returns.

    Before Python 3.12 made None immortal, the process would end as soon as its count of references reached zero.
    """
    for item in value.values() if isinstance(value, dict) else value:
        if item is None:
            ctypes.pythonapi.Py_IncRef(_NONE)
        elif isinstance(item, list | dict):
            _keep_nulls(item)


def _compile_reason(message: str) -> str:
    first = _POSITION.sub("", message.splitlines()[0])
    if "expecting {" in first:
        first = first.partition(" expecting {")[0]
    return f"is not a valid expression: {first}{_hint(first)}"


def _hint(message: str) -> str:
    """Return what to do about the mistakes that are made most."""
    unknown = _UNDECLARED.search(message)
    if unknown is None:
        return next((hint for part, hint in _HINTS.items() if part in message), "")
    counts = sorted(str(count) for name, count in functions.DIRECT if name == unknown[1])
    if counts:
        return f"; {unknown[1]} takes {' or '.join(counts)} {'value' if counts == ['1'] else 'values'}"
    return "; a text stands in quotes, functions are those of streams/stages/mapping/README.md"


def _error(message: str) -> ValueError:
    missing = _MISSING_KEY.search(message)
    if missing:
        return WrongTypeError(f"reads {missing[1]}, which is not declared; add it to the fields under source")
    text = _CODE.sub("", message)
    if text.startswith("No matching overloads"):
        found = text.partition(" : ")[2]
        return WrongTypeError(f"has a value of the wrong type ({found}); is a field empty or not what it seems?")
    return ValueError(text)
