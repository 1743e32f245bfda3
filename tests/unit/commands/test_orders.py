"""Which orders `sluiceway orders send` sends."""

from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from connectors.kafka.records import Decision
from streams.cli import main
from streams.commands import orders
from streams.commands.orders import waiting


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


class Ids:
    """A registry that need not be asked."""

    def __init__(self, *_: Any) -> None:
        pass

    async def warm(self, *_: Any) -> None:
        """Know all schemas."""

    def close(self) -> None:
        """Let go of nothing."""


@pytest.mark.parametrize(("since", "sent"), [("2026-03-05", ["first", "new", ""]), ("2026-04-01", [""])])
def test_what_changed_in_the_books_is_made_up_for_with_them(
    monkeypatch: pytest.MonkeyPatch, since: str, sent: list[str]
) -> None:
    """One decision an order, and one about all that the accounts did not hear of, whatever the day."""
    decided: list[Decision] = []

    async def decide(_kafka: object, _codec: object, *decisions: Decision) -> None:
        decided.extend(decisions)

    monkeypatch.setattr(orders, "latest", lambda _kafka, _codec, entity, _tenant: RECORDS[entity])
    monkeypatch.setattr(orders, "RegistryIds", Ids)
    monkeypatch.setattr(orders, "decide", decide)
    result = CliRunner().invoke(main, ["orders", "send", "acme", "--since", since])
    assert result.exit_code == 0, result.output
    assert [(one.verdict, one.order) for one in decided] == [("send", id_) for id_ in sent]
