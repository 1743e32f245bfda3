"""Stripe's webhooks: signature, time, delivery id, hints."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import stripe

from connectors.clock import ManualClock
from connectors.errors import DecodeError
from connectors.stripe.webhook import StripeWebhook
from connectors.wire import iso_micros

CLOCK = ManualClock()
READER = StripeWebhook(CLOCK)
SECRET = "whsec_test"
VECTOR = b'{"id":1,"email":"ada@example.com"}'
STAMP = 1_760_000_000
SIGNED = "0df044d8780c906994f21533f26e3464600b5ded496052d7bce60bb03ddc6eec"
AT = datetime.fromtimestamp(STAMP, UTC)


def header(*parts: str) -> dict[str, str]:
    """The header as sent."""
    return {"stripe-signature": ",".join(parts)}


def signature(secret: str, body: bytes) -> str:
    """Sign as Stripe does."""
    return hmac.new(secret.encode(), f"{STAMP}.".encode() + body, sha256).hexdigest()


def test_any_live_secret_and_any_v1_verify() -> None:
    """The known vector passes, beside other signatures and secrets; the library's own signer agrees."""
    assert READER.verify(header(f"t={STAMP}", f"v1={SIGNED}"), VECTOR, [SECRET], AT)
    rolled = header(f"t={STAMP}", "v1=00", f"v1={SIGNED}", "v0=11")
    assert READER.verify(rolled, VECTOR, ["whsec_other", SECRET], AT)
    made = stripe.WebhookSignature.generate_signature_header(VECTOR.decode(), SECRET, STAMP)
    assert READER.verify({"stripe-signature": made}, VECTOR, [SECRET], AT)


@pytest.mark.parametrize(
    ("given", "body", "secrets", "after"),
    [
        (header(f"t={STAMP}", f"v1={SIGNED}"), VECTOR + b" ", [SECRET], 0),
        (header(f"t={STAMP}", f"v1={SIGNED}"), VECTOR, ["whsec_other", ""], 0),
        (header(f"t={STAMP}", f"v0={SIGNED}"), VECTOR, [SECRET], 0),
        (header(f"t={STAMP}", f"v1={SIGNED}"), VECTOR, [SECRET], 301),
        (header(f"t={STAMP}", f"v1={SIGNED}"), VECTOR, [SECRET], -86_400),
        (header(f"t={STAMP}", "t=1", f"v1={SIGNED}"), VECTOR, [SECRET], 0),
        (header("t=²", f"v1={SIGNED}"), VECTOR, [SECRET], 0),
        ({}, VECTOR, [SECRET], 0),
    ],
)
def test_forged_and_stale_ones_do_not(given: dict[str, str], body: bytes, secrets: list[str], after: int) -> None:
    """Another body, secret or scheme, and a time more than 300 s away, before or behind."""
    assert not READER.verify(given, body, secrets, AT + timedelta(seconds=after))


def event(about: dict[str, Any], **more: Any) -> bytes:
    """An event about an object."""
    return json.dumps({"id": "evt_1", "object": "event", "created": STAMP, "data": {"object": about}, **more}).encode()


@pytest.mark.parametrize(
    ("about", "hints"),
    [
        ({"object": "customer", "id": "cus_1"}, [("customer", "cus_1")]),
        ({"object": "subscription", "id": "sub_1"}, [("subscription", "sub_1")]),
        ({"object": "invoice"}, []),
        ({"object": "checkout.session", "id": "cs_1"}, []),
    ],
)
def test_an_event_says_what_to_read(about: dict[str, Any], hints: list[tuple[str, str]]) -> None:
    """A hint of the moment of arrival, whatever the body says; what is not read gives none."""
    [(account, raws)] = READER.parse({}, event(about)).items()
    assert account == ""
    assert [(raw.object, raw.remote_id) for raw in raws] == hints
    assert all(raw.hint and raw.version == iso_micros(CLOCK.now()) and raw.body == b"{}" for raw in raws)


def test_a_connected_account_is_named_and_the_events_id_is_the_deliverys() -> None:
    """Connect's events name their account; every repetition has the id of the event."""
    body = event({"object": "customer", "id": "cus_1"}, account="acct_7")
    assert list(READER.parse({}, body)) == ["acct_7"]
    assert READER.delivery_id({}, body) == "evt_1"
    assert READER.delivery_id({}, b"{}") is None
    assert READER.delivery_id({}, b"no json") is None


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"object": "v2.core.event"}', b'{"object": "event"}'])
def test_what_is_no_event_is_named(body: bytes) -> None:
    """Thin events and anything else are a DecodeError."""
    with pytest.raises(DecodeError, match="webhook"):
        READER.parse({}, body)
