"""The compiled writers and readers say what fastavro says, byte for byte."""

import io
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import DecodeError
from connectors.kafka import compiled, records, schemas
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.topics import TOPICS, TRANSFORM_STATE
from streams.stages import rows as transform_rows

RECORDS = [kind for rows in (records, transform_rows) for kind in vars(rows).values() if hasattr(kind, "SCHEMA")]
COMPILED = sorted(set(schemas.sources()) - {"sluiceway.state.connect.Ledger"})
PARTY = "sluiceway.canonical.Party"
TEXT = st.text(max_size=6) | st.sampled_from(["x" * 63, "x" * 64, "ü" * 4000])
SIMPLE: Mapping[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "string": TEXT,
    "bytes": st.binary(max_size=9),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "timestamp-micros": st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    "date": st.dates(),
}


def values(schema: Any, named: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Any value that fits a schema."""
    if isinstance(schema, list):
        return st.one_of([values(branch, named) for branch in schema])
    if isinstance(schema, str):
        return values(named[schema], named) if schema in named else SIMPLE[schema]
    kind = schema.get("logicalType", schema["type"])
    if kind == "record":
        return st.fixed_dictionaries({field["name"]: values(field["type"], named) for field in schema["fields"]})
    if kind == "array":
        return st.lists(values(schema["items"], named), max_size=3)
    if kind == "map":
        return st.dictionaries(TEXT, values(schema["values"], named), max_size=3)
    if kind == "enum":
        return st.sampled_from(schema["symbols"])
    if kind == "decimal":
        places, digits = schema["scale"], schema["precision"]
        return st.decimals(places=places, allow_nan=False, allow_infinity=False).filter(
            lambda number: len(number.as_tuple().digits) <= digits
        )
    return values(kind, named) if isinstance(kind, dict | list) else SIMPLE[kind]


def by_fastavro(schema: Any, value: Any) -> bytes:
    """The reference."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


@pytest.mark.parametrize("name", COMPILED)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_compiled_bytes_and_values_are_fastavros(name: str, data: st.DataObject) -> None:
    """Every contract, every kind of value, both ways."""
    schema = schemas.parsed(name)
    value = data.draw(values(schema, schema["__named_schemas"]))
    out = bytearray()
    compiled.writer(schema)(out, value)
    assert bytes(out) == by_fastavro(schema, value)
    found, end = compiled.reader(schema)(bytes(out), 0)
    assert end == len(out)
    assert found == fastavro.schemaless_reader(io.BytesIO(out), schema, None)


def _decimal(value: Decimal) -> Decimal:
    return -value if value.is_zero() else value.normalize()


OTHERWISE: Mapping[type, Callable[[Any], Any]] = {
    dict: lambda value: dict(reversed(value.items())),
    list: tuple,
    Decimal: _decimal,
    datetime: lambda value: value.astimezone(timezone(timedelta(hours=1))),
    str: lambda value: next(iter(StrEnum("Text", {"TEXT": value}))),
}


def spelled(value: Any, kind: type) -> Any:
    """The same value, with all of one class in another spelling."""
    if isinstance(value, Mapping):
        value = {key: spelled(item, kind) for key, item in value.items()}
    elif isinstance(value, list):
        value = [spelled(item, kind) for item in value]
    return OTHERWISE[kind](value) if value.__class__ is kind else value


@pytest.mark.parametrize("name", COMPILED)
@settings(max_examples=15, deadline=None)
@given(data=st.data(), kind=st.sampled_from(list(OTHERWISE)))
def test_what_is_called_exact_is_read_as_the_very_same(name: str, data: st.DataObject, kind: type) -> None:
    """What was read is exact; what is spelled in another way is not, unless that way is what is read."""
    schema = schemas.parsed(name)
    drawn = data.draw(values(schema, schema["__named_schemas"]))
    write, read = compiled.writer(schema), compiled.reader(schema)
    first = bytearray()
    write(first, drawn)
    value = read(bytes(first), 0)[0]
    assert write(bytearray(), value)
    other, out = spelled(value, kind), bytearray()
    try:
        exact = write(out, other)
    except TypeError:  # some spellings are refused
        return
    assert exact == (repr(read(bytes(out), 0)[0]) == repr(other))


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: str(kind.__name__))
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_record_type_is_made_of_the_bytes(kind: type[Any], data: st.DataObject) -> None:
    """Field by field what the dictionary says."""
    schema = schemas.parsed(kind.SCHEMA)
    value, codec = data.draw(values(schema, schema["__named_schemas"])), Codec(LocalIds())
    carrier = next(topic for topic in TOPICS if kind.SCHEMA in topic.schemas)
    encoded = codec.encode_as(carrier, kind.SCHEMA, value)
    assert codec.decode_as(encoded, kind) == kind(**codec.decode(encoded)[1])


