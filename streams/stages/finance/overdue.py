"""Which invoices are overdue: those that were due before the business day that began last.

The stages have no clock. That a day begins is a record of the inbox like any other (`Tick`), so that a replay sees the
same days; between two of them nothing becomes overdue. Open invoices wait under their due date, so that a new day costs
what it changes and no more.
"""

from datetime import date

from connectors.kafka.records import Entity, Tick
from streams.stages.rows import Day, Due
from streams.stages.work import Work

OPEN = frozenset({"OPEN", "PARTLY_PAID"})


def tick(work: Work, value: Tick) -> None:
    """Let a business day begin: the customers of invoices that are overdue from now on are reckoned anew.

    A day that has begun already, or an earlier one, changes nothing.
    """
    former = work.rows.days.get()
    if former is not None and value.on <= former.on:
        return
    work.rows.days.put(Day(value.on))
    while (parts := work.rows.due.first()) is not None and date.fromisoformat(parts[0]) < value.on:
        for (id_,), row in work.rows.due.scan(parts[0]):
            work.moved[work.standing("party", row.customer)] = None
            work.rows.due.drop(parts[0], id_)


def watch(work: Work) -> None:
    """Let the open invoices among what was touched wait for the day after they are due."""
    invoices = work.touched("invoice")
    day = work.rows.days.get() if invoices else None
    for before, after in invoices:
        old, new = _awaited(before), _awaited(after)
        if new is not None and day is not None and new < day.on:
            new = None
        id_ = (after or before or {}).get("id", "")
        if old is not None and old != new:
            work.rows.due.drop(old.isoformat(), id_)
        if new is not None and after is not None and after["customer_id"] is not None:
            work.rows.due.put(Due(after["customer_id"]), new.isoformat(), id_)


def _awaited(invoice: Entity | None) -> date | None:
    """Return when an open invoice is due."""
    if invoice is None or invoice["kind"] != "INVOICE" or invoice["status"] not in OPEN:
        return None
    due: date | None = invoice["due_on"]
    return due
