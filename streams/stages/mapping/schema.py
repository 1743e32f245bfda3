"""The canonical schemas as mapping sees them: which fields there are, what may go in, and how it gets there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from connectors.kafka import schemas
from streams.stages import money, normalise
from streams.stages.mapping.paths import ITEMS, Tree

# What an expression may yield for a type, by CEL's own names; the rest is refused when the template is read.
TEXT = frozenset({"STRING"})
ACCEPTED: Mapping[str, frozenset[str]] = {
    "string": TEXT,
    "enum": TEXT,
    "boolean": frozenset({"BOOL"}),
    "long": frozenset({"INT"}),
    "int": frozenset({"INT"}),
    "decimal": frozenset({"STRING", "INT"}),
    "date": TEXT,
    "timestamp-micros": TEXT,
    "texts": frozenset({"LIST"}),
}
ROLES: Mapping[str, str] = {
    "party": "party", "customer": "party", "contact": "party",
    "product": "product", "order": "order", "invoice": "invoice", "payment": "payment",
}  # fmt: skip
"""What outbound templates and rules may read, and which entity each is."""
CUSTOM_TYPES = ("string", "boolean", "long", "decimal", "timestamp-micros", "date")


@dataclass(frozen=True, slots=True)
class Type:
    """The type of one field.

    Attributes:
        kind: a key of ACCEPTED, or `record`, `list` (of records), `other` (set by the stages themselves).
        optional: null is allowed.
        has_default: a record is complete without it; `default` is what then stands there.
        scale, precision: of a decimal.
        symbols: of an enum.
        fields: of a record or of a list's records.
        record: name of the record type, for messages.
    """

    kind: str
    optional: bool = False
    has_default: bool = False
    default: Any = None
    scale: int = 0
    precision: int = 0
    symbols: tuple[str, ...] = ()
    fields: Mapping[str, "Type"] | None = None
    record: str = ""

    def accepts(self, cel: str) -> bool:
        """Tell whether an expression of this CEL type may fill it; DYN is decided by each value."""
        name = cel.partition("<")[0]
        return name == "DYN" or (name == "NULL" and self.optional) or name in ACCEPTED.get(self.kind, ())

    def convert(self, value: Any) -> Any:
        """Return `value`, as CEL yields it, in the form the codec writes.

        Raises:
            ValueError: it does not fit; says why without repeating it.
        """
        if value is None:
            if not self.optional:
                raise ValueError("is empty; give a default or a condition")
            return None
        return _CONVERTERS[self.kind](self, value)

    def fitted(self, number: Decimal) -> Decimal:
        """Return a number with the digits of a decimal field.

        Raises:
            ValueError: it has more of them.
        """
        try:
            fitted = money.CONTEXT.quantize(number, _QUANTA[self.scale])
        except InvalidOperation:
            raise ValueError("has too many digits") from None
        if fitted and fitted.adjusted() + self.scale >= self.precision:
            raise ValueError(f"has more than {self.precision - self.scale} digits before the point")
        if fitted != number:
            raise ValueError(f"has more than {self.scale} digits after the point; round it")
        return fitted or abs(fitted)  # nothing is never below zero

    @property
    def parts(self) -> Mapping[str, Any]:
        """The parts of a record, or of a list's records, as they stand where nothing is said of them."""
        return {name: part.default for name, part in (self.fields or {}).items()}


CUSTOM_DECIMAL = Type("decimal", scale=4, precision=19)
NAMES: Mapping[type, str] = {
    str: "a text", bool: "a truth value", int: "a number", float: "a floating point number",
    list: "a list", dict: "a map",
}  # fmt: skip


def named(value: Any) -> str:
    """Return what kind of value it is, for messages."""
    return NAMES.get(type(value), type(value).__name__)


def as_id(value: Any) -> str:
    """Return what an expression yields as a vendor's id.

    Raises:
        ValueError: it is a list or a map.
    """
    if isinstance(value, list | dict):
        raise ValueError(f"is {named(value)} where an id belongs")  # noqa: TRY004  one error
    return str(value)


