"""Writes prospects with their custom fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import ConnectorError, RejectedError, StaleError
from connectors.pardot.client import PardotClient, Record
from connectors.pardot.errors import NOT_FOUND
from connectors.pardot.prospects import ALWAYS, OBJECT, content_of, email_of, version_of
from connectors.ports import Call, Outcome, RemoteRef
from connectors.wire import dumps


class PardotSink:
    """Version 5 has no batch write and no request id: one call each, and every one may be repeated."""

    name = "pardot"
    max_batch = 1

    def __init__(self, client: PardotClient) -> None:
        self._client = client

    async def write(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        """Carry out the calls one after the other."""
        return [await self._outcome(call) for call in calls]

    async def find(self, call: Call) -> Outcome | None:
        """Return the prospect if it is there with everything we meant to write; else None: the write may be repeated.

        With `call.remote` the prospect is returned as it is, None when it is gone; one of `call.former_ids` as it is,
        too, since a write by address would change it.

        Raises:
            ConnectorError: the look-up failed.
        """
        email = email_of(call.body)
        wanted = content_of(call.body, email)
        fields = _fields(wanted)
        if call.remote is not None:
            prospect = await self._client.read_prospect(call.remote.id, fields)
            return _stored(prospect) if prospect else None
        in_the_way = None
        for prospect in await self._client.prospects_by_email(email, fields):
            if str(prospect["id"]) in call.former_ids:
                in_the_way = _stored(prospect)
            elif all(_same(prospect.get(name), value) for name, value in wanted.items()):
                return _stored(prospect)
        return in_the_way

    async def _outcome(self, call: Call) -> Outcome:
        try:
            return await self._write(call)
        except ConnectorError as error:
            return Outcome(error=error)

    async def _write(self, call: Call) -> Outcome:
        if call.object != OBJECT or call.operation != "put":
            raise RejectedError(f"Pardot sink: {call.operation} of {call.object} is not done; only Prospect is put")
        email = email_of(call.body)
        content = content_of(call.body, email)
        if call.remote is None:
            return _stored(await self._client.upsert_prospect(email, content, _fields(content)))
        try:
            return _stored(await self._client.update_prospect(call.remote.id, content, _fields(content)))
        except RejectedError as error:
            if error.code.isdigit() and int(error.code) in NOT_FOUND:
                # Gone since: a look-up tells so, and delivery decides.
                raise StaleError(str(error), code=error.code) from error
            raise


def _fields(content: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys((*ALWAYS, *content)))


def _same(stored: Any, sent: Any) -> bool:
    return str(stored).strip().lower() == str(sent).strip().lower() or (stored in (None, "") and sent in (None, ""))


def _stored(prospect: Record) -> Outcome:
    return Outcome(RemoteRef(str(prospect["id"])), dumps(prospect), version=version_of(prospect))
