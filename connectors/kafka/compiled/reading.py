"""Avro's binary form to values."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from connectors.kafka.compiled.source import Block, NotCompiledError, Source

Reader = Callable[[bytes, int], tuple[Any, int]]
"""Returns the value that begins at an offset, and where it ends; raises whatever broken bytes lead to."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = Context(prec=200)


def reader(schema: Any, kind: type | None = None, parameters: Sequence[str] = ()) -> Reader:
    """Compile the reader of a record.

    Args:
        schema: as `fastavro.parse_schema` returns it.
        kind: what to make of the record itself; without it, and of records in it, a dictionary.
        parameters: the fields of `kind` in the order in which it takes them.

    Raises:
        NotCompiledError: not with this schema, or `kind` has other fields.
    """
    source = _Reading(dict(_HELPERS), schema["__named_schemas"])
    found = source.value(schema) if kind is None else source.made(schema, kind, parameters)
    source.line(f"return {found}, p")
    compiled: Reader = source.function("d, p")
    return compiled


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  the last of seven bits each, Avro specification "Binary encoding"
            return (found >> 1) ^ -(found & 1), at
        shift += 7


def _exactly(value: int, scale: int) -> Decimal:
    return Decimal(value).scaleb(-scale, _EXACT)


def _size(data: bytes, at: int) -> tuple[int, int]:
    found, at = _varint(data, at)
    if found < 0:
        raise ValueError("a size below zero")
    return found, at


_HELPERS: Mapping[str, Any] = {
    "varint": _varint,
    "size": _size,
    "exactly": _exactly,
    "date": date,
    "delta": timedelta,
    "EPOCH": _EPOCH,
    "EPOCH_DAY": _EPOCH.toordinal(),
}


class _Reading(Source):
    """Each method adds the lines that read one type; `d` are the bytes, `p` the place in them."""

    def value(self, schema: Any) -> str:
        """Read a value and return the variable that holds it."""
        kind, schema = self.kind(schema)
        read = getattr(self, f"_{kind.replace('-', '_')}", None)
        if read is None:
            raise NotCompiledError(kind)
        name = self.name()
        read(schema, name)
        return name

    def made(self, schema: Any, kind: type, parameters: Sequence[str]) -> str:
        """Read a record's fields and return the call that makes a `kind` of them."""
        values = {field["name"]: self.value(field["type"]) for field in schema["fields"]}
        if sorted(values) != sorted(parameters):
            raise NotCompiledError(kind.__name__)
        return f"{self.constant(kind)}({', '.join(values[name] for name in parameters)})"

    def _number(self, name: str) -> None:
        self.line(f"{name} = d[p]; p += 1")
        self.line(f"if {name} < 128: {name} = ({name} >> 1) ^ -({name} & 1)")
        self.line(f"else: {name}, p = varint(d, p - 1)")

    def _size(self) -> None:
        """Read a number that is not negative into `n`; most are one byte, even and below 128."""
        self.line("n = d[p]; p += 1")
        self.line("if n & 129: n, p = size(d, p - 1)")
        self.line("else: n >>= 1")

    def _null(self, _: Any, name: str) -> None:
        self.line(f"{name} = None")

    def _bytes(self, _: Any, name: str) -> None:
        self._size()
        self.line(f"{name} = d[p:p + n]; p += n")

    def _string(self, _: Any, name: str) -> None:
        self._size()
        self.line(f"{name} = d[p:p + n].decode(); p += n")

    def _boolean(self, _: Any, name: str) -> None:
        self.line(f"{name} = d[p] != 0; p += 1")

    def _long(self, _: Any, name: str) -> None:
        self._number(name)

    def _enum(self, schema: Any, name: str) -> None:
        self._size()
        self.line(f"{name} = {self.constant(tuple(schema['symbols']))}[n]")

    def _decimal(self, schema: Any, name: str) -> None:
        self._bytes(schema, name)
        self.line(f"{name} = exactly(int.from_bytes({name}, 'big', signed=True), {schema.get('scale', 0)})")

    def _timestamp_micros(self, _: Any, name: str) -> None:
        self._number("n")
        self.line(f"{name} = EPOCH + delta(microseconds=n)")

    def _date(self, _: Any, name: str) -> None:
        self._number("n")
        self.line(f"{name} = date.fromordinal(n + EPOCH_DAY)")

    def _record(self, schema: Any, name: str) -> None:
        parts = [f"{field['name']!r}: {self.value(field['type'])}" for field in schema["fields"]]
        self.line(f"{name} = {{{', '.join(parts)}}}")

    def _blocks(self, name: str, empty: str) -> tuple[Block, str]:
        """Begin the loop over a list's or map's blocks and the items of each."""
        left, size = self.name(), self.name()
        self.line(f"{name} = {empty}")
        self._number(left)
        blocks = self.block(f"while {left}:")
        with self.block(f"if {left} < 0:"):
            self.line(f"{left} = -{left}")
            self._number(size)
        return blocks, left

    def _array(self, schema: Any, name: str) -> None:
        blocks, left = self._blocks(name, "[]")
        with blocks:
            with self.block(f"for _ in range({left}):"):
                self.line(f"{name}.append({self.value(schema['items'])})")
            self._number(left)

    def _map(self, schema: Any, name: str) -> None:
        last = self.name(), self.name()
        self.line(f"{last[0]} = {last[1]} = None")
        blocks, left = self._blocks(name, "{}")
        with blocks:
            with self.block(f"for _ in range({left}):"):
                key = self.value("string")
                if self.kind(schema["values"])[0] == "string":
                    self._shared(name, key, last)
                else:
                    self.line(f"{name}[{key}] = {self.value(schema['values'])}")
            self._number(left)

    def _shared(self, into: str, key: str, last: tuple[str, str]) -> None:
        """Read a text that often is the one before: who set a field is one text for many."""
        data, text = last
        self._size()
        self.line("b = d[p:p + n]; p += n")
        self.line(f"if b != {data}: {data} = b; {text} = b.decode()")
        self.line(f"{into}[{key}] = {text}")

    def _union(self, schema: Any, name: str) -> None:
        self.line("n = d[p]; p += 1")
        word = "if"
        for place, part in enumerate(schema):
            with self.block(f"{word} n == {2 * place}:"):
                self.line(f"{name} = {self.value(part)}")
            word = "elif"
        self.line("else: raise ValueError")

    _int = _long
