"""Which fields a change event of an object has, in schema order; person names and addresses are compounds."""

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.objects import SObject

# "Change Event Fields": these never travel.
_NEVER = frozenset({"Id", "IsDeleted", "MasterRecordId", "SystemModstamp"})
# What the guide's own example of a Lead bitmap leaves no room for before LastModifiedDate.
_AFTER_SYSTEM_FIELDS = frozenset({("Lead", "DoNotCall")})
_PERSON = ("Salutation", "FirstName", "LastName")
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
PERSON, ADDRESS = "PersonName", "Address"


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a compound and the record's field it shows."""

    name: str
    field: Field


@dataclass(frozen=True, slots=True)
class Slot:
    """One field of an event; a compound has parts and no field, `record` is then the name of its Avro type."""

    name: str
    field: Field | None = None
    record: str = ""
    parts: tuple[Part, ...] = ()


def event_name(entity: str) -> str:
    """Name of an object's event: `AccountChangeEvent`, `Plan__ChangeEvent`."""
    return f"{entity.removesuffix('c')}ChangeEvent" if entity.endswith("__c") else f"{entity}ChangeEvent"


def slots(base: SObject) -> list[Slot]:
    """An event's fields in order, the header left out: slot `i` has bit `i + 1`."""
    compounds = {part.field.name: slot for slot in _compounds(base) for part in slot.parts}
    found: dict[str, Slot] = {}
    late: list[Slot] = []
    for name, field in base.fields.items():
        if name in _NEVER:
            continue
        slot = compounds.get(name) or Slot(name, field)
        if (base.name, name) in _AFTER_SYSTEM_FIELDS or field.custom:
            late.append(slot)
        else:
            found.setdefault(slot.name, slot)
    return [*found.values(), *late]


def _compounds(base: SObject) -> Iterator[Slot]:
    if all(name in base.fields for name in _PERSON):
        yield Slot("Name", record=PERSON, parts=tuple(Part(name, base.fields[name]) for name in _PERSON))
    for prefix in ("", "Billing", "Shipping", "Mailing", "Other"):
        names = [prefix + part for part in _ADDRESS]
        if all(name in base.fields for name in names):
            parts = tuple(Part(part, base.fields[name]) for part, name in zip(_ADDRESS, names, strict=True))
            yield Slot(f"{prefix}Address", record=ADDRESS, parts=parts)
