"""Requests that wait for an answer: the caller's customer becomes a party, and QuickBooks is asked for it.

A key is taken once: the same request again changes nothing, another body under it is refused. Delivery answers what
becomes of the command; what cannot become one is answered here, or by the dead letter.
"""

from datetime import timedelta

from connectors.kafka.records import Reply, Request
from connectors.kafka.topics import REPLY
from connectors.wire import iso_micros
from streams.replies import Asked, State
from streams.stages import commands, rows
from streams.stages.absorb import absorb, parsed
from streams.stages.accounts import ask_customer
from streams.stages.bookings import ACCOUNTS
from streams.stages.work import Emit, Work

VENDOR = "api"
"""Folder of the templates that read what callers send."""
KEPT = timedelta(hours=24)


def take(work: Work, request: Request) -> str | None:
    """Take in one request and return the canonical id it is about; None: it was taken in before, or refused.

    Raises:
        MappingError: it cannot become what its template promises.
    """
    _forget(work)
    former = work.rows.requests.get(request.key)
    if former is not None:
        if former.digest != request.digest:
            _reply(work, request, "conflict", "the Idempotency-Key was used for another request")
        return None
    row = rows.Asked(request.digest, request.received_at)
    work.rows.requests.put(row, request.key)
    work.rows.request_times.put(row, iso_micros(row.at), request.key)
    return absorb(work, VENDOR, request.object, parsed(request.body), iso_micros(request.received_at))


def ask(work: Work, request: Request, party_id: str) -> None:
    """Ask QuickBooks for the customer, also if nothing has changed: the answer is waited for.

    Raises:
        MappingError: the outbound template cannot be filled.
    """
    key = f"party/{party_id}"
    former, party = commands.sent(work, ACCOUNTS, key), work.get("party", party_id)
    if ACCOUNTS not in work.settings.vendors:
        _reply(work, request, "failed", "QuickBooks is not connected")
    elif party is None or (former is not None and former.closed):
        _reply(work, request, "failed", "the customer was deleted in QuickBooks")
    else:
        ask_customer(work, party, str(Asked(request.key, request.digest)))


def _forget(work: Work) -> None:
    """Drop the rows of requests that are out of date."""
    last = iso_micros(work.at - KEPT)
    while (oldest := work.rows.request_times.first()) is not None and oldest[0] < last:
        at, key = oldest
        work.rows.request_times.drop(at, key)
        work.rows.requests.drop(key)


def _reply(work: Work, request: Request, state: State, detail: str) -> None:
    reply = Reply(work.tenant, request.key, request.digest, state, request.received_at, detail=detail)
    work.emits.append(Emit(REPLY, work.tenant, reply.SCHEMA, reply))
