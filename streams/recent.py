"""A bounded memory of what was used lately."""

from collections.abc import Callable
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
    What was dropped or put anew counts until its half is forgotten: giving room back would cost more than it is worth.

    Args:
        room: bytes of both halves.
        size: tells how many bytes an entry's content takes.
    """

    __slots__ = ("_half", "_left", "_older", "_size", "_younger")

    def __init__(self, room: int, size: Callable[[K, V], int]) -> None:
        self._half = room // 2
        self._size = size
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._younger: dict[K, V] = {}
        self._older: dict[K, V] = {}
        self._left = self._half

    def get(self, key: K) -> V | Literal[Missing.MISSING]:
        """Return a value, or MISSING."""
        found = self._younger.get(key, MISSING)
        if found is MISSING:
            found = self._older.pop(key, MISSING)
            if found is not MISSING:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Remember a value; one that would fill a half is not remembered."""
        size = self._size(key, value) + BESIDE
        self._left -= size
        if self._left < 0:
            if size > self._half:
                self._left += size
                self.drop(key)
                return
            self._older, self._younger = self._younger, {}
            self._left = self._half - size
        self._younger[key] = value

    def drop(self, key: K) -> None:
        """Forget a value."""
        self._younger.pop(key, None)
        self._older.pop(key, None)
