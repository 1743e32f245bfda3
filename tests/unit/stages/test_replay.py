"""The same log gives the same bytes, and talking to ourselves through the vendors ends."""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.kafka.codec import Codec
from connectors.kafka.records import Command
from connectors.kafka.topics import INBOX
from tests.unit.stages.kit import ACCOUNT, CONTACT, Company, at, envelope, opportunity, snapshot, stored, version
from tests.unit.stages.replay import encoded, replay

MAX_TURNS = 100


class Vendors:
    """Vendors that do what they are told, and tell of it again: by result, poll and webhook."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.second = 1
        self.ids: dict[str, str] = {}
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.commands: list[Command] = []

    def settle(self, commands: list[Command]) -> None:
        """Carry out commands and what they lead to, until nothing is left to do."""
        waiting = deque(commands)
        while waiting:
            command = waiting.popleft()
            self.commands.append(command)
            assert len(self.commands) < MAX_TURNS, "it never ends"
            waiting += getattr(self, f"_{command.vendor}")(command)

    def _quickbooks(self, command: Command) -> list[Command]:
        if command.operation == "FETCH":
            token, body = self.objects[command.object, str(command.remote_id)]["token"], self._stored(command)
            return self.company.record("quickbooks", command.object, body, version(token))
        self.second += 1
        remote_id = self.ids.setdefault(command.object_key, str(100 + len(self.ids)))
        held = self.objects.setdefault((command.object, remote_id), {})
        held |= {**self._filled(json.loads(command.body)), "token": self.second}
        if command.object == "Invoice":
            held |= {"TotalAmt": 1250.5, "DocNumber": "1001", "Balance": held.get("Balance", 1250.5)}
        commands = self.company.result(command, remote_id, self._stored(command, remote_id))
        hint = version(self.second).partition("/")[0]
        return commands + self.company.record("quickbooks", command.object, {}, hint, remote_id=remote_id, hint=True)

    def _stored(self, command: Command, remote_id: str | None = None) -> dict[str, Any]:
        id_ = remote_id or str(command.remote_id)
        held = self.objects[command.object, id_]
        return {**envelope(id_, held["token"]), **{name: held[name] for name in held if name != "token"}}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if "$ref" in value:
                return self.ids[value["$ref"]]
            return {k: self._filled(v) for k, v in value.items()}
        return [self._filled(item) for item in value] if isinstance(value, list) else value

    def _salesforce(self, command: Command) -> list[Command]:
        if command.operation == "FETCH":
            body = snapshot(self.second, Opportunity=opportunity(self.second))
            return self.company.record("salesforce", command.object, body, at(self.second), remote_id=command.remote_id)
        self.second += 1
        commands = self.company.result(command, str(command.remote_id), {"Id": command.remote_id})
        written = json.loads(command.body)
        if command.object == "Opportunity":
            body = {**opportunity(self.second), **written}
        else:
            body = {**ACCOUNT, **written, "SystemModstamp": at(self.second)}
        return commands + self.company.record("salesforce", command.object, body, at(self.second))

    def _pardot(self, command: Command) -> list[Command]:
        self.second += 1
        body = {**json.loads(command.body), "id": 9, "updatedAt": at(self.second)}
        return self.company.result(command, "9", body)


def _story(company: Company) -> Vendors:
    company.connect(rules="rules: [{name: web, when: order.lead_source == 'Web', then: {class_name: Web}}]")
    vendors = Vendors(company)
    vendors.settle(company.record("salesforce", "Contact", CONTACT, at(0)))
    vendors.settle(company.record("salesforce", "Opportunity", opportunity(), at(1)))
    invoice = vendors.ids[f"order/{company.only('order')['id']}/1"]
    vendors.second += 1
    vendors.objects["Invoice", invoice] |= {"Balance": 0, "token": vendors.second}
    line = {"Amount": 1250.5, "LinkedTxn": [{"TxnId": invoice, "TxnType": "Invoice"}]}
    customer = vendors.objects["Invoice", invoice]["CustomerRef"]
    payment = stored("Payment", "500", vendors.second, CustomerRef=customer, Line=[line])
    vendors.settle(company.record("quickbooks", "Payment", payment, version(vendors.second)))
    return vendors


def test_writing_to_vendors_that_tell_of_it_again_ends(company: Company) -> None:
    """One customer, one invoice, one payment; every object is written as often as its content changes, no more."""
    vendors = _story(company)
    writes = [(c.vendor, c.object) for c in vendors.commands if c.operation == "PUT"]
    assert writes.count(("quickbooks", "Customer")) == 1
    assert writes.count(("quickbooks", "Invoice")) == 1
    assert writes.count(("quickbooks", "Item")) == 2
    assert writes.count(("salesforce", "Opportunity")) <= 3
    assert company.only("invoice")["status"] == "PAID"
    assert company.only("invoice")["paid_on"].isoformat() == "2026-03-05"
    assert company.party("Acme, Inc.")["finance"]["open_balance"] == 0
    assert len([party for party in company.latest("party").values() if party]) == 2


def test_a_replay_gives_the_same_bytes(company: Company, codec: Codec, tmp_path: Path) -> None:
    """Twice in this process, and in one whose hashes are seeded otherwise."""
    _story(company)
    log = tmp_path / "inbox.hex"
    log.write_text("\n".join(codec.encode(INBOX, value).hex() for value in company.taken))
    first = replay(company.taken)
    assert replay(company.taken) == first
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-m", "tests.unit.stages.replay", str(log)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert found.stdout.strip() == first


def test_a_redelivered_log_changes_nothing(company: Company, codec: Codec) -> None:
    """Every record of the log once more, after the fact, causes neither a canonical change nor a write."""
    _story(company)
    before = encoded(codec, company.emits)
    for value in company.taken[1:]:
        for command in company.take(value):
            assert command.operation == "FETCH"
    canonical = [line for line in encoded(codec, company.emits)[len(before) :] if not line.startswith(b"command.v1")]
    assert canonical == []
