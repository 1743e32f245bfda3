"""How objects and fields are declared: short names for the usual kinds."""

from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.objects import Child, SObject


def text(name: str, length: int = 255, *, required: bool = False, unique: bool = False) -> Field:
    """A text field."""
    return Field(name, "string", length=length, required=required, unique=unique)


def long_text(name: str, length: int = 32_000) -> Field:
    """A long text area, which queries cannot filter by."""
    return Field(name, "textarea", length=length)


def picklist(name: str, *, required: bool = False, default: str | None = None) -> Field:
    """A picklist of any values."""
    return Field(name, "picklist", length=255, required=required, default=default)


def kind_of(kind: str, *names: str, length: int = 0, scale: int = 2) -> list[Field]:
    """Optional fields of one kind."""
    return [Field(name, kind, length=length, scale=scale) for name in names]


def flags(*names: str, default: bool = False) -> list[Field]:
    """Checkboxes."""
    return [Field(name, "boolean", default=default) for name in names]


def reference(
    name: str, refers: str, relation: str | None = None, *, required: bool = False, fixed: bool = False
) -> Field:
    """A reference; `fixed` ones cannot be changed."""
    relation = relation or name.removesuffix("Id")
    return Field(name, "reference", refers=refers, relation=relation, required=required, update=not fixed)


def derived(name: str, kind: str, *, length: int = 0, refers: str | None = None, scale: int = 2) -> Field:
    """A field that callers can only read."""
    relation = name.removesuffix("Id") if refers else None
    return Field(name, kind, length=length, scale=scale, create=False, update=False, refers=refers, relation=relation)


def address(prefix: str) -> list[Field]:
    """The parts of an address."""
    parts = {"Street": 255, "City": 40, "State": 80, "PostalCode": 20, "Country": 80}
    return [text(prefix + part, length) for part, length in parts.items()]


def _system() -> list[Field]:
    return [
        derived("IsDeleted", "boolean"),
        derived("CreatedDate", "datetime"),
        derived("CreatedById", "reference", refers="User"),
        derived("LastModifiedDate", "datetime"),
        derived("LastModifiedById", "reference", refers="User"),
        derived("SystemModstamp", "datetime"),
    ]


def standard_object(
    name: str, prefix: str, *fields: Field, children: tuple[Child, ...] = (), write: bool = True
) -> SObject:
    """An object with the system fields that all have."""
    return SObject(name, prefix, [derived("Id", "id"), *fields, *_system()], children, write=write)


def custom_object(name: str, prefix: str) -> SObject:
    """An object that an org declares: a name, an owner and what fields are added; an event has the latter alone."""
    if name.endswith("__e"):
        return standard_object(name, prefix)
    return standard_object(name, prefix, text("Name", 80), reference("OwnerId", "User"))
