"""Values to Avro's binary form."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

from connectors.kafka.compiled.source import NotCompiledError, Source

Writer = Callable[[bytearray, Any], bool]
"""Appends a value to the bytes; raises whatever an unfit value leads to.

Returns whether a reader would make the very same of them: the same classes, order of keys, places of decimals, zone.
"""

DICTIONARY, OBJECT = "[{!r}]", ".{}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = Context(prec=200)
_MICRO = timedelta(microseconds=1)
_SMALL = 4096
_LONG_BITS = 64


def writer(schema: Any, access: str = DICTIONARY) -> Writer:
    """Compile the writer of a record.

    Args:
        schema: as `fastavro.parse_schema` returns it.
        access: how a field is read from the record itself, which is a DICTIONARY or an OBJECT.

    Raises:
        NotCompiledError: not with this schema.
    """
    source = _Writing(dict(_HELPERS), schema["__named_schemas"])
    source.line("exact = True")
    source.record(schema, "v", access)
    source.line("return exact")
    found: Writer = source.function("out, v")
    return found


def _varint(value: int) -> bytes:
    if not -(1 << _LONG_BITS - 1) <= value < 1 << _LONG_BITS - 1:
        raise ValueError("is not a long")
    rest = (value << 1) ^ (value >> _LONG_BITS - 1)
    out = bytearray()
    while rest > 0x7F:  # noqa: PLR2004  seven bits a byte, Avro specification "Binary encoding"
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_VARINTS = [_varint(n) for n in range(_SMALL)]


def _length(count: int) -> bytes:
    return _VARINTS[count] if count < _SMALL else _varint(count)


def _integer(value: int) -> bytes:
    if value.__class__ is not int:
        raise TypeError("is not an integer")
    return _VARINTS[value] if 0 <= value < _SMALL else _varint(value)


def _decimal(value: Decimal, quantum: Decimal, scale: int, limit: int) -> bytes:
    if not value.same_quantum(quantum) and value.as_tuple().exponent + scale < 0:  # type: ignore[operator]  # a TypeError for NaN and its kind
        raise ValueError("has more places than the decimal")
    number = int(value.scaleb(scale, _EXACT))
    if not -limit < number < limit:
        raise ValueError("has more digits than the decimal")
    size = number.bit_length() // 8 + 1
    return _length(size) + number.to_bytes(size, "big", signed=True)


def _instant(value: datetime) -> bytes:
    return _integer((value - _EPOCH) // _MICRO)


def _day(value: date) -> bytes:
    return _integer(value.toordinal() - _EPOCH.toordinal())


def _text(value: str) -> bytes:
    data = value.encode()
    return _length(len(data)) + data


_HELPERS: Mapping[str, Any] = {
    "text": _text,
    "key": lru_cache(maxsize=4096)(_text),
    "length": _length,
    "integer": _integer,
    "decimal": _decimal,
    # What one record leads to happened at one time, and most days are of this year.
    "instant": lru_cache(maxsize=1024)(_instant),
    "day": lru_cache(maxsize=1024)(_day),
    "Decimal": Decimal,
    "datetime": datetime,
    "date": date,
    "UTC": UTC,
    "VARINTS": _VARINTS,
}
_CLASSES: Mapping[str, str] = {
    "string": "str",
    "bytes": "bytes",
    "enum": "str",
    "boolean": "bool",
    "int": "int",
    "long": "int",
    "decimal": "Decimal",
    "timestamp-micros": "datetime",
    "date": "date",
    "record": "dict",
    "map": "dict",
    "array": "list",
}
"""How a value tells its branch of a union."""


class _Writing(Source):
    """Each method adds the lines that write a variable as one type."""

    def record(self, schema: Any, value: str, access: str) -> None:
        """Write a record's fields."""
        if access == DICTIONARY:
            names = self.constant(tuple(field["name"] for field in schema["fields"]))
            self._exact(f"{value}.__class__ is dict and tuple({value}) == {names}")
        for field in schema["fields"]:
            name = self.name()
            self.line(f"{name} = {value}{access.format(field['name'])}")
            self._value(field["type"], name)

    def _value(self, schema: Any, value: str) -> None:
        kind, schema = self.kind(schema)
        write = getattr(self, f"_{kind.replace('-', '_')}", None)
        if write is None:
            raise NotCompiledError(kind)
        write(schema, value)

    def _exact(self, condition: str) -> None:
        """Note when a value is written that would be read as another one."""
        self.line(f"if not ({condition}): exact = False")

    def _null(self, _: Any, value: str) -> None:
        self.line(f"if {value} is not None: raise TypeError")

    def _string(self, _: Any, value: str) -> None:
        self._exact(f"{value}.__class__ is str")
        self.line(f"b = {value}.encode(); n = len(b)")
        self.line("if n < 64: out.append(n + n)")
        self.line("else: out += length(n)")
        self.line("out += b")

    def _bytes(self, _: Any, value: str) -> None:
        self.line(f"if {value}.__class__ is not bytes: raise TypeError")
        self.line(f"out += length(len({value})); out += {value}")

    def _boolean(self, _: Any, value: str) -> None:
        self.line(f"if {value}.__class__ is not bool: raise TypeError")
        self.line(f"out.append({value})")

    def _long(self, _: Any, value: str) -> None:
        small = f"{value}.__class__ is int and 0 <= {value} < {_SMALL}"
        self.line(f"out += VARINTS[{value}] if {small} else integer({value})")

    def _enum(self, schema: Any, value: str) -> None:
        self._exact(f"{value}.__class__ is str")
        places = self.constant({symbol: _varint(n) for n, symbol in enumerate(schema["symbols"])})
        self.line(f"out += {places}[{value}]")

    def _decimal(self, schema: Any, value: str) -> None:
        if schema["type"] != "bytes":
            raise NotCompiledError(schema["type"])
        scale = schema.get("scale", 0)
        quantum = self.constant(Decimal(1).scaleb(-scale))
        self._exact(f"{value}.same_quantum({quantum}) and ({value} or not {value}.is_signed())")
        limit = 10 ** schema["precision"]
        self.line(f"out += decimal({value}, {quantum}, {scale}, {limit})")

    def _timestamp_micros(self, _: Any, value: str) -> None:
        self._exact(f"{value}.tzinfo is UTC")
        self.line(f"out += instant({value})")

    def _date(self, _: Any, value: str) -> None:
        self._exact(f"{value}.__class__ is date")
        self.line(f"out += day({value})")

    def _record(self, schema: Any, value: str) -> None:
        self.record(schema, value, "[{!r}]")

    def _array(self, schema: Any, value: str) -> None:
        self.line(f"if {value}.__class__ is not list and {value}.__class__ is not tuple: raise TypeError")
        self._exact(f"{value}.__class__ is list")
        item = self.name()
        with self.block(f"if {value}:"):
            self.line(f"out += length(len({value}))")
            with self.block(f"for {item} in {value}:"):
                self._value(schema["items"], item)
        self.line("out.append(0)")

    def _map(self, schema: Any, value: str) -> None:
        self._exact(f"{value}.__class__ is dict")
        key, item = self.name(), self.name()
        with self.block(f"if {value}:"):
            self.line(f"out += length(len({value}))")
            former, written = self.name(), self.name()
            self.line(f"{former} = None")
            with self.block(f"for {key}, {item} in {value}.items():"):
                self.line(f"out += key({key})")
                if self.kind(schema["values"])[0] == "string":
                    # Who set a field is one text for many.
                    with self.block(f"if {item} is not {former}:"):
                        self._exact(f"{item}.__class__ is str")
                        self.line(f"{former} = {item}; {written} = text({item})")
                    self.line(f"out += {written}")
                else:
                    self._value(schema["values"], item)
        self.line("out.append(0)")

    def _union(self, schema: Any, value: str) -> None:
        kinds = [self.kind(branch)[0] for branch in schema]
        classes = [_CLASSES.get(kind) for kind in kinds if kind != "null"]
        if None in classes or len(set(classes)) < len(classes):
            raise NotCompiledError("union")
        word = "if"
        for place, (kind, branch) in enumerate(zip(kinds, schema, strict=True)):
            test = f"{value} is None" if kind == "null" else f"{value}.__class__ is {_CLASSES[kind]}"
            with self.block(f"{word} {test}:"):
                self.line(f"out.append({2 * place})")
                if kind != "null":
                    self._value(branch, value)
            word = "elif"
        self.line("else: raise TypeError")

    _int = _long
