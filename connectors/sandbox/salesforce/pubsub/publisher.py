"""Writes an org's changes to the event log, as the admin's switches and faults want them."""

import io
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import fastavro

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.salesforce.changes import Author, Change
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.org import Org
from connectors.sandbox.salesforce.pubsub.capture import Commit, Event, events_of
from connectors.sandbox.salesforce.pubsub.layout import event_name, slots
from connectors.sandbox.salesforce.pubsub.log import EventLog
from connectors.sandbox.salesforce.pubsub.platform import platform_datum, platform_schema
from connectors.sandbox.salesforce.pubsub.schemas import schema_id, schema_of

OVERFLOW_CHANGES = "overflow_changes"
# Unverified at the vendor's.
DEFAULT_OVERFLOW_CHANGES = 100_000
# "Pub/Sub API and Event Allocations": a larger change event becomes a gap event.
_LARGEST_EVENT = 1_048_576
_TRANSACTIONS = "transactions"


class Publisher:
    """Turns units into events. Faults: `gap_event` empties an event, `event_overflow` a whole transaction."""

    def __init__(self, ctx: SandboxContext, log: EventLog) -> None:
        self._ctx = ctx
        self._log = log
        self._ids: dict[tuple[str, ...], str] = {}
        self._parsed: dict[str, Any] = {}
        self._texts: dict[str, str] = {}

    def announce(self, org: Org, changes: Sequence[Change], author: Author, now: datetime) -> None:
        """Append the events of one unit, within its transaction."""
        self._log.forget(org.name)
        author = replace(author, user=author.user or org.user["Id"])
        for change in changes:
            base = org.schema.addressed(change.name)
            if base.platform_event:
                self._append(org.name, base, platform_datum(base, change, author.user, now))
        events = events_of(org.schema, changes, self._most(org.name))
        if events:
            self._tell(org, events, changes, author, now)

    def _tell(
        self, org: Org, events: Sequence[Event], changes: Sequence[Change], author: Author, now: datetime
    ) -> None:
        key = str(uuid.UUID(int=self._ctx.random.getrandbits(128), version=4))
        commit = Commit.of(key, self._ctx.database.next(org.name, _TRANSACTIONS), author, now, changes)
        for sequence, event in enumerate(events, start=1):
            self._change_event(org, commit, event, sequence)

    def _most(self, account: str) -> int:
        if self._ctx.faults.take("event_overflow", account):
            return 0
        most: int = self._ctx.setting(account, OVERFLOW_CHANGES, DEFAULT_OVERFLOW_CHANGES)
        return most

    def _change_event(self, org: Org, commit: Commit, event: Event, sequence: int) -> None:
        if self._ctx.faults.take("gap_event", org.name, path=f"/data/{event_name(event.entity)}"):
            event = event.emptied()
        base = org.schema.addressed(event.entity)
        id_ = self.schema(base)
        if len(self._encoded(id_, commit.encoded(event, sequence))) > _LARGEST_EVENT:
            event = event.emptied()
        self._append(org.name, base, commit.encoded(event, sequence))

    def _append(self, account: str, base: SObject, datum: Mapping[str, Any]) -> None:
        id_ = self.schema(base)
        self.publish(account, base.name, id_, self._encoded(id_, datum))

    def publish(self, account: str, entity: str, schema: str, payload: bytes, event_id: str = "") -> int:
        """Append an event as it is and return its replay id; needs an open transaction."""
        event_id = event_id or str(uuid.UUID(int=self._ctx.random.getrandbits(128), version=4))
        return self._log.append(account, entity, schema, event_id, payload)

    def schema(self, base: SObject) -> str:
        """Id of the object's present schema, which is kept from now on; needs an open transaction."""
        shape = (base.name, *base.fields)
        if shape not in self._ids:
            text = platform_schema(base) if base.platform_event else schema_of(base.name, slots(base))
            self._ids[shape] = id_ = schema_id(text)
            self._texts[id_] = text
            self._parsed[id_] = fastavro.parse_schema(json.loads(text))
        self._log.add_schema(self._ids[shape], self._texts[self._ids[shape]])
        return self._ids[shape]

    def _encoded(self, id_: str, datum: Mapping[str, Any]) -> bytes:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, self._parsed[id_], datum)
        return buffer.getvalue()
