"""Writes fields back to records that exist: opportunities, accounts, contacts and leads."""

from collections.abc import Sequence
from typing import Any

from connectors.errors import ConnectorError, RejectedError
from connectors.ports import Call, Clock, Outcome, RemoteRef
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.errors import Problem, problem_of, to_error
from connectors.salesforce.objects import version_of
from connectors.wire import dumps

OBJECTS = frozenset({"Opportunity", "Account", "Contact", "Lead"})
GONE = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})
OK = 200


class SalesforceSink:
    """Many field updates are one call of `composite/sobjects`; each row stands for itself."""

    name = "salesforce"
    max_batch = 200

    def __init__(self, client: SalesforceClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def write(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        """Carry out the calls; a record that several of them change is written once for each, in order."""
        outcomes: list[Outcome] = [self._checked(call) for call in calls]
        open_calls = [index for index, outcome in enumerate(outcomes) if outcome.error is None]
        while open_calls:
            first = {_id(calls[index]): index for index in reversed(open_calls)}
            rounds = sorted(first.values())
            answers = await self._update([calls[index] for index in rounds])
            for index, outcome in zip(rounds, answers, strict=True):
                outcomes[index] = outcome
            open_calls = [index for index in open_calls if index not in rounds]
        return outcomes

    async def find(self, call: Call) -> Outcome | None:
        """Read the record by its id; None when it is gone, or when there is no id: this sink creates nothing.

        Raises:
            ConnectorError: the look-up failed.
        """
        if call.remote is None:
            return None
        fields = list(dict.fromkeys(("Id", "SystemModstamp", *call.body)))
        try:
            record = await self._client.read(call.object, call.remote.id, fields)
        except ConnectorError as error:
            if error.code in GONE:
                return None
            raise
        return Outcome(RemoteRef(record["Id"]), dumps(record), version=version_of(record["SystemModstamp"]))

    def _checked(self, call: Call) -> Outcome:
        if call.object not in OBJECTS:
            return _rejected(f"object {call.object} is not one of {', '.join(sorted(OBJECTS))}")
        if call.operation != "put" or call.remote is None:
            return _rejected(f"{call.operation} of {call.object} is not done; it only writes fields of known records")
        return Outcome()

    async def _update(self, calls: Sequence[Call]) -> list[Outcome]:
        records = [{**call.body, "attributes": {"type": call.object}, "id": _id(call)} for call in calls]
        try:
            rows = await self._client.update(records)
        except ConnectorError as error:
            return [Outcome(error=error) for _ in calls]
        return [self._outcome(call, row) for call, row in zip(calls, rows, strict=True)]

    def _outcome(self, call: Call, row: dict[str, Any]) -> Outcome:
        if row.get("success"):
            return Outcome(RemoteRef(_id(call)), dumps({"Id": _id(call)}))
        errors = row.get("errors") or []
        problem = problem_of(errors[0]) if errors else Problem()
        return Outcome(error=to_error(problem, OK, reads=False, now=self._clock.now()))


def _id(call: Call) -> str:
    return call.remote.id if call.remote else ""


def _rejected(reason: str) -> Outcome:
    return Outcome(error=RejectedError(f"Salesforce sink: {reason}"))
