"""Records as they are kept, their changes, and who is told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from connectors.sandbox.salesforce.fields import Field

if TYPE_CHECKING:
    from connectors.sandbox.salesforce.org import Org

Record: TypeAlias = dict[str, Any]


class Stored(dict[str, Any]):
    """A record as it is kept: empty fields are left out and read as None, which saves most of its memory."""

    def __missing__(self, name: str) -> None:
        """An empty field."""
        return


def stored(record: Mapping[str, Any]) -> Stored:
    """The kept form of a record."""
    return Stored({name: value for name, value in record.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Change:
    """One record as it is after a unit, and as it was before; `record` is None once it is purged."""

    name: str
    record: Stored | None
    before: Stored | None = None

    @property
    def id(self) -> str:
        """The record's id."""
        return str((self.record or self.before or Stored())["Id"])


@dataclass(frozen=True, slots=True)
class Purged:
    """What is left of a record that is gone for good: its object, its id and when it was deleted."""

    name: str
    id: str
    deleted: str


@dataclass(frozen=True, slots=True)
class Author:
    """On whose behalf records change.

    Attributes:
        user: Id of the user; empty for the org's integration user.
        origin: `changeOrigin` of change events, such as `com/salesforce/api/rest/67.0;client=x`.
        announced: Whether change events tell of it; sample records have always been there.
    """

    user: str = ""
    origin: str = ""
    announced: bool = True


class Journal(Protocol):
    """Where an org is kept across restarts, and who hears of its changes."""

    def save(self, changes: Sequence[Change]) -> None:
        """Store the records of one unit, all or none."""
        ...

    def bury(self, purged: Purged) -> None:
        """Store what is left of a record."""
        ...

    def announce(self, org: "Org", changes: Sequence[Change], author: Author, now: datetime) -> None:
        """Tell subscribers of a unit."""
        ...

    def declare(self, name: str, field: Field) -> None:
        """Store a custom field of an object."""
        ...

    def declare_object(self, name: str, prefix: str) -> None:
        """Store a custom object."""
        ...

    def set_channel(self, name: str, members: Sequence[str]) -> None:
        """Store an event channel."""
        ...
