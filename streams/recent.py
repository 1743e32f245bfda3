"""A bounded memory of what was used lately."""

from enum import Enum
from typing import Final, Generic, Literal, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Missing(Enum):
    """What `Recent.get` says of a key that it does not know; None is a value like any other."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
BESIDE = 200
"""Bytes that an entry takes beside its own, about: the objects' heads and their place in a dictionary."""


class Recent(Generic[K, V]):
    """Values by key, within a budget: when the younger half is full, the older is forgotten and takes its place.

    What is asked for moves to the younger half, so that one look-up in a dictionary is all that most questions cost.

    Args:
        room: bytes of both halves, by the sizes that `put` is told.
    """

    __slots__ = ("_half", "_left", "_older", "_younger")

    def __init__(self, room: int) -> None:
        self._half = room // 2
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._younger: dict[K, tuple[V, int]] = {}
        self._older: dict[K, tuple[V, int]] = {}
        self._left = self._half

    def get(self, key: K) -> V | Literal[Missing.MISSING]:
        """Return a value, or MISSING."""
        entry = self._younger.get(key)
        if entry is None:
            entry = self._older.pop(key, None)
            if entry is None:
                return MISSING
            self._keep(key, entry)
        return entry[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Remember a value of so many bytes, key included; one that would fill a half is not remembered."""
        size += BESIDE
        if size > self._half:
            self.drop(key)
            return
        self._keep(key, (value, size))

    def drop(self, key: K) -> None:
        """Forget a value."""
        self._younger.pop(key, None)
        self._older.pop(key, None)

    def _keep(self, key: K, entry: tuple[V, int]) -> None:
        self._left -= entry[1]
        if self._left < 0:
            self._older, self._younger = self._younger, {}
            self._left = self._half - entry[1]
        self._younger[key] = entry
