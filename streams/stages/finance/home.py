"""What an amount is in the home currency: the rule of README.md.

As it is, if it is in the home currency; else as the accounts state it; else by the document's own rate, rounded half
up; else unknown.
"""

from decimal import Decimal

from connectors.kafka.records import Entity
from streams.stages import money

ZERO = Decimal(0)


def amount(record: Entity, name: str, home_name: str, currency: str) -> Decimal | None:
    """Return an amount of a record in `currency`, the home currency; None: no rate is known for it.

    Args:
        record: an invoice or payment.
        name: of the field with the amount in the record's own currency; an empty one is 0.
        home_name: of the field with the amount as the accounts state it in the home currency, "" if they do not.
        currency: ISO 4217.
    """
    own: Decimal = record[name] or ZERO
    if record["currency"] in ("", currency) or own == 0:
        return own
    stated: Decimal | None = record[home_name] if home_name else None
    if stated is not None:
        return stated
    rate: Decimal | None = record["exchange_rate"]
    return None if rate is None else money.rounded(money.times(own, rate), currency)
