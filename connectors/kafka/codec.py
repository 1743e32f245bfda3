"""Avro in Confluent's wire format: a zero byte, the schema id (4 bytes, big-endian), the body."""

import contextlib
import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

import fastavro
import msgspec

from connectors.errors import DecodeError, UnknownSchemaError
from connectors.kafka import compiled, schemas
from connectors.kafka.compiled.writing import DICTIONARY, OBJECT
from connectors.kafka.topics import Topic

PREFIX = struct.Struct(">bI")


class Record(Protocol):
    """A dataclass or Struct, as those of `records`: it knows the full name of its schema."""

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
        self._writers: dict[tuple[str, type], tuple[bytes, compiled.Writer | None]] = {}
        self._kinds: dict[tuple[bytes, type], compiled.Reader] = {}

    def encode(self, topic: Topic, record: Record) -> bytes:
        """Return the bytes of one of `records`' values for `topic`."""
        return self.encode_exactly(topic, record)[0]

    def encode_exactly(self, topic: Topic, record: Record) -> tuple[bytes, bool]:
        """Return the bytes of a record, and whether they surely decode to the very same: places of decimals too."""
        found = self._writers.get((topic.name, record.__class__))
        if found is None:
            found = self._prefix(topic, record.SCHEMA), _writer(record.SCHEMA, OBJECT)
            self._writers[topic.name, record.__class__] = found
        prefix, writer = found
        whole = _written(writer, record, prefix)
        if whole is not None:
            return whole
        body, exact = self.body_exactly(record.SCHEMA, as_dict(record))
        return prefix + body, exact

    def encode_as(self, topic: Topic, schema: str, value: Mapping[str, Any]) -> bytes:
        """Return the bytes of a plain value under the record type `schema`.

        Raises:
            ValueError, TypeError: the value does not fit the schema; the message names the field.
        """
        return self.framed(topic, schema, self.body_exactly(schema, value)[0])

    def body_exactly(self, schema: str, value: Mapping[str, Any]) -> tuple[bytes, bool]:
        """Return the bytes of a plain value without the frame, which is the topic's, and as `encode_exactly`.

        Raises:
            ValueError, TypeError: as `encode_as`.
        """
        found = _written(_writer(schema, DICTIONARY), value)
        if found is not None:
            return found
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schemas.parsed(schema), value)
        return out.getvalue(), False

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
        reader = self._reader(data)
        return reader.name, reader.read(data)

    def decode_as(self, data: bytes, kind: type[T]) -> T:
        """Return the value as `kind`.

        Raises:
            DecodeError: as `decode`, or another record type.
        """
        read = self._kinds.get((data[: PREFIX.size], kind))
        if read is not None:
            found: T | None = _read(read, data)
            if found is not None:
                return found
        reader = self._reader(data)
        if reader.name != kind.SCHEMA:
            raise DecodeError(f"expected {kind.SCHEMA}, found {reader.name}")
        if (read := reader.compiled(kind)) is not None:
            self._kinds[data[: PREFIX.size], kind] = read
        return reader.read_as(data, kind)

    def type_of(self, data: bytes) -> str:
        """Return the full name of the record type.

        Raises:
            UnknownSchemaError, DecodeError: as `decode`; of the value nothing is read.
        """
        return self._reader(data).name

    def _reader(self, data: bytes) -> "_Reader":
        if len(data) < PREFIX.size or data[0] != 0:
            raise DecodeError(f"not in Confluent's wire format: starts with {data[:5].hex() or 'nothing'}")
        schema_id = PREFIX.unpack_from(data)[1]
        reader = self._readers.get(schema_id)
        if reader is None:
            reader = self._readers[schema_id] = _Reader(*self._ids.schema_of(schema_id))
        return reader


class _Reader:
    """Reads what one schema id wrote; with compiled functions only where that is our own version of the type."""

    def __init__(self, name: str, writer: Any) -> None:
        if name not in schemas.sources():
            raise DecodeError(f"record type {name} is unknown to this version")
        self.name = name
        self._writer = writer
        self._own = schemas.parsed(name)
        self._is_own = bool(self._own == writer)

    def read(self, data: bytes) -> dict[str, Any]:
        """Return the value as a dictionary."""
        found = self._compiled(data, None)
        return self._referee(data) if found is None else found

    def read_as(self, data: bytes, kind: type[T]) -> T:
        """Return the value as a `kind`."""
        found: T | None = self._compiled(data, kind)
        return kind(**self.read(data)) if found is None else found

    def compiled(self, kind: type | None) -> compiled.Reader | None:
        """Return the compiled function that makes a `kind`, or a dictionary, of what it wrote."""
        return _compiled_reader(self.name, kind) if self._is_own else None

    def _compiled(self, data: bytes, kind: type | None) -> Any:
        read = self.compiled(kind)
        return None if read is None else _read(read, data)

    def _referee(self, data: bytes) -> dict[str, Any]:
        body = io.BytesIO(data)
        body.seek(PREFIX.size)
        try:
            value = fastavro.schemaless_reader(body, self._writer, None if self._is_own else self._own)
        except Exception as error:  # fastavro raises whatever the broken bytes lead to
            raise DecodeError(f"{self.name}: {type(error).__name__}: {error}") from error
        if body.tell() != len(data):
            raise DecodeError(f"{self.name}: {len(data) - body.tell()} bytes left over")
        return value  # type: ignore[return-value]  # a record schema reads a dict


def _read(read: compiled.Reader, data: bytes) -> Any:
    """Return what a compiled function reads; None: fastavro is to decide what is broken, and how."""
    try:
        value, end = read(data, PREFIX.size)
    except Exception:  # noqa: BLE001  whatever broken bytes lead to
        return None
    return value if end == len(data) else None


def _written(writer: compiled.Writer | None, value: Any, prefix: bytes = b"") -> tuple[bytes, bool] | None:
    """Return the bytes and whether they are exact; None: fastavro is to decide what does not fit, and why."""
    if writer is None:
        return None
    out = bytearray(prefix)
    try:
        exact = writer(out, value)
    except Exception:  # noqa: BLE001  whatever an unfit value leads to
        return None
    return bytes(out), exact


@cache
def _writer(schema: str, access: str) -> compiled.Writer | None:
    with contextlib.suppress(compiled.NotCompiledError):
        return compiled.writer(schemas.parsed(schema), access)
    return None


@cache
def _compiled_reader(schema: str, kind: type | None) -> compiled.Reader | None:
    with contextlib.suppress(compiled.NotCompiledError):
        return compiled.reader(schemas.parsed(schema), kind, () if kind is None else _fields(kind))
    return None


def _fields(kind: Any) -> Sequence[str]:
    """Return the names of a record type's fields, in the order in which it is made of them."""
    return kind.__struct_fields__ if _is_struct(kind) else [field.name for field in fields(kind)]


def _is_struct(kind: type) -> bool:
    return issubclass(kind, msgspec.Struct)


def as_dict(record: object) -> dict[str, Any]:
    """Return the fields of a record, nested ones as dictionaries too."""
    if not (is_dataclass(record) or isinstance(record, msgspec.Struct)):
        raise TypeError(f"{type(record).__name__} is not a record")
    return {name: _plain(getattr(record, name)) for name in _fields(type(record))}


def _plain(value: Any) -> Any:
    if is_dataclass(value) or isinstance(value, msgspec.Struct):
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
