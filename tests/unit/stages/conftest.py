"""A state in memory, a pipeline on the shipped templates, and the records of a small company."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import connectors
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import Command, ConnectionChanged, VendorRecord, VendorResult
from connectors.kafka.topics import COMMAND
from streams.stages.mapping import Templates
from streams.stages.pipeline import Emit, Pipeline

TENANT = "acme"
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Value = VendorRecord | VendorResult | ConnectionChanged


class MemoryState:
    """Rows in a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        return self.rows.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set or remove a row."""
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows below a prefix, in key order."""
        return iter([(key, self.rows[key]) for key in sorted(self.rows) if key.startswith(prefix)])


class Company:
    """One tenant on its way through the pipeline: records in, what was emitted out."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.state = MemoryState()
        self.emits: list[Emit] = []
        self.taken = 0

    def take(self, value: Value) -> list[Emit]:
        """Process one record and return what it emitted; a failing one leaves no rows."""
        rows = dict(self.state.rows)
        self.taken += 1
        try:
            found = self.pipeline.process(value, self.state, f"inbox.v1/0/{self.taken}")
        except Exception:
            self.state.rows = rows
            raise
        self.emits += found
        return found

    def record(self, vendor: str, kind: str, body: Mapping[str, Any], version: str, **more: Any) -> list[Emit]:
        """Take in a vendor's record; its id is the body's."""
        remote_id = more.pop("remote_id", None) or str(body.get("Id") or body.get("id"))
        raw = json.dumps(body).encode()
        return self.take(VendorRecord(TENANT, vendor, kind, remote_id, version, "poll", raw, AT, **more))

    def result(self, command: Command, remote_id: str, body: Mapping[str, Any]) -> list[Emit]:
        """Take in a vendor's answer to a command."""
        raw = json.dumps(body).encode()
        return self.take(
            VendorResult(
                TENANT, command.vendor, command.object, command.object_key, command.operation,
                command.version, remote_id, raw, AT,
            )
        )  # fmt: skip

    def connect(self, *vendors: str, revision: int = 1, rules: str = "", **mappings: str) -> list[Emit]:
        """Connect the tenant."""
        own = {name.replace("__", "/"): text for name, text in mappings.items()}
        return self.take(
            ConnectionChanged(TENANT, revision, dict.fromkeys(vendors, "1"), "America/New_York", "USD", own, rules)
        )


def commands(emits: list[Emit]) -> list[Command]:
    """Return the commands among what was emitted."""
    return [emit.value for emit in emits if emit.topic is COMMAND and isinstance(emit.value, Command)]


def latest(emits: list[Emit], entity: str) -> dict[str, Any]:
    """Return the last state of each canonical record of an entity, by id."""
    found: dict[str, Any] = {}
    for emit in emits:
        if emit.topic.name == f"canonical.{entity}.v1":
            found[emit.key] = emit.value
    return found


@pytest.fixture(scope="session")
def templates() -> Templates:
    """The shipped templates."""
    return Templates.load(Path(connectors.__file__).parent)


@pytest.fixture(scope="session")
def codec() -> Codec:
    """A codec without a registry."""
    return Codec(LocalIds())


@pytest.fixture
def company(templates: Templates, codec: Codec) -> Company:
    """A tenant that is connected to nothing yet."""
    return Company(Pipeline(codec, templates))
