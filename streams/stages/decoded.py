"""Rows and canonical records by their bytes: decoded once, and not at all by who has just written them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from connectors.kafka.codec import Codec, Record
from connectors.kafka.records import Entity
from connectors.kafka.topics import TRANSFORM_STATE
from streams.recent import MISSING, Recent

ROOM = 64 << 20
LARGER = 6
"""A value takes so many times the bytes that it is encoded in, about."""
R = TypeVar("R", bound=Record)


class Decoded:
    """What bytes mean never changes, so none of this can be out of date; nobody may change a value in place.

    What is written is remembered where a reader would make the very same of it, so that no result depends on what is
    remembered.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._known = Recent[bytes, Any](ROOM, _size)

    def row(self, data: bytes, kind: type[R]) -> R:
        """Return a row.

        Raises:
            DecodeError: the bytes are broken, or no `kind`.
        """
        found = self._known.get(data)
        if found.__class__ is not kind:
            found = self._codec.decode_as(data, kind)
            self._known.put(data, found)
        return found

    def record(self, data: bytes) -> Entity:
        """Return a canonical record.

        Raises:
            DecodeError: the bytes are broken.
        """
        found = self._known.get(data)
        if found is MISSING:
            found = self._codec.decode(data)[1]
            self._known.put(data, found)
        return found

    def row_written(self, row: Record) -> bytes:
        """Return a row's bytes."""
        data, exact = self._codec.encode_exactly(TRANSFORM_STATE, row)
        if exact:
            self._known.put(data, row)
        return data

    def record_written(self, schema: str, value: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """Return a canonical record's bytes, and those without their frame."""
        body, exact = self._codec.body_exactly(schema, value)
        data = self._codec.framed(TRANSFORM_STATE, schema, body)
        if exact:
            self._known.put(data, value)
        return data, body


def _size(data: bytes, _value: Any) -> int:
    return LARGER * len(data)


@lru_cache(maxsize=4)
def decoded(codec: Codec) -> Decoded:
    """Return what is known of what a codec reads; a process has one codec."""
    return Decoded(codec)