@pytest.mark.parametrize("amount", ["-0.0128", "-0.0129", "0.0127", "0.0128", "-0.0001", "-3.2768", "3.2768", "0"])
def test_decimals_at_the_edges_of_bytes_are_fastavros(amount: str) -> None:
    """Some negative numbers get a byte more than they need, there as here."""
    schema, value = schemas.parsed(PARTY), party() | {"custom": {"a": Decimal(amount)}}
    out = bytearray()
    compiled.writer(schema)(out, value)
    assert bytes(out) == by_fastavro(schema, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", "1"), ("version", True), ("version", 2**63), ("name", 7), ("kind", "ROBOT"), ("deleted", "no"),
        ("changed_at", date(2026, 1, 1)), ("emails", "ann@example.com"), ("custom", {"a": Decimal("1.23456")}),
        ("custom", {"a": Decimal("NaN")}), ("refs", [{"vendor": "x"}]), ("billing_address", "street"), ("id", None),
    ],
)  # fmt: skip
def test_what_fastavro_refuses_is_refused(name: str, value: Any) -> None:
    """The compiled writer is never more lenient."""
    record = party() | {name: value}
    try:
        expected: Any = by_fastavro(schemas.parsed(PARTY), record)
    except Exception as error:  # noqa: BLE001
        expected = (type(error), str(error))
    try:
        found: Any = Codec(LocalIds()).encode_as(TRANSFORM_STATE, PARTY, record)[5:]
    except Exception as error:  # noqa: BLE001
        found = (type(error), str(error))
    assert found == expected


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_broken_bytes_are_refused_or_read_as_fastavro_reads_them(data: st.DataObject) -> None:
    """Cut, changed or lengthened: the same value, or a DecodeError."""
    codec = Codec(LocalIds())
    whole = bytearray(codec.encode_as(TRANSFORM_STATE, PARTY, party()))
    at = data.draw(st.integers(5, len(whole) - 1))
    change = data.draw(st.sampled_from(["cut", "flip", "more"]))
    if change == "cut":
        del whole[at:]
    elif change == "flip":
        whole[at] = data.draw(st.integers(0, 255))
    else:
        whole += b"\x00"
    body = io.BytesIO(whole[5:])
    try:
        expected: Any = fastavro.schemaless_reader(body, schemas.parsed(PARTY), None)
        readable = body.tell() == len(whole) - 5
    except Exception:  # noqa: BLE001
        readable = False
    if readable:
        assert codec.decode(bytes(whole))[1] == expected
    else:
        with pytest.raises(DecodeError):
            codec.decode(bytes(whole))


def party() -> dict[str, Any]:
    """A party with something in most fields."""
    fields = schemas.parsed(PARTY)["fields"]
    return {field["name"]: field["default"] for field in fields if "default" in field} | {
        "id": "1", "tenant": "t", "version": 3, "changed_at": datetime(2026, 1, 2, tzinfo=UTC), "deleted": False,
        "merged_into": None, "refs": [{"vendor": "salesforce", "object": "Account", "id": "001"}],
        "custom": {"a": Decimal("1.5000"), "b": None, "c": True, "d": date(2026, 1, 1), "e": "x"},
        "provenance": {"name": "salesforce/Account/1"}, "kind": "ORGANISATION", "name": "Acme", "given_name": None,
        "family_name": None, "company_name": None, "emails": ["ann@example.com"], "phones": [], "website": None,
        "industry": None, "lead_source": None, "billing_address": dict.fromkeys(
            ("line1", "line2", "city", "region", "postal_code", "country")), "shipping_address": None,
        "organisation_id": None, "opted_out": False, "finance": None,
    }  # fmt: skip
