"""Amounts in the shop's and the buyer's currency, side by side (GraphQL `MoneyBag`, REST `*_set`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3}
"""Digits after the point (ISO 4217); two where it is not named."""


def written(amount: Decimal, currency: str) -> str:
    """An amount with the digits its currency has."""
    step = Decimal(1).scaleb(-EXPONENTS.get(currency, 2))
    return format(amount.quantize(step, ROUND_HALF_UP), "f")


@dataclass(frozen=True, slots=True)
class Currencies:
    """The shop's currency and the one the buyer sees."""

    shop: str
    presentment: str


@dataclass(frozen=True, slots=True)
class Bag:
    """One amount in both currencies."""

    shop: Decimal = Decimal(0)
    presentment: Decimal = Decimal(0)

    def __add__(self, other: "Bag") -> "Bag":
        return Bag(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: "Bag") -> "Bag":
        return Bag(self.shop - other.shop, self.presentment - other.presentment)

    def times(self, factor: Decimal | int) -> "Bag":
        """The amount multiplied."""
        return Bag(self.shop * factor, self.presentment * factor)

    def stored(self, currencies: Currencies) -> dict[str, Any]:
        """As REST's `*_set` has it, rounded to what each currency has."""
        pairs = (
            ("shop_money", self.shop, currencies.shop),
            ("presentment_money", self.presentment, currencies.presentment),
        )
        return {
            name: {"amount": written(amount, currency), "currency_code": currency} for name, amount, currency in pairs
        }


def total(bags: Iterable[Bag]) -> Bag:
    """The sum."""
    return sum(bags, Bag())


def bag_of(stored: Mapping[str, Any]) -> Bag:
    """Read a stored `*_set`."""
    return Bag(Decimal(stored["shop_money"]["amount"]), Decimal(stored["presentment_money"]["amount"]))


def bag_sent(sent: Mapping[str, Any] | None) -> Bag:
    """Read a `MoneyBagInput` in snake case; without a presentment amount both are the same."""
    if not sent:
        return Bag()
    shop = sent["shop_money"]["amount"]
    presentment = (sent.get("presentment_money") or sent["shop_money"])["amount"]
    return Bag(Decimal(shop), Decimal(presentment))
