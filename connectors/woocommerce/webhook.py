"""WooCommerce's webhooks as hints (source of `WC_Webhook`).

A body has whole seconds only and may be overtaken, so that it is not taken for the object: it says what to read. Its
version is the object's date and the moment of its arrival: newer than what was read before, not than what is read then.
"""

import hmac
import html
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from connectors.clock import SystemClock
from connectors.errors import DecodeError, RejectedError
from connectors.ports import Clock, Raw
from connectors.wire import loads
from connectors.woocommerce.objects import CART, DRAFT, KINDS, ORDER, modified, version

HEADER = "x-wc-webhook-{}"
PING = re.compile(rb"webhook_id=\d{1,20}")


class WooCommerceWebhook:
    """Verifies and reads the requests of any shop."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """Tell whether one of the secrets signed the raw body.

        The ping on saving a webhook is never signed and must be answered with 200: it passes, and has no records.
        """
        del now
        if _is_ping(headers, body):
            return True
        given = headers.get(HEADER.format("signature"), "").strip().encode()
        # Every secret is tried, so that the time taken does not tell which one fits.
        matches = [hmac.compare_digest(_signature(secret, body), given) for secret in secrets if secret]
        return any(matches)

    def delivery_id(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return WooCommerce's id, the topic and a digest: of two events in one second the id alone is the same."""
        id_ = headers.get(HEADER.format("delivery-id"))
        if not id_:
            return None
        return f"{id_}/{headers.get(HEADER.format('topic'), '')}/{sha256(body).hexdigest()[:16]}"

    def parse(self, headers: Mapping[str, str], body: bytes) -> Mapping[str, Sequence[Raw]]:
        """Return hints by the shop's host and path; a ping, and topics of things that are not read, give none.

        Raises:
            DecodeError: no topic or source, or a body that is not the object's.
        """
        if _is_ping(headers, body):
            return {}
        source, topic = _header(headers, "source"), _header(headers, "topic")
        resource, _, event = topic.partition(".")
        try:
            entity = loads(body)
        except ValueError as error:
            raise DecodeError(f"webhook: the body is not JSON ({error})") from None
        if not isinstance(entity, dict):
            raise DecodeError("webhook: the body is no object")
        hints = self._hints(resource, event, entity) if resource in KINDS else []
        return {shop_of(source): hints}

    def _hints(self, resource: str, event: str, entity: dict[str, Any]) -> list[Raw]:
        id_ = entity.get("id")
        if not isinstance(id_, int):
            raise DecodeError("webhook: id is missing")
        now = self._clock.now()
        try:
            stamp = version(now if event == "deleted" else modified(entity), now)
        except RejectedError as error:
            raise DecodeError(f"webhook: {error}") from None
        if resource == "product" and entity.get("type") == "variation":
            resource = "variation"
        names = [resource]
        if resource == ORDER and entity.get("status") == DRAFT:
            names = [CART]
        elif resource == ORDER and entity.get("cart_hash"):
            names = [ORDER, CART]
        hints = [Raw(name, str(id_), stamp, b"{}", hint=True) for name in names]
        refunds = entity.get("refunds") if resource == ORDER else None
        rows = [row for row in refunds if isinstance(row, dict) and "id" in row] if isinstance(refunds, list) else []
        return hints + [Raw("refund", str(row["id"]), stamp, b"{}", hint=True) for row in rows]


def shop_of(url: str) -> str:
    """Return how a shop is called in `Account.account`: host, port if any, and path, e.g. `example.com/shop`."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".lower().strip("/")


def _is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    return PING.fullmatch(body) is not None and not any(name.startswith("x-wc-") for name in headers)


def _signature(secret: str, body: bytes) -> bytes:
    # WordPress decodes the entities of a stored secret before it signs.
    return b64encode(hmac.digest(html.unescape(secret).encode(), body, sha256))


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(HEADER.format(name), "").strip()
    if not value:
        raise DecodeError(f"webhook: header {HEADER.format(name)} is missing")
    return value
