"""Sources, stages and sink in one process, without Kafka: what happens to a tenant's records from shop to accounts."""

import itertools
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import connectors
from connectors.clock import SystemClock
from connectors.errors import StaleError
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import Command, ConnectionChanged, Decision, ReviewItem, VendorRecord, VendorResult
from connectors.kafka.topics import COMMAND, REVIEW
from connectors.ports import Call, Lookup, Raw, RemoteRef, Sink
from streams.delivery.references import body_of, fill, lookups
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.contract.connectors.kit.company import Company
from tests.unit.stages.kit import MemoryState

TENANT = "acme"
TEMPLATES = Templates.load(Path(connectors.__file__).parent)


class Flow:
    """One tenant. Commands are carried out at once and in order; a reference that has no id yet is a failure."""

    def __init__(self, *companies: Company, rules: str = "") -> None:
        self.companies = {company.vendor: company for company in companies}
        self.canonical: dict[str, dict[str, Any]] = {}
        self.reviews: dict[str, ReviewItem] = {}
        self.delivered: list[Command] = []
        self.records: list[VendorRecord] = []
        self._state = MemoryState()
        self._pipeline = Pipeline(Codec(LocalIds()), TEMPLATES)
        self._cursors: dict[str, str | None] = {}
        self._remotes: dict[str, RemoteRef] = {}
        self._commands: deque[Command] = deque()
        self._numbers = itertools.count()
        accounts = dict.fromkeys(self.companies, "1")
        self._take(ConnectionChanged(TENANT, 1, accounts, "America/New_York", "USD", {}, rules))

    async def sweep(self, *vendors: str) -> None:
        """Read what is new at the shops, and let everything follow from it."""
        for vendor in vendors:
            async for batch in self.companies[vendor].source.read(self._cursors.get(vendor)):
                self._cursors[vendor] = batch.cursor
                self.receive(vendor, batch.records)
        await self.settle()

    def receive(self, vendor: str, raws: Iterable[Raw]) -> None:
        """Take in records as a source, fetch or webhook gives them."""
        for raw in raws:
            now = SystemClock().now()
            record = VendorRecord(
                TENANT, vendor, raw.object, raw.remote_id, raw.version, "poll", raw.body, now,
                deleted=raw.deleted, hint=raw.hint,
            )  # fmt: skip
            self.records.append(record)
            self._take(record)

    def decide(self, verdict: str, review: str) -> None:
        """Answer a question."""
        self._take(Decision(TENANT, verdict, SystemClock().now(), review=review))

    async def settle(self) -> None:
        """Carry out commands until there are none."""
        while self._commands:
            command = self._commands.popleft()
            company = self.companies[command.vendor]
            if command.operation == "FETCH":
                self.receive(command.vendor, await company.fetcher.fetch(command.object, [str(command.remote_id)]))
            else:
                await self._write(company, command)

    def of(self, entity: str) -> list[dict[str, Any]]:
        """Return the canonical records of an entity."""
        return [record for record in self.canonical.get(entity, {}).values() if record is not None]

    async def _write(self, company: Company, command: Command) -> None:
        sink, known = company.sink, self._remotes.get(command.object_key)
        body: Mapping[str, Any] = {}
        if command.operation == "PUT":
            template = body_of(command)
            assert isinstance(sink, Lookup)
            found = {name: await sink.lookup(*name) for name in lookups(template)}
            missing = [name for name, id_ in found.items() if id_ is None]
            assert not missing, missing
            ids = {name: id_ for name, id_ in found.items() if id_ is not None}
            body = fill(template, lambda key: self._remotes[key].id, ids)
        call = Call(
            object=command.object,
            object_key=command.object_key,
            operation=command.operation.lower(),
            body=body,
            request_id=f"{command.version}-{next(self._numbers)}",
            remote=known,
            attempted_at=SystemClock().now() - timedelta(minutes=1),
        )
        if known is None:  # as delivery does where it has no row of its own, or a stale one
            call = await _looked(sink, call)
        [outcome] = await sink.write([call])
        if isinstance(outcome.error, StaleError):
            [outcome] = await sink.write([await _looked(sink, call)])
        assert outcome.error is None, outcome.error
        assert outcome.remote is not None
        self._remotes[command.object_key] = outcome.remote
        self.delivered.append(command)
        about = (command.vendor, command.object, command.object_key, command.operation, command.version)
        self._take(VendorResult(TENANT, *about, outcome.remote.id, outcome.body, SystemClock().now()))

    def _take(self, value: VendorRecord | VendorResult | ConnectionChanged | Decision) -> None:
        for emit in self._pipeline.process(value, self._state, f"inbox.v1/0/{next(self._numbers)}"):
            if emit.topic is COMMAND and isinstance(emit.value, Command):
                self._commands.append(emit.value)
            elif emit.topic is REVIEW and isinstance(emit.value, ReviewItem):
                self.reviews[emit.value.id] = emit.value
            elif emit.topic.name.startswith("canonical.") and emit.schema != "sluiceway.canonical.Change":
                entity = emit.topic.name.split(".")[1]
                self.canonical.setdefault(entity, {})[emit.key] = emit.value


async def _looked(sink: Sink, call: Call) -> Call:
    found = await sink.find(call)
    return call if found is None or found.remote is None else replace(call, remote=found.remote)
