"""Test clocks: a customer made on one lives in its frozen time, which its owner moves (docs.stripe.com)."""

from connectors.sandbox.stripe import subscriptions
from connectors.sandbox.stripe.errors import StripeError
from connectors.sandbox.stripe.forms import Params, text, whole
from connectors.sandbox.stripe.ledger import Entity, Ledger

KIND = "test_helpers.test_clock"


def create(ledger: Ledger, params: Params) -> Entity:
    """Make a clock that stands at `frozen_time`."""
    clock: Entity = {
        "id": ledger.new_id(KIND),
        "object": KIND,
        "created": ledger.now(),
        "deletes_after": ledger.now() + 30 * 86400,
        "frozen_time": whole(params, "frozen_time"),
        "livemode": False,
        "name": text(params, "name"),
        "status": "ready",
        "status_details": {},
    }
    ledger.put(KIND, clock)
    ledger.announce("test_helpers.test_clock.created", clock)
    return clock


def advance(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Let its customers live until `frozen_time`; done when this answers."""
    clock, to = ledger.require(KIND, id_), whole(params, "frozen_time")
    if to <= clock["frozen_time"]:
        raise StripeError("The test clock cannot be advanced to a time in its past.", param="frozen_time")
    subscriptions.advance(ledger, clock, to)
    moved = ledger.put(KIND, {**clock, "frozen_time": to})
    ledger.announce("test_helpers.test_clock.ready", moved)
    return moved