def complete(fields: Mapping[str, Type], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with every field that has a default, as the codec would read it back."""
    return {name: given.get(name, wanted.default) for name, wanted in fields.items()}


def _text(_: Type, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"is {named(value)}, not a text; wrap it in text()")  # noqa: TRY004  one error
    return value


def _flag(_: Type, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"is {named(value)}, not a truth value")  # noqa: TRY004  one error
    return value


def _integer(_: Type, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"is {named(value)}, not a whole number")  # noqa: TRY004  one error
    return value


_QUANTA = [Decimal(1).scaleb(-scale) for scale in range(20)]


def _decimal(wanted: Type, value: Any) -> Decimal:
    return wanted.fitted(money.decimal(value))


def _symbol(wanted: Type, value: Any) -> str:
    if value not in wanted.symbols:
        raise ValueError(f"is {value!r}, not one of {', '.join(wanted.symbols)}")
    return str(value)


def _day(wanted: Type, value: Any) -> date:
    try:
        return date.fromisoformat(_text(wanted, value))
    except ValueError:
        raise ValueError("is not a date like 2026-01-31; use date()") from None


def _instant(wanted: Type, value: Any) -> datetime:
    return normalise.instant(_text(wanted, value))


def _texts(wanted: Type, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"is {named(value)}, not a list")  # noqa: TRY004  one error
    return [_text(wanted, item) for item in value]


_CONVERTERS: Mapping[str, Callable[[Type, Any], Any]] = {
    "string": _text,
    "enum": _symbol,
    "boolean": _flag,
    "long": _integer,
    "int": _integer,
    "decimal": _decimal,
    "date": _day,
    "timestamp-micros": _instant,
    "texts": _texts,
}


@cache
def entity(name: str) -> Mapping[str, Type]:
    """Return the fields of a canonical entity: party, product, order, invoice, payment."""
    source = json.loads(schemas.sources()[f"sluiceway.canonical.{name.capitalize()}"])
    return _fields(source, {})


def tree(types: Mapping[str, Type]) -> Tree:
    """Return the fields of an entity or record as declared ones, at every depth; maps are read whole."""
    return {name: _declared(wanted) for name, wanted in types.items()}


def _declared(wanted: Type) -> Tree | None:
    if wanted.fields is None:
        return None
    return {ITEMS: tree(wanted.fields)} if wanted.kind == "list" else tree(wanted.fields)


def custom(kind: str) -> Type:
    """Return the type of a custom field."""
    return replace(CUSTOM_DECIMAL if kind == "decimal" else Type(kind), optional=True, has_default=True)


@cache
def empty(name: str) -> Mapping[str, Any]:
    """Return the defaults of an entity's fields that have one, as the schema states them."""
    source = json.loads(schemas.sources()[f"sluiceway.canonical.{name.capitalize()}"])
    return {field["name"]: field["default"] for field in source["fields"] if "default" in field}


def as_role(role: str, record: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return what expressions read as `role`: the record, or one with nothing in it."""
    return record if record is not None else empty(ROLES[role])


def _fields(record: Mapping[str, Any], named: dict[str, Any]) -> Mapping[str, Type]:
    named[record["name"]] = record
    return {
        field["name"]: replace(
            _type(field["type"], named), has_default="default" in field, default=field.get("default")
        )
        for field in record["fields"]
    }


def _type(schema: Any, named: dict[str, Any]) -> Type:
    if isinstance(schema, list):
        return replace(_type(next(part for part in schema if part != "null"), named), optional=True)
    if isinstance(schema, str) and schema not in named:
        return Type(schema)
    return _complex(named[schema] if isinstance(schema, str) else schema, named)


def _complex(schema: Mapping[str, Any], named: dict[str, Any]) -> Type:
    kind = schema.get("logicalType", schema["type"])
    if kind == "record":
        return Type("record", fields=_fields(schema, named), record=schema["name"])
    if kind == "array" and schema["items"] == "string":
        return Type("texts")
    if kind == "array":
        item = _type(schema["items"], named)
        return Type("list", fields=item.fields, record=item.record)
    if kind == "map":
        return Type("other")
    return Type(
        kind,
        scale=schema.get("scale", 0),
        precision=schema.get("precision", 0),
        symbols=tuple(schema.get("symbols", ())),
    )
