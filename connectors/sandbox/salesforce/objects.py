"""Objects of an org: the standard ones, in the subset of fields that is served."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field


@dataclass(frozen=True, slots=True)
class Child:
    """A relationship seen from the parent: `OpportunityLineItems` of an opportunity."""

    name: str
    child: str
    field: str


def _is_key(field: Field) -> bool:
    return field.refers is not None or field.external or field.unique


class SObject:
    """An object's description.

    Args:
        name: API name.
        prefix: First three characters of its record ids.
        fields: In describe order.
        children: Relationships to child objects.
        write: Whether the API may create, change and delete records.
    """

    def __init__(
        self, name: str, prefix: str, fields: Iterable[Field], children: Iterable[Child] = (), *, write: bool = True
    ) -> None:
        self.name = name
        self.prefix = prefix
        self.write = write
        self.fields = {field.name: field for field in fields}
        self.children = {child.name.lower(): child for child in children}
        self._by_name = {name.lower(): field for name, field in self.fields.items()}
        self._keys = frozenset(name for name, field in self.fields.items() if _is_key(field))
        self._by_relation = {f.relation.lower(): f for f in self.fields.values() if f.relation}

    @property
    def custom(self) -> bool:
        """Whether the org declared it."""
        return self.name.endswith("__c")

    @property
    def platform_event(self) -> bool:
        """Whether its records are published rather than kept."""
        return self.name.endswith("__e")

    @property
    def keys(self) -> frozenset[str]:
        """Fields that records are looked up by: references and external ids."""
        return self._keys

    def field(self, name: str) -> Field | None:
        """The field of that name, whatever its case."""
        return self._by_name.get(name.lower())

    def parent(self, relation: str) -> Field | None:
        """The reference field behind a path step such as `Account`."""
        return self._by_relation.get(relation.lower())

    def add(self, field: Field) -> None:
        """Declare a field."""
        self.fields[field.name] = field
        self._by_name[field.name.lower()] = field
        if _is_key(field):
            self._keys |= {field.name}


class Schema:
    """All objects of one org."""

    def __init__(self, objects: Iterable[SObject]) -> None:
        self._objects = {found.name.lower(): found for found in objects}

    def __iter__(self) -> Iterator[SObject]:
        return iter(self._objects.values())

    def add(self, base: SObject) -> None:
        """Take in one more object."""
        self._objects[base.name.lower()] = base

    def find(self, name: str) -> SObject | None:
        """The object of that name, whatever its case."""
        return self._objects.get(name.lower())

    def addressed(self, name: str) -> SObject:
        """The object of a URL; raises NOT_FOUND."""
        found = self.find(name)
        if found is None:
            raise ApiError("NOT_FOUND", "The requested resource does not exist")
        return found
