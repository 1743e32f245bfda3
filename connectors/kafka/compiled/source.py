"""Source code of one function, put together line by line."""

import itertools
from collections.abc import Mapping
from typing import Any


class NotCompiledError(Exception):
    """The schema has a type that is left to fastavro."""


class Source:
    """The lines of one function; values live in local variables, constants in its globals.

    Args:
        helpers: what the lines call, by name; constants are added.
        named: Avro schemas by name, of `fastavro.parse_schema`.
    """

    def __init__(self, helpers: dict[str, Any], named: Mapping[str, Any] | None = None) -> None:
        self._named = named or {}
        self._globals = helpers
        self._lines: list[str] = []
        self._depth = 1
        self._names = itertools.count(1)

    def function(self, parameters: str) -> Any:
        """Return the finished function."""
        source = "\n".join([f"def compiled({parameters}):", *self._lines])
        exec(compile(source, "<made>", "exec"), self._globals)  # noqa: S102  of checked schemas and templates, names quoted
        return self._globals["compiled"]

    def line(self, text: str) -> None:
        """Add a line."""
        self._lines.append("    " * self._depth + text)

    def block(self, head: str) -> "Block":
        """Add the head of a block; what is added inside `with` is in it."""
        self.line(head)
        return Block(self)

    def shift(self, by: int) -> None:
        """Indent what follows."""
        self._depth += by

    def name(self) -> str:
        """Return a new variable."""
        return f"x{next(self._names)}"

    def constant(self, value: Any) -> str:
        """Return the name under which the function finds an object."""
        name = f"C{next(self._names)}"
        self._globals[name] = value
        return name

    def kind(self, schema: Any) -> tuple[str, Any]:
        """Return what decides about code, and the schema with references resolved."""
        if isinstance(schema, str) and schema in self._named:
            schema = self._named[schema]
        if isinstance(schema, list):
            return "union", schema
        if isinstance(schema, str):
            return schema, schema
        kind = schema.get("logicalType", schema["type"])
        return (kind, schema) if isinstance(kind, str) else self.kind(kind)


class Block:
    """What is indented; `with` ends it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        source.shift(1)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._source.shift(-1)
