"""Vendors that answer our writes and tell of them again, each in its spelling, and the rounds until all is silent."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.kafka.records import Command, VendorRecord, VendorResult
from connectors.wire import dumps, iso_micros
from tests.unit.stages.kit import TENANT, Company

Body = dict[str, Any]
Spell = Callable[[Body], Body]
START = datetime(2026, 3, 1, 10, tzinfo=UTC)


class World:
    """All vendors of one tenant, with one clock.

    Args:
        company: the tenant.
        spellings: how each vendor stores what it is given.
        told_twice: vendors also tell of our writes by poll, long after the answer, and not only once.
        overtaken: what is written comes back as a record before its answer does.
    """

    def __init__(
        self, company: Company, spellings: Mapping[str, Spell], *, told_twice: bool = True, overtaken: bool = False
    ) -> None:
        self.company = company
        self.objects: dict[tuple[str, str, str], Body] = {}
        self.written: list[Command] = []
        self._spellings = spellings
        self._told_twice = told_twice
        self._overtaken = overtaken
        self._ids: dict[str, tuple[str, str, str]] = {}
        self._waiting: list[Command] = []
        self._now = START
        self._count = 100

    def edit(self, vendor: str, kind: str, id_: str, **fields: Any) -> None:
        """Let a person edit an object; the source tells of it."""
        self._store(vendor, kind, id_, fields)
        self._tell(vendor, kind, id_)

    def rounds(self, limit: int) -> int | None:
        """Return after how many rounds of writes nothing is left to write; None: not within `limit`."""
        for number in range(limit):
            if not self._waiting:
                return number
            # Of several commands for one object the last is sent, as delivery does.
            latest = {(command.vendor, command.object_key): command for command in self._waiting}
            self._waiting.clear()
            self._deliver(list(latest.values()))
        return None

    def _deliver(self, commands: list[Command]) -> None:
        told: list[tuple[Command, tuple[str, str, str]]] = []
        for command in commands:
            if command.operation == "FETCH":
                known = self.objects.get((command.vendor, command.object, command.remote_id or ""))
                if known is not None:
                    self._tell(command.vendor, command.object, command.remote_id or "")
                continue
            self.written.append(command)
            key = self._ids.get(command.object_key + command.vendor)
            if key is None:
                self._count += 1
                key = (command.vendor, command.object, command.remote_id or str(self._count))
                self._ids[command.object_key + command.vendor] = key
            sent = self._resolved(json.loads(command.body, parse_float=Decimal), command.vendor)
            self._store(*key, sent)
            told.append((command, key))
            if not self._overtaken:
                self._answer(command, key)
        for _, key in told * (2 if self._told_twice else 1):
            self._tell(*key)
        for command, key in told if self._overtaken else ():
            self._answer(command, key)

    def _resolved(self, value: Any, vendor: str) -> Any:
        """Fill placeholders as delivery does."""
        if isinstance(value, dict):
            if "$ref" in value:
                return self._ids[value["$ref"] + vendor][2]
            return value["$lookup"]["name"] if "$lookup" in value else {
                name: self._resolved(part, vendor) for name, part in value.items()
            }  # fmt: skip
        return [self._resolved(part, vendor) for part in value] if isinstance(value, list) else value

    def _store(self, vendor: str, kind: str, id_: str, fields: Body) -> None:
        self._now += timedelta(seconds=1)
        former = self.objects.get((vendor, kind, id_), {})
        stored = self._spellings.get(vendor, dict)({**former, **fields})
        token = int(former.get("SyncToken", -1)) + 1
        shown = self._now.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        stamps: Mapping[str, Body] = {
            "salesforce": {"Id": id_, "SystemModstamp": shown},
            "pardot": {"id": int(id_) if id_.isdigit() else id_, "updatedAt": self._now.isoformat()},
            "quickbooks": {"Id": id_, "SyncToken": str(token), "MetaData": {"LastUpdatedTime": self._now.isoformat()}},
        }
        self.objects[vendor, kind, id_] = {**stored, **stamps[vendor]}

    def _answer(self, command: Command, key: tuple[str, str, str]) -> None:
        stored = self.objects[key]
        body = {} if command.vendor == "salesforce" else stored
        about = (command.vendor, command.object, command.object_key, command.operation, command.version)
        result = VendorResult(TENANT, *about, key[2], dumps(body), self._now)
        self._waiting += self.company.take(result)

    def _tell(self, vendor: str, kind: str, id_: str) -> None:
        stored = self.objects[vendor, kind, id_]
        raw = dumps(stored)
        version = _stated(vendor, stored)
        record = VendorRecord(TENANT, vendor, kind, id_, version, "poll", raw, self._now)
        self._waiting += self.company.take(record)


def _stated(vendor: str, stored: Body) -> str:
    stamps = {"salesforce": "SystemModstamp", "pardot": "updatedAt"}
    text = stored["MetaData"]["LastUpdatedTime"] if vendor == "quickbooks" else stored[stamps[vendor]]
    at = iso_micros(datetime.fromisoformat(text.replace("+0000", "+00:00")))
    return f"{at}/{int(stored['SyncToken']):010d}" if vendor == "quickbooks" else at
