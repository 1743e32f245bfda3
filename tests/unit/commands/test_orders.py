"""Which orders `sluiceway orders send` sends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, cast

import pytest
from click.testing import CliRunner

from connectors.kafka.records import Connection, Decision, VendorConnection
from streams.cli import main
from streams.commands import orders
from streams.commands.connection_apply import Console
from streams.commands.orders import waiting
from streams.connections import Directory
from streams.settings import Settings
from tests.unit.delivery.kit.world import CODEC, Connections


def order(id_: str, day: int, **more: Any) -> dict[str, Any]:
    """Return an order that was agreed on a day of March."""
    return {"id": id_, "status": "WON", "hold": False, "closed_on": date(2026, 3, day), "name": f"Order {id_}", **more}


RECORDS: dict[str, dict[str, dict[str, Any]]] = {
    "order": {
        found["id"]: found
        for found in (
            order("new", 9),
            order("first", 5),
            order("old", 4),
            order("lost", 9, status="LOST"),
            order("held", 9, hold=True),
            order("dateless", 9, closed_on=None),
            order("booked", 9),
        )
    },
    "invoice": {"i": {"order_id": "booked"}, "foreign": {"order_id": None}},
}


def test_what_waits_is_agreed_and_has_no_document() -> None:
    """Since a day, the oldest first; what a person is asked about goes on waiting."""
    found = waiting(RECORDS["order"], RECORDS["invoice"], date(2026, 3, 5))
    assert [one["id"] for one in found] == ["first", "new"]


def test_a_dry_run_names_them_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Day, id and name of each, one a line."""
    monkeypatch.setattr(orders, "latest", lambda _kafka, _codec, entity, _tenant: RECORDS[entity])
    monkeypatch.delattr(orders, "decide")
    result = CliRunner().invoke(main, ["orders", "send", "acme", "--since", "2026-03-05", "--dry-run"])
    assert result.output.splitlines() == [
        "2026-03-05  first  Order first", "2026-03-09  new  Order new", "2 orders would be sent",
    ]  # fmt: skip


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> dict[str, VendorConnection]:
    """What `acme` is connected to, for a test to change; all its records are there."""
    vendors = {"quickbooks": VendorConnection("http://127.0.0.1", "realm")}

    @asynccontextmanager
    async def console(settings: Settings) -> AsyncIterator[Console]:
        directory = Connections({"acme": Connection("acme", 1, vendors, "UTC", "USD")})
        yield Console(settings, CODEC, cast(Directory, directory))

    monkeypatch.setattr(orders, "latest", lambda _kafka, _codec, entity, _tenant: RECORDS[entity])
    monkeypatch.setattr(orders, "console", console)
    return vendors


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize(("since", "sent"), [("2026-03-05", ["first", "new", ""]), ("2026-04-01", [""])])
def test_what_changed_in_the_books_is_made_up_for_with_them(
    monkeypatch: pytest.MonkeyPatch, since: str, sent: list[str]
) -> None:
    """One decision an order, and one about all that the accounts did not hear of, whatever the day."""
    decided: list[Decision] = []

    async def decide(_kafka: object, _codec: object, *decisions: Decision) -> None:
        decided.extend(decisions)

    monkeypatch.setattr(orders, "decide", decide)
    result = CliRunner().invoke(main, ["orders", "send", "acme", "--since", since])
    assert result.exit_code == 0, result.output
    assert [(one.verdict, one.order) for one in decided] == [("send", id_) for id_ in sent]


def test_without_the_accounts_nothing_is_sent(
    connected: dict[str, VendorConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says so, and what to do, rather than that each order becomes a dead letter."""
    del connected["quickbooks"]
    monkeypatch.delattr(orders, "decide")
    result = CliRunner().invoke(main, ["orders", "send", "acme", "--since", "2026-03-05"])
    assert result.exit_code == 2
    assert "nothing is sent: acme has no quickbooks; connect it with `sluiceway connections apply`" in result.output
    assert "`sluiceway orders send acme --since 2026-03-05` again" in result.output
