"""The wire format: what goes in comes out, and what is broken is told apart from what is unknown."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import DecodeError, UnknownSchemaError
from connectors.kafka import schemas
from connectors.kafka.codec import PREFIX, Codec, LocalIds
from connectors.kafka.records import Connection, VendorConnection, VendorRecord
from connectors.kafka.topics import CONNECTION, INBOX, TOPICS

NAMES = sorted(schemas.sources())
INSTANTS = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LIMITS = {"int": 2**31, "long": 2**63}


def values(schema: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a schema as fastavro parses it."""
    if isinstance(schema, list):
        return st.one_of([values(branch, named) for branch in schema])
    if isinstance(schema, str):
        return values(named[schema], named) if schema in named else plain(schema)
    if "name" in schema:
        named[schema["name"]] = schema
    kind = schema["type"]
    if "logicalType" in schema:
        return logical(schema)
    if kind == "record":
        return st.fixed_dictionaries({f["name"]: values(f["type"], named) for f in schema["fields"]})
    if kind == "enum":
        return st.sampled_from(schema["symbols"])
    if kind == "array":
        return st.lists(values(schema["items"], named), max_size=2)
    if kind == "map":
        return st.dictionaries(TEXTS, values(schema["values"], named), max_size=2)
    return values(kind, named)


def plain(kind: str) -> st.SearchStrategy[Any]:
    """Return a strategy for a primitive type."""
    if kind in LIMITS:
        return st.integers(-LIMITS[kind], LIMITS[kind] - 1)
    if kind == "double":
        return st.floats(allow_nan=False)
    return {"null": st.none(), "string": TEXTS, "boolean": st.booleans(), "bytes": st.binary(max_size=20)}[kind]


def logical(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for a logical type."""
    if schema["logicalType"] == "decimal":
        bound = Decimal(10) ** (schema["precision"] - schema["scale"]) - 1
        return st.decimals(-bound, bound, places=schema["scale"])
    return {"timestamp-micros": INSTANTS, "date": st.dates(min_value=date(1900, 1, 1))}[schema["logicalType"]]


def carrier(name: str) -> Any:
    """Return a topic that carries the record type; a type of no topic is registered nowhere."""
    return next(topic for topic in TOPICS if name in topic.schemas)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_encoded_decodes_to_the_same(name: str, data: st.DataObject) -> None:
    """Every record type survives the round trip, amounts, instants and dates exactly."""
    codec = Codec(LocalIds())
    value = data.draw(values(schemas.parsed(name), {}))
    assert codec.decode(codec.encode_as(carrier(name), name, value)) == (name, value)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(range(1, len(NAMES) + 1)), st.binary(max_size=60))
def test_any_bytes_decode_or_say_why_not(known_id: int, junk: bytes) -> None:
    """Whatever stands behind a known id is a value or a DecodeError, never another exception."""
    codec = Codec(LocalIds())
    with contextlib.suppress(DecodeError):
        codec.decode(PREFIX.pack(0, known_id) + junk)


@pytest.fixture
def encoded() -> bytes:
    """A well-formed record."""
    record = VendorRecord("acme", "quickbooks", "Invoice", "7", "1", "webhook", b"{}", datetime(2026, 1, 1, tzinfo=UTC))
    return Codec(LocalIds()).encode(INBOX, record)


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 20, -1])
def test_shortened_bytes_are_broken(encoded: bytes, cut: int) -> None:
    """A record that ends too early is a DecodeError."""
    with pytest.raises(DecodeError) as caught:
        Codec(LocalIds()).decode(encoded[:cut])
    assert not isinstance(caught.value, UnknownSchemaError)


def test_bytes_left_over_are_broken(encoded: bytes) -> None:
    """A record with something behind it is a DecodeError that counts the rest."""
    with pytest.raises(DecodeError, match="2 bytes left over"):
        Codec(LocalIds()).decode(encoded + b"xx")


def test_other_formats_are_broken() -> None:
    """JSON instead of Confluent's format is a DecodeError that shows how it starts."""
    with pytest.raises(DecodeError, match=b'{"a":'.hex()):
        Codec(LocalIds()).decode(b'{"a":1}')


def test_an_unknown_id_is_not_broken(encoded: bytes) -> None:
    """An id that the registry does not know is an error of its own, because waiting helps."""
    with pytest.raises(UnknownSchemaError, match="schema id 4000000"):
        Codec(LocalIds()).decode(PREFIX.pack(0, 4_000_000) + encoded[5:])


def test_a_record_of_another_type_is_refused(encoded: bytes) -> None:
    """Who asks for one record type does not get another."""
    with pytest.raises(DecodeError, match=r"expected sluiceway\.connection\.Connection"):
        Codec(LocalIds()).decode_as(encoded, Connection)


def test_nested_records_come_back_as_values() -> None:
    """A connection's vendors are VendorConnection again."""
    codec = Codec(LocalIds())
    connection = Connection(
        "acme", 1, {"quickbooks": VendorConnection("https://x", "1", settings={"a": "b"})}, "UTC", "EUR"
    )
    assert codec.decode_as(codec.encode(CONNECTION, connection), Connection) == connection
