"""Questions and answers through `sluiceway review` and `reconcile`, on a real broker and a real registry."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Producer

import connectors
from connectors.kafka.codec import Codec
from connectors.kafka.partition import partition_for
from connectors.kafka.records import ConnectionChanged, Decision, ReviewItem, VendorRecord
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import INBOX, REVIEW, TRANSFORM_STATE
from streams.commands.reading import messages
from streams.settings import Kafka, Registry
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.integration.kafka.conftest import PARTITIONS, sluiceway
from tests.unit.stages.kit import ACCOUNT, ALL, AT, CONTACT, MemoryState, at, stored, version

TENANT = "review-it"
LEAD = {"Id": "00QA", "FirstName": "Bob", "LastName": "Lee", "Company": "Acme", "Email": CONTACT["Email"]}
KINDS = {kind.SCHEMA: kind for kind in (VendorRecord, ConnectionChanged, Decision)}


class Desk:
    """The tenant's inbox, and a transform without state topics: it reads the inbox and puts the questions."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.kafka = Kafka(bootstrap_servers=environ["SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS"], partitions=PARTITIONS)
        self.ids = RegistryIds(Registry(url=environ["SLUICEWAY_REGISTRY__URL"]))
        self._codec = Codec(self.ids)
        self._pipeline = Pipeline(self._codec, Templates.load(Path(connectors.__file__).parent))
        self._producer = Producer({"bootstrap.servers": self.kafka.bootstrap_servers})
        self._state = MemoryState()
        self._next = OFFSET_BEGINNING
        self.parties: dict[str, Any] = {}

    def tell(self, value: ConnectionChanged | VendorRecord) -> None:
        """Put a record into the inbox."""
        self._put(INBOX.name, self._codec.encode(INBOX, value))

    def _put(self, topic: str, value: bytes) -> None:
        self._producer.produce(topic, value, TENANT.encode(), partition=partition_for(TENANT, PARTITIONS))
        assert self._producer.flush(20) == 0

    def turn(self) -> None:
        """Work on what has come."""
        for value in list(self._come()):
            for emit in self._pipeline.process(value, self._state, "inbox.v1/0/0"):
                if emit.topic is REVIEW:
                    assert isinstance(emit.value, ReviewItem)
                    self._put(REVIEW.name, self._codec.encode(REVIEW, emit.value))
                elif emit.topic.name == "canonical.party.v1":
                    self.parties[emit.key] = emit.value

    def _come(self) -> Iterator[Any]:
        for message in messages(self.kafka, INBOX.name, partition_for(TENANT, PARTITIONS), self._next):
            self._next = (message.offset() or 0) + 1
            value = message.value()
            if message.key() == TENANT.encode() and isinstance(value, bytes):
                name, fields = self._codec.decode(value)
                yield KINDS[name](**fields)


@pytest.fixture
async def desk(environ: dict[str, str]) -> Desk:
    """A tenant with a question about who is who and one about a field."""
    found = Desk(environ)
    await found.ids.warm([INBOX, REVIEW, TRANSFORM_STATE])
    policies = {"party.website": "hold"}
    found.tell(ConnectionChanged(TENANT, 1, dict.fromkeys(ALL, "1"), "UTC", "USD", policies=policies))
    customer = stored("Customer", "58", 2, WebAddr={"URI": "https://q.example"})
    for vendor, kind, body, said in (
        ("salesforce", "Account", {**ACCOUNT, "Website": "https://s.example"}, at(1)),
        ("quickbooks", "Customer", customer, version(2)),
        ("salesforce", "Contact", CONTACT, at(2)),
        ("salesforce", "Lead", LEAD, at(3)),
    ):
        raw = json.dumps(body).encode()
        found.tell(VendorRecord(TENANT, vendor, kind, str(body["Id"]), said, "poll", raw, AT))
    return found


async def said(environ: dict[str, str], *arguments: str) -> str:
    """Run a command that must succeed, and return what it says."""
    result = await sluiceway(environ, *arguments)
    assert result.exit_code == 0, result.output
    return result.output


async def test_questions_are_listed_and_answered(environ: dict[str, str], desk: Desk) -> None:
    """Report before the first sync, list, reject, accept, merge and split do what they say."""
    tallies = json.loads(await said(environ, "reconcile", "report", TENANT, "--json"))
    assert tallies["records"]["quickbooks/Customer"] == {"linked": 1, "ambiguous": 0, "new": 0}
    assert tallies["records"]["salesforce/Lead"] == {"linked": 0, "ambiguous": 1, "new": 0}
    assert tallies["failed"] == {}
    assert "salesforce/Lead" in await said(environ, "reconcile", "report", TENANT)

    desk.turn()
    listed = await said(environ, "review", "list", TENANT)
    assert '"https://s.example" stands' in listed
    assert "2 questions" in listed
    lines = (await said(environ, "review", "list", TENANT, "--json")).splitlines()
    questions = {item["kind"]: item for item in map(json.loads, lines)}

    await said(environ, "review", "reject", TENANT, questions["identity"]["id"])
    await said(environ, "review", "accept", TENANT, questions["field"]["id"])
    desk.turn()
    assert await said(environ, "review", "list", TENANT) == "no questions\n"
    assert (await said(environ, "review", "list", TENANT, "--all")).endswith("2 questions\n")
    by_name = {party["name"]: party for party in desk.parties.values()}
    assert by_name["Acme, Inc."]["website"] == "https://q.example"

    ann, bob = by_name["Ann Lee"]["id"], by_name["Bob Lee"]["id"]
    await said(environ, "review", "merge", TENANT, bob, ann)
    desk.turn()
    assert desk.parties[bob]["merged_into"] == ann
    await said(environ, "review", "split", TENANT, bob)
    desk.turn()
    assert desk.parties[bob]["merged_into"] is None
