"""What is read of a Stripe account."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.ports import Raw
from connectors.wire import dumps, iso_micros

Entity = dict[str, Any]
PATHS: Mapping[str, str] = {
    "product": "products",
    "price": "prices",
    "customer": "customers",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "charge": "charges",
    "refund": "refunds",
    "credit_note": "credit_notes",
}
"""Object → its list, what is referred to first."""
EVERY: Mapping[str, Mapping[str, str]] = {"subscription": {"status": "all"}, "invoice": {"expand[]": "data.payments"}}
"""Parameters without which a list leaves objects, or parts of them, out."""
WHOLE: Mapping[str, Mapping[str, str]] = {"invoice": {"expand[]": "payments"}}
"""Parameters without which an object is told only in part: an invoice's payments say what a refund is of."""


def raw_of(object_type: str, id_: str, entity: Entity | None, read: datetime) -> Raw:
    """Return the record of what was read; None or a stub: it is gone.

    The version is the moment at which it was asked for: Stripe's objects have neither a date of change nor a counter.
    """
    if entity is None or entity.get("deleted"):
        return Raw(object_type, id_, iso_micros(read), b"{}", deleted=True)
    return Raw(object_type, id_, iso_micros(read), dumps(entity))
