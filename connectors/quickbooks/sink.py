"""Writes customers, items, documents and payments to one company."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from connectors.errors import ConnectorError, RejectedError, StaleError
from connectors.ports import Call, Outcome, RemoteRef
from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.describe import CLASSIC
from connectors.quickbooks.find import find
from connectors.quickbooks.lookup import lookup
from connectors.quickbooks.objects import MARKED, TRANSACTIONS, stored, with_marker

OBJECTS = TRANSACTIONS | {"Customer", "Item"}
VOIDED = frozenset({"Invoice", "SalesReceipt", "Payment"})
"""What has a void; a credit memo or refund receipt is deleted instead."""
REPEATS = UUID("6f0c35f1-7d5c-5d0e-9a29-6cb9bd0a1f0a")
NUMBERING = "CustomTxnNumbers"
"""In a body beside DocNumber: the preference of that name. Where it is off a number is stored, and used again."""
CREATED_WITH = frozenset({("Item", "Type"), ("Item", "IncomeAccountRef")})
"""What we leave alone once an object is there: an item may count stock, or have an account of its own."""
SERVER_FIELDS = ("Id", "SyncToken", "sparse", "MetaData", "domain")


class QuickBooksSink:
    """One call is one POST: single writes are free, a batch is metered (Intuit's page "App Partner Program")."""

    name = "quickbooks"
    max_batch = 1

    def __init__(self, client: QuickBooksClient) -> None:
        self._client = client

    async def write(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        """Carry out the calls one after the other."""
        return [await self._outcome(call) for call in calls]

    async def find(self, call: Call) -> Outcome | None:
        """Read the object by its id, or look for it as README.md tells; always with a fresh sync token.

        Raises:
            ConnectorError: the look-up failed.
        """
        return await find(self._client, call)

    async def lookup(self, object_type: str, name: str) -> str | None:
        """Return the id of a class, term, account, … by its name, or what a preference says.

        Raises:
            ConnectorError: the look-up failed, or the name is not one object's.
        """
        return await lookup(self._client, object_type, name)

    async def _outcome(self, call: Call) -> Outcome:
        try:
            return await self._write(call)
        except ConnectorError as error:
            return Outcome(error=error)

    async def _write(self, call: Call) -> Outcome:
        if call.object not in OBJECTS:
            raise RejectedError(f"QuickBooks sink: object {call.object} is not one of {', '.join(sorted(OBJECTS))}")
        if call.operation == "put":
            return await (self._update(call, call.remote) if call.remote else self._create(call))
        if call.remote is None:
            raise RejectedError(f"QuickBooks sink: {call.operation} of {call.object} needs the object's id")
        if call.operation == "void" and call.object in VOIDED:
            return await self._void(call, call.remote)
        if call.operation == "delete" or (call.operation == "void" and call.object in TRANSACTIONS):
            return await self._delete(call, call.remote)
        raise RejectedError(f"QuickBooks sink: operation {call.operation} does not exist for {call.object}")

    async def _create(self, call: Call) -> Outcome:
        body = with_marker(call.object, _content(call.body), call.object_key)
        return stored(await self._client.post(call.object, body, call.request_id, _params(body)))

    async def _update(self, call: Call, remote: RemoteRef) -> Outcome:
        body = {name: value for name, value in _content(call.body).items() if (call.object, name) not in CREATED_WITH}
        # A note that we do not set may have been typed by a person: it is left as it is.
        if call.object in MARKED and MARKED[call.object][0] in body:
            body = with_marker(call.object, body, call.object_key)
        return await self._change(call, remote, {**body, "sparse": True})

    async def _void(self, call: Call, remote: RemoteRef) -> Outcome:
        if call.object == "Invoice":
            return await self._change(call, remote, {}, {"operation": "void"})
        return await self._change(call, remote, {"sparse": True}, {"operation": "update", "include": "void"})

    async def _delete(self, call: Call, remote: RemoteRef) -> Outcome:
        if call.object in TRANSACTIONS:
            return await self._change(call, remote, {}, {"operation": "delete"})
        return await self._change(call, remote, {"sparse": True, "Active": False})

    async def _change(
        self, call: Call, remote: RemoteRef, content: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Outcome:
        if not remote.sync_token:
            raise StaleError(f"{call.object} {remote.id}: its sync token is not known; read it first", code="5010")
        body = {**content, "Id": remote.id, "SyncToken": remote.sync_token}
        # A request id is answered with its first answer, a 5010 perhaps too: with another sync token it must differ.
        request_id = str(uuid5(REPEATS, f"{call.request_id}/{remote.id}/{remote.sync_token}"))
        params = {**_params(body), **(params or {})}
        return stored(await self._client.post(call.object, body, request_id, params), remote)


def _params(body: Mapping[str, Any]) -> dict[str, str]:
    """Ask for the custom fields of the newer kind to be taken where a body has one (page "Create custom fields")."""
    wanted = {field.get("DefinitionId") for field in body.get("CustomField", ())}
    return {"include": "enhancedAllCustomFields"} if wanted - CLASSIC else {}


def _content(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be stored; our number only where the company's preference, looked up before, lets us number."""
    content = {name: value for name, value in body.items() if name not in (*SERVER_FIELDS, NUMBERING)}
    if body.get(NUMBERING, "true") != "true":
        content.pop("DocNumber", None)
    return content
