"""Which orders `sluiceway orders send` sends."""

from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

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
