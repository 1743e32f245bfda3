"""How a customer's figures are told to a vendor: in which custom fields, and from which change on.

A connection's settings of a vendor that begin with `figures.` say it; finance/README.md has the table.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.errors import MappingError
from connectors.kafka.records import Entity
from streams.stages import money
from streams.stages.mapping import paths, schema
from streams.stages.mapping.schema import Type

PREFIX = "figures."
CRM, CONTACT = "salesforce", "contact."
"""Whose contacts may have fields of their own, and how the settings of these begin."""
ZERO, HUNDRED = Decimal(0), Decimal(100)
AMOUNTS = (
    "lifetime_value", "open_balance", "credit_balance", "refunded", "overdue_amount", "monthly_recurring",
)  # fmt: skip
STATES = ("currency", "subscription_status", "subscription_plan")
"""What is told whenever it changes; anything else goes along with an amount or a state."""
FIELD = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True, slots=True)
class Telling:
    """One vendor's settings.

    Attributes:
        fields: the vendor's custom fields by figure.
        contact: likewise, where a contact of the CRM is the customer.
        minimum: an amount that moved by no more than this is not told, in the home currency.
        percent: nor one that moved by no more than this part of what was told last.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    minimum: Decimal = ZERO
    percent: Decimal = ZERO
    contact: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_immediate(self) -> bool:
        """Any change is told."""
        return self.minimum == 0 and self.percent == 0

    def is_worth_it(self, told: Entity, now: Entity) -> bool:
        """Tell whether the figures are so far from those that were told last that they are told anew."""
        return any(told[name] != now[name] for name in STATES) or any(
            self._moved(told[name] or ZERO, now[name] or ZERO) for name in AMOUNTS
        )

    def _moved(self, before: Decimal, now: Decimal) -> bool:
        """From or to nothing always counts: whether somebody owes anything is what figures are read for."""
        moved = abs(money.CONTEXT.subtract(now, before))
        if moved == 0 or before == 0 or now == 0:
            return moved != 0
        return moved > self.minimum and moved > money.times(abs(before), self.percent) / HUNDRED


EVERYTHING = Telling()


def settings_of(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Return those of a vendor's settings that are about figures."""
    return {name.removeprefix(PREFIX): value for name, value in settings.items() if name.startswith(PREFIX)}


def parse(vendor: str, said: Mapping[str, str]) -> Telling:
    """Read what `settings_of` found.

    Raises:
        MappingError: a figure is unknown, or a value is not what it must be; names the setting.
    """
    numbers = {name: _number(vendor, name, said[name]) for name in ("minimum", "percent") if name in said}
    fields: dict[str, str] = {}
    contact: dict[str, str] = {}
    for name, value in said.items():
        if name in numbers:
            continue
        at = f"vendors.{vendor}.settings.{PREFIX}{name}"
        figure = name.removeprefix(CONTACT) if vendor == CRM else name
        if figure not in figures():
            raise MappingError(at, f"is no figure; there are minimum, percent, {', '.join(figures())}")
        if not FIELD.fullmatch(value):
            raise MappingError(at, f"{value!r} is no field's name; give the API name of a custom field")
        (fields if figure == name else contact)[figure] = value
    return Telling(fields, **numbers, contact=contact)


def _number(vendor: str, name: str, value: str) -> Decimal:
    at = f"vendors.{vendor}.settings.{PREFIX}{name}"
    try:
        found = money.decimal(value)
    except ValueError as error:
        raise MappingError(at, str(error)) from None
    if found < 0:
        raise MappingError(at, "is negative; 0 tells any change")
    return found


def figures() -> Mapping[str, Type]:
    """Return the fields of a party's finance."""
    return schema.entity("party")["finance"].fields or {}


def stored(finance: Entity) -> dict[str, str | None]:
    """Return figures as a row keeps them."""
    return {name: None if value is None else str(paths.plain(value)) for name, value in finance.items()}


def restored(kept: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the figures that a row keeps; one that came into the schema since is empty."""
    found = {}
    for name, wanted in figures().items():
        value = kept.get(name)
        if value is None:
            found[name] = wanted.default
        else:
            found[name] = int(value) if wanted.kind == "long" else wanted.convert(value)
    return found
