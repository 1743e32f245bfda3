"""`sluiceway orders`: what the accounts did not hear of while they were not connected."""

import getpass
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import click

from connectors.clock import SystemClock
from connectors.errors import FatalError
from connectors.kafka.codec import Codec
from connectors.kafka.records import Decision, Entity
from connectors.kafka.registry import RegistryIds
from streams.commands.connection_apply import console
from streams.commands.failures import run
from streams.commands.reading import latest
from streams.connecting import decide
from streams.settings import Settings
from streams.stages.bookings import ACCOUNTS, AGREED
from streams.stages.orders import EVERY, SEND


@click.group()
def orders() -> None:
    """Send what was agreed, changed or taken back while QuickBooks was not connected."""


@orders.command("send")
@click.argument("tenant")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="day of the agreement; nothing older")
@click.option("--dry-run", is_flag=True, help="only say which")
def send(tenant: str, since: datetime, *, dry_run: bool) -> None:
    """Let the agreed orders of TENANT that have no document in the accounts be sent.

    Rules judge them as they are now; what waits for a person goes on waiting, what was sent already is not sent again.
    Whatever the day, orders that the accounts have follow what was told of them while QuickBooks was not connected:
    what was taken back is voided.
    """
    settings = Settings()
    ids = RegistryIds(settings.registry)
    codec = Codec(ids)

    async def work() -> None:
        async with console(settings) as view:
            if ACCOUNTS not in view.connection(tenant).vendors:
                again = f"sluiceway orders send {tenant} --since {since.date()}"
                raise FatalError(
                    f"nothing is sent: {tenant} has no {ACCOUNTS}; connect it with `sluiceway connections apply`, "
                    f"then say `{again}` again"
                )
            now, by = SystemClock().now(), getpass.getuser()
            ids_ = [*(one["id"] for one in found), EVERY]
            await decide(settings.kafka, view.codec, *(Decision(tenant, SEND, now, by=by, order=id_) for id_ in ids_))

    try:
        orders_ = latest(settings.kafka, codec, "order", tenant)
        found = waiting(orders_, latest(settings.kafka, codec, "invoice", tenant), since.date())
        for order in found:
            click.echo(f"{order['closed_on']}  {order['id']}  {order['name'] or ''}")
        if not dry_run:
            run(work())
    finally:
        ids.close()
    click.echo(f"{len(found)} orders {'would be sent' if dry_run else 'are on their way to transform'}")


def waiting(orders_: Mapping[str, Entity], documents: Mapping[str, Entity], since: date) -> Sequence[Entity]:
    """Return the orders that were agreed on a day or later and have no document, the oldest first.

    Args:
        orders_: the tenant's, by id.
        documents: its invoices and receipts, by id.
        since: the first day.
    """
    booked = {document["order_id"] for document in documents.values()}
    found = [
        order
        for order in orders_.values()
        if order["status"] == AGREED and not order["hold"] and order["id"] not in booked
        if order["closed_on"] is not None and order["closed_on"] >= since
    ]
    return sorted(found, key=lambda order: (order["closed_on"], order["id"]))


COMMANDS = (orders,)
