"""Intuit's webhooks: CloudEvents in an array, and the older envelope (Intuit's page "Webhooks"). Ids only."""

import hmac
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.errors import DecodeError
from connectors.ports import Raw
from connectors.quickbooks.objects import deletion_version
from connectors.wire import iso_micros, loads, parse_instant

SIGNATURE = "intuit-signature"
ENTITIES: Mapping[str, str] = {
    name.lower(): name
    for name in (
        *("Account", "Bill", "BillPayment", "Budget", "Class", "CreditMemo", "Currency", "Customer", "Department"),
        *("Deposit", "Employee", "Estimate", "Invoice", "Item", "JournalCode", "JournalEntry", "Payment"),
        *("PaymentMethod", "Preferences", "Purchase", "PurchaseOrder", "RefundReceipt", "SalesReceipt", "TaxAgency"),
        *("Term", "TimeActivity", "Transfer", "Vendor", "VendorCredit"),
    )
}
"""CloudEvents types name entities in lower case; one that is not here passes with a capital first letter."""
TYPE_PARTS = 4


class QuickBooksWebhook:
    """Verifies and reads the requests Intuit sends for an app, all its companies mixed."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """Tell whether one of the verifier tokens signed the raw body; Intuit signs no time, so `now` is unused."""
        del now
        given = headers.get(SIGNATURE, "").strip().encode()
        # Every secret is tried, so that the time taken does not tell which one fits.
        matches = [hmac.compare_digest(_signature(secret, body), given) for secret in secrets if secret]
        return any(matches)

    def delivery_id(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the ids of the request's CloudEvents as one; the older form has none."""
        del headers
        try:
            events = loads(body)
        except ValueError:
            return None
        if not isinstance(events, list):
            return None
        ids = [str(event.get("id", "")) if isinstance(event, Mapping) else "" for event in events]
        return " ".join(ids) if ids and all(ids) else None

    def parse(self, headers: Mapping[str, str], body: bytes) -> Mapping[str, Sequence[Raw]]:
        """Return hints by realm, their version the event's time; the loser of a merge is told as gone, with its winner.

        Raises:
            DecodeError: neither of Intuit's two forms; the message names the field.
        """
        del headers
        try:
            parsed = loads(body)
        except ValueError as error:
            raise DecodeError(f"webhook: the body is not JSON ({error})") from None
        if isinstance(parsed, list):
            hints = _cloud_events(parsed)
        elif isinstance(parsed, dict):
            hints = _notifications(parsed)
        else:
            raise DecodeError("webhook: the body is neither an array of CloudEvents nor an object")
        by_realm: dict[str, list[Raw]] = {}
        for realm, hint in hints:
            by_realm.setdefault(realm, []).append(hint)
        return by_realm


def _signature(secret: str, body: bytes) -> bytes:
    return b64encode(hmac.digest(secret.encode(), body, sha256))


def _cloud_events(events: list[Any]) -> Iterator[tuple[str, Raw]]:
    for index, event in enumerate(events):
        at = f"[{index}]"
        parts = _text(event, "type", at).split(".")
        if len(parts) != TYPE_PARTS or parts[0] != "qbo":
            raise DecodeError(f"webhook: {at}.type is not qbo.<entity>.<verb>.<version>")
        entity, remote_id = ENTITIES.get(parts[1], parts[1].capitalize()), _text(event, "intuitentityid", at)
        time, realm = _instant(event, "time", at), _text(event, "intuitaccountid", at)
        yield realm, _hint(entity, remote_id, time)
        data = event.get("data")
        if isinstance(data, Mapping) and data.get("deletedid"):
            yield realm, _merged(entity, str(data["deletedid"]), remote_id, time)


def _notifications(envelope: dict[str, Any]) -> Iterator[tuple[str, Raw]]:
    for index, notification in enumerate(_list(envelope, "eventNotifications", "")):
        at = f"eventNotifications[{index}]"
        realm = _text(notification, "realmId", at)
        change = notification.get("dataChangeEvent")
        for number, entity in enumerate(_list(change, "entities", f"{at}.dataChangeEvent")):
            where = f"{at}.dataChangeEvent.entities[{number}]"
            name, time = _text(entity, "name", where), _instant(entity, "lastUpdated", where)
            remote_id = _text(entity, "id", where)
            yield realm, _hint(name, remote_id, time)
            if entity.get("deletedId"):
                yield realm, _merged(name, str(entity["deletedId"]), remote_id, time)


def _hint(entity: str, remote_id: str, at: datetime) -> Raw:
    # Objects state whole seconds: a hint of the second of our own write's answer must not look newer than it.
    return Raw(entity, remote_id, iso_micros(at.replace(microsecond=0)), b"{}", hint=True)


def _merged(entity: str, remote_id: str, winner: str, at: datetime) -> Raw:
    return Raw(entity, remote_id, deletion_version(at), b"{}", deleted=True, merged_into=winner)


def _list(value: Any, name: str, at: str) -> list[Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(found, list):
        raise DecodeError(f"webhook: {f'{at}.{name}'.lstrip('.')} is not an array")
    return found


def _text(value: Any, name: str, at: str) -> str:
    found = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str) or not found:
        raise DecodeError(f"webhook: {at}.{name} is missing")
    return found


def _instant(value: Any, name: str, at: str) -> datetime:
    try:
        return parse_instant(_text(value, name, at))
    except ValueError as error:
        raise DecodeError(f"webhook: {at}.{name}: {error}") from None
