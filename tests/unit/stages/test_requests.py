"""What becomes of a request that waits for an answer."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.errors import MappingError, RejectedError
from connectors.kafka.records import Command, ConnectionChanged, Reply, Request
from tests.unit.stages.kit import AT, TENANT, Company, body, stored, version

ADA: Mapping[str, Any] = {
    "external_id": "c-1",
    "kind": "person",
    "name": "Ada Lovelace",
    "emails": ["ada@example.com"],
    "billing_address": {"city": "London", "country": "United Kingdom"},
}


def request(key: str = "k1", digest: str = "d1", **changes: Any) -> Request:
    """Return a request for Ada."""
    content = {**ADA, **changes}
    return Request(TENANT, key, digest, "Customer", content["external_id"], json.dumps(content).encode(), AT)


def replies(company: Company) -> Sequence[tuple[str, str, str]]:
    """Return key, digest and state of what was answered."""
    return [(e.value.key, e.value.digest, e.value.state) for e in company.emits if isinstance(e.value, Reply)]


def asked(company: Company) -> list[tuple[str, int, str]]:
    """Return object key, version and request of the commands to QuickBooks that answer one."""
    commands = [(e.value, e.asked) for e in company.emits if isinstance(e.value, Command) and e.asked]
    return [(command.object_key, command.version, asked) for command, asked in commands]


def test_a_request_makes_a_party_and_asks_quickbooks(company: Company) -> None:
    """The party is like any other, and the command says whom it answers."""
    company.connect("quickbooks")
    [command] = company.take(request())
    party = company.party("Ada Lovelace")
    assert party["refs"] == [{"vendor": "api", "object": "Customer", "id": "c-1"}]
    assert (command.vendor, command.object_key, command.version) == ("quickbooks", f"party/{party['id']}", 1)
    assert body(command)["DisplayName"] == "Ada Lovelace"
    assert asked(company) == [(command.object_key, 1, "d1:k1")]


def test_the_same_key_is_one_request(company: Company) -> None:
    """Sent again it changes nothing; another body under the key is refused, and nothing of it is taken."""
    company.connect("quickbooks")
    company.take(request())
    assert company.take(request()) == []
    assert company.take(request(digest="d2", name="Eve")) == []
    assert replies(company) == [("k1", "d2", "conflict")]
    assert company.only("party")["name"] == "Ada Lovelace"


def test_another_key_asks_again_for_the_same_customer(company: Company) -> None:
    """Nothing has changed, but somebody waits: the command goes out once more, for the same object."""
    company.connect("quickbooks")
    company.take(request())
    company.take(request("k2"))
    assert [(version, who) for _, version, who in asked(company)] == [(1, "d1:k1"), (2, "d1:k2")]
    assert len(company.latest("party")) == 1


def test_who_asks_again_keeps_nobody_waiting(company: Company) -> None:
    """What QuickBooks has already is not written again, so no answer comes: what is said there is taken in at once."""
    company.connect("quickbooks")
    [command] = company.take(request())
    person: dict[str, Any] = {**body(command), "CompanyName": None}
    company.result(command, "58", stored("Customer", "58", 1, **person))
    company.take(request("k2"))
    moved = {**person, "BillAddr": {"City": "Paris", "Country": "France"}}
    company.record("quickbooks", "Customer", stored("Customer", "58", 2, **moved), version(2))
    assert company.only("party")["billing_address"]["city"] == "Paris"


def test_after_a_day_a_key_is_free(company: Company) -> None:
    """Rows of requests do not pile up, and an old key may be used for something else."""
    company.connect("quickbooks")
    company.take(request("old"))
    later = AT + timedelta(hours=24, seconds=1)
    company.take(replace(request("new"), received_at=later))
    assert sorted(key.split(b"\x1f")[-1] for key in company.state.rows if key.startswith(b"request\x1f")) == [b"new"]
    company.take(replace(request("old", "d9"), received_at=later))
    assert replies(company) == []


def test_what_cannot_be_asked_is_answered_at_once(company: Company) -> None:
    """Without QuickBooks nobody would ever answer."""
    company.connect("salesforce")
    assert company.take(request()) == []
    assert replies(company) == [("k1", "d1", "failed")]


def test_a_nameless_customer_is_a_dead_letter(company: Company) -> None:
    """The agent's guard answers with the reason; the key is free for a replay."""
    company.connect("quickbooks")
    with pytest.raises(MappingError, match="name"):
        company.take(request(name=" "))
    assert company.take(request())


def test_a_removed_tenant_begins_anew(company: Company) -> None:
    """Disconnected, its records are refused; connected again, revision 1 holds."""
    company.connect("quickbooks", revision=7)
    company.take(ConnectionChanged(TENANT, 8, {}, "UTC", "USD"))
    with pytest.raises(RejectedError, match="no connection"):
        company.take(request())
    company.connect("quickbooks", revision=1)
    assert company.take(request())
