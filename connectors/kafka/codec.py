"""Avro in Confluent's wire format: a zero byte, the schema id (4 bytes, big-endian), the body."""

import io
import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import fastavro

from connectors.errors import DecodeError, UnknownSchemaError
from connectors.kafka import schemas
from connectors.kafka.topics import Topic

PREFIX = struct.Struct(">bI")


class Record(Protocol):
    """A dataclass of `records`: it knows the full name of its schema."""

    SCHEMA: ClassVar[str]


T = TypeVar("T", bound=Record)


class SchemaIds(Protocol):
    """What the codec asks of a registry."""

    def id_of(self, subject: str, schema: str) -> int:
        """Return the id under which the schema named `schema` is registered for `subject`.

        Raises:
            FatalError: it is not registered; says which command registers it.
        """
        ...

    def schema_of(self, schema_id: int) -> tuple[str, Any]:
        """Return full name and parsed schema of an id.

        Raises:
            UnknownSchemaError: the registry does not know it.
        """
        ...


class Codec:
    """Encodes and decodes the records of all topics; one instance per process."""

    def __init__(self, ids: SchemaIds) -> None:
        self._ids = ids
        self._prefixes: dict[tuple[str, str], bytes] = {}

    def encode(self, topic: Topic, record: Record) -> bytes:
        """Return the bytes of one of `records`' values for `topic`."""
        return self.encode_as(topic, record.SCHEMA, as_dict(record))

    def encode_as(self, topic: Topic, schema: str, value: Mapping[str, Any]) -> bytes:
        """Return the bytes of a plain value under the record type `schema`.

        Raises:
            ValueError, TypeError: the value does not fit the schema; the message names the field.
        """
        prefix = self._prefixes.get((topic.name, schema))
        if prefix is None:
            prefix = PREFIX.pack(0, self._ids.id_of(topic.subject(schema), schema))
            self._prefixes[topic.name, schema] = prefix
        out = io.BytesIO()
        out.write(prefix)
        fastavro.schemaless_writer(out, schemas.parsed(schema), value)
        return out.getvalue()

    def decode(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """Return full name of the record type and the value, read with our version of that type.

        Raises:
            UnknownSchemaError: the registry does not know the schema id; wait for it.
            DecodeError: the bytes are broken, or the type is none of ours.
        """
        if len(data) < PREFIX.size or data[0] != 0:
            raise DecodeError(f"not in Confluent's wire format: starts with {data[:5].hex() or 'nothing'}")
        name, writer = self._ids.schema_of(PREFIX.unpack_from(data)[1])
        if name not in schemas.sources():
            raise DecodeError(f"record type {name} is unknown to this version")
        reader = schemas.parsed(name)
        body = io.BytesIO(data)
        body.seek(PREFIX.size)
        try:
            value = fastavro.schemaless_reader(body, writer, reader if reader != writer else None)
        except Exception as error:  # fastavro raises whatever the broken bytes lead to
            raise DecodeError(f"{name}: {type(error).__name__}: {error}") from error
        if body.tell() != len(data):
            raise DecodeError(f"{name}: {len(data) - body.tell()} bytes left over")
        return name, value  # type: ignore[return-value]  # a record schema reads a dict

    def decode_as(self, data: bytes, kind: type[T]) -> T:
        """Return the value as `kind`.

        Raises:
            DecodeError: as `decode`, or another record type.
        """
        name, value = self.decode(data)
        if name != kind.SCHEMA:
            raise DecodeError(f"expected {kind.SCHEMA}, found {name}")
        return kind(**value)


def as_dict(record: object) -> dict[str, Any]:
    """Return the fields of a dataclass, nested ones as dictionaries too."""
    if not is_dataclass(record):
        raise TypeError(f"{type(record).__name__} is not a record")
    return {f.name: _plain(getattr(record, f.name)) for f in fields(record)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return as_dict(value)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value


class LocalIds:
    """Schema ids without a registry, for tests and tools: numbered by name."""

    def __init__(self) -> None:
        self._names = sorted(schemas.sources())

    def id_of(self, subject: str, schema: str) -> int:  # noqa: ARG002  the protocol's
        """Return the number of the schema."""
        return self._names.index(schema) + 1

    def schema_of(self, schema_id: int) -> tuple[str, Any]:
        """Return the schema of a number."""
        if not 0 < schema_id <= len(self._names):
            raise UnknownSchemaError(schema_id)
        name = self._names[schema_id - 1]
        return name, schemas.parsed(name)
