"""A burst of payments is told to the marketing side in a few writes, not in as many as there were payments."""

from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

import connectors
from connectors.kafka.records import Command
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.delivery.kit.story import play
from tests.unit.delivery.kit.world import CODEC
from tests.unit.delivery.kit.world import TENANT as THEIRS
from tests.unit.stages.kit import Company, at, of, snapshot, stored, version

PAYMENTS = 50


def _burst() -> list[Command]:
    """Return what is asked of Pardot while fifty payments of one customer come in."""
    company = Company(Pipeline(CODEC, Templates.load(Path(connectors.__file__).parent)))
    company.connect()
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    company.result(of(commands, "quickbooks", "Customer"), "58", stored("Customer", "58"))
    asked = []
    for number in range(PAYMENTS):
        payment = stored("Payment", str(180 + number), 5, TotalAmt=10, UnappliedAmt=10, Line=[])
        asked += company.record("quickbooks", "Payment", payment, version(5))
    return [command for command in asked if command.vendor == "pardot"]


def test_fifty_payments_are_not_fifty_writes() -> None:
    """What nobody has begun is replaced: three writes at most, and the last one has all of it."""
    asked = _burst()
    assert len(asked) == PAYMENTS
    world = play(*(replace(command, tenant=THEIRS, vendor="acme") for command in asked))
    assert world.settled
    assert len(world.vendor.writes) <= 3
    last = world.vendor.writes[-1].body
    assert Decimal(str(last["Lifetime_Value__c"])) == 10 * PAYMENTS
