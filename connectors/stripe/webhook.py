"""Stripe's webhooks as hints (docs.stripe.com, "Webhooks").

Deliveries are repeated for days and not in order, several changes of one object share a second, and an event's body is
the object as it then was. So it is not taken for the object: it says what to read. Its version is the moment of its
arrival: newer than what was read before, not than what is read then.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.clock import SystemClock
from connectors.errors import DecodeError
from connectors.ports import Clock, Raw
from connectors.stripe.objects import PATHS
from connectors.wire import iso_micros, loads

SIGNATURE = "stripe-signature"
TOLERANCE_SECONDS = 300
"""As Stripe's libraries have it; unlike them we hold it against the future too."""


class StripeWebhook:
    """Verifies and reads the requests of any account."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """Tell whether one of the secrets signed the raw body within five minutes of `now`; only scheme v1 counts."""
        stamp, given = _signatures(headers.get(SIGNATURE, ""))
        if stamp is None or abs(now.timestamp() - stamp) > TOLERANCE_SECONDS:
            return False
        signed = f"{stamp}.".encode() + body
        made = [hmac.new(secret.encode(), signed, sha256).hexdigest().encode() for secret in secrets if secret]
        # Every pair is compared, so that the time taken does not tell which one fits.
        matches = [hmac.compare_digest(one, other) for one in made for other in given]
        return any(matches)

    def delivery_id(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the event's id, the same in every repetition."""
        del headers
        try:
            event = loads(body)
        except ValueError:
            return None
        id_ = event.get("id") if isinstance(event, dict) else None
        return id_ if isinstance(id_, str) and id_ else None

    def parse(self, headers: Mapping[str, str], body: bytes) -> Mapping[str, Sequence[Raw]]:
        """Return hints by the connected account the event names, `""` where it names none.

        Raises:
            DecodeError: no event of API version 1; the message names the field.
        """
        del headers
        try:
            event = loads(body)
        except ValueError as error:
            raise DecodeError(f"webhook: the body is not JSON ({error})") from None
        if not isinstance(event, dict) or event.get("object") != "event":
            raise DecodeError("webhook: object is not event; thin events (v2) are not read")
        hints = [Raw(kind, id_, iso_micros(self._clock.now()), b"{}", hint=True) for kind, id_ in touched(event)]
        return {str(event.get("account") or ""): hints}


def touched(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield type and id of what an event is about, as far as it is read here.

    Raises:
        DecodeError: the event holds no object.
    """
    data = event.get("data")
    about = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(about, Mapping) or not isinstance(about.get("object"), str):
        raise DecodeError("webhook: data.object is missing")
    # An upcoming invoice has no id yet.
    if about["object"] in PATHS and isinstance(about.get("id"), str):
        yield about["object"], about["id"]


def _signatures(header: str) -> tuple[int | None, list[bytes]]:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in pairs if name == "t" and value.isascii() and value.isdigit()]
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    return (int(stamps[0]) if len(stamps) == 1 else None), given
