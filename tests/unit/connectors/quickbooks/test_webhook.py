import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import DecodeError
from connectors.ports import Raw
from connectors.quickbooks.objects import version_of
from connectors.quickbooks.webhook import QuickBooksWebhook

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READER = QuickBooksWebhook()
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "88cd52aa-33b6-4351-9aa4-47572edbd068",
    "source": "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=",
    "type": "qbo.salesreceipt.created.v1",
    "time": "2025-09-10T21:31:25.179851517Z",
    "intuitentityid": "1234",
    "intuitaccountid": "310687",
    "data": {},
}
NOTIFICATION = {
    "eventNotifications": [
        {
            "realmId": "1185883450",
            "dataChangeEvent": {
                "entities": [
                    {"name": "Invoice", "id": "1", "operation": "Create", "lastUpdated": "2015-10-05T14:42:19-0700"},
                    {
                        "name": "Customer",
                        "id": "2",
                        "operation": "Merge",
                        "lastUpdated": "2015-10-05T14:42:20-0700",
                        "deletedId": "3",
                    },
                ]
            },
        }
    ]
}


def encoded(value: Any) -> bytes:
    """Write the body as sent."""
    return json.dumps(value).encode()


def signature(secret: str, body: bytes) -> str:
    """Sign as Intuit does."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def hint(name: str, remote_id: str, version: str) -> Raw:
    """Make the record expected."""
    return Raw(name, remote_id, version, b"{}", hint=True)


def gone(loser: str, winner: str, version: str) -> Raw:
    """Make the record of a merged customer."""
    return Raw("Customer", loser, version, b"{}", deleted=True, merged_into=winner)


def test_any_live_secret_verifies_the_raw_bytes() -> None:
    """While a verifier token is changed both are good; any changed byte is not."""
    body = encoded([CLOUD_EVENT])
    headers = {"intuit-signature": signature("new", body)}
    assert READER.verify(headers, body, ["old", "new"], NOW)
    assert not READER.verify(headers, body + b" ", ["old", "new"], NOW)
    assert not READER.verify(headers, body, ["old"], NOW)


@pytest.mark.parametrize("given", [None, "", "nonsense", "ümlaut"])
def test_a_missing_or_odd_signature_is_refused(given: str | None) -> None:
    """Nothing but the right signature passes, an empty secret included."""
    headers = {} if given is None else {"intuit-signature": given}
    assert not READER.verify(headers, b"[]", ["secret"], NOW)
    assert not READER.verify({"intuit-signature": signature("", b"[]")}, b"[]", [""], NOW)
    assert not READER.verify({"intuit-signature": signature("secret", b"[]")}, b"[]", [], NOW)


def test_cloud_events_become_hints_by_realm() -> None:
    """Each event is a hint of its entity at its time; a merge tells which object is gone, and into which."""
    merged = {
        **CLOUD_EVENT,
        "type": "qbo.customer.merged.v1",
        "intuitaccountid": "7",
        "data": {"deletedid": "27"},
        "time": "2025-09-10T21:31:25.5Z",
    }
    without_data = {name: value for name, value in CLOUD_EVENT.items() if name != "data"}
    assert READER.parse({}, encoded([CLOUD_EVENT, merged, without_data])) == {
        "310687": [hint("SalesReceipt", "1234", "2025-09-10T21:31:25.000000Z")] * 2,
        "7": [
            hint("Customer", "1234", "2025-09-10T21:31:25.000000Z"),
            gone("27", "1234", "2025-09-10T21:31:25.500000Z/9999999999"),
        ],
    }


def test_the_older_form_becomes_the_same_hints() -> None:
    """Entities keep their names, times become UTC."""
    assert READER.parse({}, encoded(NOTIFICATION)) == {
        "1185883450": [
            hint("Invoice", "1", "2015-10-05T21:42:19.000000Z"),
            hint("Customer", "2", "2015-10-05T21:42:20.000000Z"),
            gone("3", "2", "2015-10-05T21:42:20.000000Z/9999999999"),
        ]
    }


def test_an_unknown_entity_is_not_lost() -> None:
    """A type Intuit adds later passes under its own name."""
    event = {**CLOUD_EVENT, "type": "qbo.novelty.created.v1"}
    assert READER.parse({}, encoded([event]))["310687"][0].object == "Novelty"


def test_a_hint_precedes_the_states_of_its_second() -> None:
    """Versions of hints and of fetched objects compare as text."""
    event = READER.parse({}, encoded([{**CLOUD_EVENT, "time": "2025-09-10T21:31:25Z"}]))["310687"][0]
    states = [
        version_of({"SyncToken": token, "MetaData": {"LastUpdatedTime": f"2025-09-10T14:31:{second}-07:00"}})
        for second, token in (("24", "7"), ("25", "9"), ("25", "10"))
    ]
    assert sorted([*states, event.version]) == [states[0], event.version, states[1], states[2]]


def without(name: str) -> dict[str, Any]:
    """Leave a field out of the event."""
    return {key: value for key, value in CLOUD_EVENT.items() if key != name}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"7", "neither an array"),
        (encoded([without("type")]), r"\[0\]\.type is missing"),
        (encoded([CLOUD_EVENT, without("intuitentityid")]), r"\[1\]\.intuitentityid is missing"),
        (encoded([without("intuitaccountid")]), r"\[0\]\.intuitaccountid is missing"),
        (encoded([{**CLOUD_EVENT, "time": "yesterday"}]), r"\[0\]\.time"),
        (encoded([{**CLOUD_EVENT, "type": "crm.customer.created.v1"}]), r"\[0\]\.type is not qbo"),
        (encoded([7]), r"\[0\]\.type is missing"),
        (encoded({}), "eventNotifications is not an array"),
        (encoded({"eventNotifications": [{}]}), r"eventNotifications\[0\]\.realmId"),
        (encoded({"eventNotifications": [{"realmId": "1"}]}), r"dataChangeEvent\.entities is not an array"),
        (
            encoded({"eventNotifications": [{"realmId": "1", "dataChangeEvent": {"entities": [{"name": "X"}]}}]}),
            r"entities\[0\]\.lastUpdated",
        ),
    ],
)
def test_a_malformed_body_names_the_field(body: bytes, named: str) -> None:
    """Whoever configured the sender sees what is missing and where."""
    with pytest.raises(DecodeError, match=named):
        READER.parse({}, body)


def test_an_empty_array_is_no_event() -> None:
    """Nothing said is nothing to do."""
    assert READER.parse({}, b"[]") == {}


def test_events_tell_a_delivery_from_another() -> None:
    """The ids of the events are the delivery's; the older form and what cannot be read have none."""
    second = {**CLOUD_EVENT, "id": "2"}
    assert READER.delivery_id({}, encoded([CLOUD_EVENT, second])) == f"{CLOUD_EVENT['id']} 2"
    assert [READER.delivery_id({}, body) for body in (encoded(NOTIFICATION), b"[]", b"[1]", b"{")] == [None] * 4
