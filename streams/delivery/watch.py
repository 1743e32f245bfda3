"""Gauges that tell the most extreme of many things, computed when the metrics are read."""

import math
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar
from weakref import WeakSet

from prometheus_client import Gauge

T = TypeVar("T")


class Watch(Generic[T]):
    """Shows, per label values, the extreme of a value over all things that exist; none: NaN."""

    def __init__(self, gauge: Gauge, extreme: Callable[[Iterable[float]], float], value: Callable[[T], float]) -> None:
        self._gauge = gauge
        self._extreme = extreme
        self._value = value
        self._things: dict[tuple[str, ...], WeakSet[T]] = {}

    def add(self, thing: T, *labels: str) -> None:
        """Include a thing for as long as it exists."""
        if labels not in self._things:
            things = self._things[labels] = WeakSet()
            self._gauge.labels(*labels).set_function(lambda: self._read(things))
        self._things[labels].add(thing)

    def _read(self, things: Iterable[T]) -> float:
        values = [self._value(thing) for thing in things]
        return self._extreme(values) if values else math.nan
