"""What a call shows of a record: the fields it asks for, through relations by dots."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, TypeAlias

from connectors.sandbox.pardot.catalogue import OBJECTS
from connectors.sandbox.pardot.errors import MISSING, UNKNOWN_PROPERTY, PardotError
from connectors.sandbox.pardot.objects import Object
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.values import shown

# How many relations a field may go through (API v5 overview).
_MOST_HOPS = 3

Find: TypeAlias = Callable[[str, int], Record | None]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shows records.

    Attributes:
        kinds: An object's fields and their kinds, custom ones included.
        find: (object, id) -> record, for relations.
        zone: The API user's.
        hidden: Fields that the API user may not read.
    """

    kinds: Callable[[Object], Mapping[str, str]]
    find: Find
    zone: tzinfo
    hidden: frozenset[str]

    def parse(self, target: Object, listed: object) -> list[tuple[str, ...]]:
        """Check the `fields` of a call, text with commas or a list; raises MISSING or UNKNOWN_PROPERTY."""
        names = listed.split(",") if isinstance(listed, str) else listed
        paths = [tuple(str(name).strip().split(".")) for name in names] if isinstance(names, list | dict) else []
        paths = [path for path in paths if path != ("",)]
        if not paths:
            raise PardotError(MISSING, "fields: this parameter is required")
        for path in paths:
            self._check(target, path)
        return paths

    def _check(self, target: Object, path: tuple[str, ...]) -> None:
        at = target
        if ".".join(path) in target.fields:
            return
        for step in path[:-1]:
            if step not in at.parents or len(path) - 1 > _MOST_HOPS:
                raise PardotError(UNKNOWN_PROPERTY, f"fields: invalid property {'.'.join(path)} of {target.name}")
            at = OBJECTS[at.parents[step][0]]
        if path[-1] not in self.kinds(at):
            raise PardotError(UNKNOWN_PROPERTY, f"fields: invalid property {'.'.join(path)} of {target.name}")

    def show(self, target: Object, record: Record, paths: Iterable[tuple[str, ...]]) -> dict[str, Any]:
        """The record with these fields, relations nested."""
        body: dict[str, Any] = {}
        kinds = self.kinds(target)
        for path in paths:
            name = ".".join(path)
            if name in kinds:
                _place(body, path, None if name in self.hidden else shown(kinds[name], record.get(name), self.zone))
                continue
            parent_name, id_field = target.parents[path[0]]
            parent = self.find(parent_name, record[id_field]) if record.get(id_field) is not None else None
            if parent is None:
                body[path[0]] = None
                continue
            inner = self.show(OBJECTS[parent_name], parent, [path[1:]])
            body[path[0]] = {**(body.get(path[0]) or {}), **inner}
        return body


def _place(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Put a value where its dotted name says."""
    for step in path[:-1]:
        body = body.setdefault(step, {})
    body[path[-1]] = value
