"""Filling a body's references: `{"$ref": "<object key>"}` and `{"$lookup": {"object": "Class", "name": "Web"}}`."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeGuard

from connectors import wire
from connectors.errors import MissingReferenceError, RejectedError
from connectors.kafka.records import Command
from streams.delivery.waits import until

LOOKUP_SECONDS = 600.0


class LookupCache:
    """What a connection's look-ups have found in the last ten minutes; what was missing is asked for again."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[str, datetime]] = {}

    def get(self, name: tuple[str, str], now: datetime) -> str | None:
        """Return an id found lately."""
        found = self._found.get(name)
        return None if found is None or until(now, found[1]) > LOOKUP_SECONDS else found[0]

    def put(self, name: tuple[str, str], remote_id: str, now: datetime) -> None:
        """Remember an id."""
        self._found[name] = remote_id, now


def body_of(command: Command) -> dict[str, Any]:
    """Return the command's body, references not filled in.

    Raises:
        RejectedError: it is not a JSON object.
    """
    try:
        body = wire.loads(command.body)
    except ValueError as error:
        raise RejectedError(f"body of {command.object_key} is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise RejectedError(f"body of {command.object_key} is not a JSON object")
    return body


def lookups(body: Any) -> Iterator[tuple[str, str]]:
    """Yield object and name of each look-up in a body.

    Raises:
        RejectedError: a look-up lacks one of them.
    """
    for reference in _references(body):
        if "$lookup" in reference:
            yield _lookup(reference)


def fill(body: Any, remote_id: Callable[[str], str | None], found: Mapping[tuple[str, str], str]) -> Any:
    """Return the body with vendor ids in place of its references.

    Args:
        body: of a command.
        remote_id: returns the vendor's id of an object key, None if it is not there yet.
        found: the vendor's ids of all its look-ups.

    Raises:
        MissingReferenceError: names the object key that has no id yet.
    """
    if isinstance(body, list):
        return [fill(item, remote_id, found) for item in body]
    if not isinstance(body, dict):
        return body
    if not _is_reference(body):
        return {name: fill(value, remote_id, found) for name, value in body.items()}
    if "$lookup" in body:
        return found[_lookup(body)]
    key = str(body["$ref"])
    known = remote_id(key)
    if known is None:
        raise MissingReferenceError(f"{key} has not been delivered", object_key=key)
    return known


def not_found(name: tuple[str, str]) -> RejectedError:
    """Return the error for a look-up that the vendor has nothing for."""
    return RejectedError(f"the vendor has no {name[0]} named {name[1]!r}; create it there or change the mapping")


def _references(body: Any) -> Iterator[Mapping[str, Any]]:
    if _is_reference(body):
        yield body
    elif isinstance(body, dict):
        for value in body.values():
            yield from _references(value)
    elif isinstance(body, list):
        for value in body:
            yield from _references(value)


def _is_reference(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"$ref", "$lookup"}


def _lookup(reference: Mapping[str, Any]) -> tuple[str, str]:
    wanted = reference["$lookup"]
    try:
        return str(wanted["object"]), str(wanted["name"])
    except (KeyError, TypeError) as error:
        raise RejectedError(f"$lookup needs object and name, found {wanted!r}") from error
