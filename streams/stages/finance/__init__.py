"""A customer's figures from what each of its documents adds: absolute values, so that a replay changes nothing.

`documents` says what one document, order or subscription adds, `home` what that is in the home currency, `paid` on
which day an invoice was paid, `overdue` what a new business day changes, `figures` adds it all up.
"""

from streams.stages.finance import documents, figures, overdue, paid
from streams.stages.finance.overdue import tick
from streams.stages.work import Work

__all__ = ["settle", "tick"]


def settle(work: Work) -> None:
    """Bring paid dates and customers' figures in step with what this record touched."""
    if not work.moved and work.entities().isdisjoint(documents.COUNTED):
        return
    paid.settle(work)
    overdue.watch(work)
    customers = dict.fromkeys([*work.moved, *documents.settle(work)])
    for id_ in customers:
        figures.reckon(work, id_)
