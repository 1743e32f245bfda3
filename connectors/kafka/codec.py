"""Avro in Confluent's wire format: a zero byte, the schema id (4 bytes, big-endian), the body."""

import contextlib
import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

import fastavro

from connectors.errors import DecodeError, UnknownSchemaError
from connectors.kafka import compiled, schemas
from connectors.kafka.compiled.writing import DATACLASS, DICTIONARY
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
        self._readers: dict[int, _Reader] = {}

    def encode(self, topic: Topic, record: Record) -> bytes:
        """Return the bytes of one of `records`' values for `topic`."""
        body = _written(_writer(record.SCHEMA, DATACLASS), record)
        if body is None:
            body = self.body(record.SCHEMA, as_dict(record))
        return self.framed(topic, record.SCHEMA, body)

    def encode_as(self, topic: Topic, schema: str, value: Mapping[str, Any]) -> bytes:
        """Return the bytes of a plain value under the record type `schema`.

        Raises:
            ValueError, TypeError: the value does not fit the schema; the message names the field.
        """
        return self.framed(topic, schema, self.body(schema, value))

    def body(self, schema: str, value: Mapping[str, Any]) -> bytes:
        """Return the bytes of a plain value without the frame, which is the topic's.

        Raises:
            ValueError, TypeError: as `encode_as`.
        """
        found = _written(_writer(schema, DICTIONARY), value)
        if found is not None:
            return found
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schemas.parsed(schema), value)
        return out.getvalue()

    def framed(self, topic: Topic, schema: str, body: bytes) -> bytes:
        """Return a body with the schema id under which `topic` has its record type."""
        return self._prefix(topic, schema) + body

    def _prefix(self, topic: Topic, schema: str) -> bytes:
        prefix = self._prefixes.get((topic.name, schema))
        if prefix is None:
            prefix = PREFIX.pack(0, self._ids.id_of(topic.subject(schema), schema))
            self._prefixes[topic.name, schema] = prefix
        return prefix

    def decode(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """Return full name of the record type and the value, read with our version of that type.

        Raises:
            UnknownSchemaError: the registry does not know the schema id; wait for it.
            DecodeError: the bytes are broken, or the type is none of ours.
        """
        if len(data) < PREFIX.size or data[0] != 0:
            raise DecodeError(f"not in Confluent's wire format: starts with {data[:5].hex() or 'nothing'}")
        schema_id = PREFIX.unpack_from(data)[1]
        reader = self._readers.get(schema_id)
        if reader is None:
            reader = self._readers[schema_id] = _Reader.of(*self._ids.schema_of(schema_id))
        return reader.name, reader.read(data)

    def decode_as(self, data: bytes, kind: type[T]) -> T:
        """Return the value as `kind`.

        Raises:
            DecodeError: as `decode`, or another record type.
        """
        name, value = self.decode(data)
        if name != kind.SCHEMA:
            raise DecodeError(f"expected {kind.SCHEMA}, found {name}")
        return kind(**value)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what one schema id wrote; `compiled` only where that is our own version of the type."""

    name: str
    writer: Any
    own: Any
    compiled: compiled.Reader | None

    @classmethod
    def of(cls, name: str, writer: Any) -> "_Reader":
        if name not in schemas.sources():
            raise DecodeError(f"record type {name} is unknown to this version")
        own = schemas.parsed(name)
        if own != writer:
            return cls(name, writer, own, None)
        return cls(name, writer, None, _compiled_reader(name))

    def read(self, data: bytes) -> dict[str, Any]:
        if self.compiled is not None:
            try:
                value, end = self.compiled(data, PREFIX.size)
            except Exception:  # noqa: BLE001  what is broken, and how, is fastavro's decision
                return self._referee(data)
            if end == len(data):
                return value
        return self._referee(data)

    def _referee(self, data: bytes) -> dict[str, Any]:
        body = io.BytesIO(data)
        body.seek(PREFIX.size)
        try:
            value = fastavro.schemaless_reader(body, self.writer, self.own)
        except Exception as error:  # fastavro raises whatever the broken bytes lead to
            raise DecodeError(f"{self.name}: {type(error).__name__}: {error}") from error
        if body.tell() != len(data):
            raise DecodeError(f"{self.name}: {len(data) - body.tell()} bytes left over")
        return value  # type: ignore[return-value]  # a record schema reads a dict


def _written(writer: compiled.Writer | None, value: Any) -> bytes | None:
    """Return the bytes; None: fastavro is to decide."""
    if writer is None:
        return None
    out = bytearray()
    try:
        writer(out, value)
    except Exception:  # noqa: BLE001  what does not fit, and why, is fastavro's decision
        return None
    return bytes(out)


@cache
def _writer(schema: str, access: str) -> compiled.Writer | None:
    with contextlib.suppress(compiled.NotCompiledError):
        return compiled.writer(schemas.parsed(schema), access)
    return None


@cache
def _compiled_reader(schema: str) -> compiled.Reader | None:
    with contextlib.suppress(compiled.NotCompiledError):
        return compiled.reader(schemas.parsed(schema))
    return None


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
