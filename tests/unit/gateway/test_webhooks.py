"""What the gateway answers, with Kafka and connections played by hand."""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from connectors.errors import RejectedError, RetryableError
from streams.gateway import bodies, webhooks
from streams.gateway.bodies import MAX_BYTES, MAX_DEPTH
from tests.unit.gateway.kit.stage import Stage, events

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


async def test_a_signed_request_is_stored_before_it_is_answered(stage: Stage) -> None:
    """Each company's hints go to its tenant; the answer counts them."""
    answer = await stage.post(events(("111", "7"), ("222", "8")), "app")
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "ignored": 0})
    assert [(r.tenant, r.object, r.remote_id, r.origin, r.hint) for r in stage.writer.records] == [
        ("acme", "Invoice", "7", "webhook", True),
        ("globex", "Invoice", "8", "webhook", True),
    ]
    assert {r.received_at for r in stage.writer.records} == {stage.clock.now()}


@pytest.mark.parametrize("secret", ["forged", None])
@pytest.mark.parametrize("path", ["quickbooks", "quickbooks/acme", "quickbooks/nobody"])
async def test_who_did_not_sign_learns_nothing(stage: Stage, secret: str | None, path: str) -> None:
    """Forged, unsigned, or for an unknown tenant: the same answer without detail, and nothing is stored."""
    answer = await stage.post(events(("111", "7")), secret, path)
    assert (answer.status_code, answer.json()) == (401, {})
    assert not stage.writer.records


async def test_a_body_changed_after_signing_is_refused(stage: Stage) -> None:
    """The raw bytes are what is signed."""
    body = events(("111", "7"))
    signature = b64encode(hmac.digest(b"app", body, sha256)).decode()
    answer = await stage.post(body + b" ", None, headers={"intuit-signature": signature})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "not JSON"),
        (b'"text"', "neither an array"),
        (b"[{}]", "[0].type"),
        (events(("111", "")), "[0].intuitentityid"),
        (b'{"eventNotifications": [{"realmId": "111"}]}', "eventNotifications[0].dataChangeEvent.entities"),
    ],
)
async def test_a_malformed_body_is_told_what_is_wrong(stage: Stage, body: bytes, named: str) -> None:
    """Signed but not as documented: 400 with the place."""
    answer = await stage.post(body, "app")
    assert answer.status_code == 400
    assert named in answer.json()["error"]


async def test_a_company_nobody_connected_is_ignored_not_refused(stage: Stage) -> None:
    """Intuit would hold back everyone's events: the rest is stored, the answer is 200 and counts."""
    answer = await stage.post(events(("999", "1"), ("111", "7")), "app")
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "ignored": 1})
    assert [r.tenant for r in stage.writer.records] == ["acme"]


@pytest.mark.parametrize("path", ["quickbooks", "quickbooks/acme"])
async def test_a_secret_speaks_for_its_holders_only(stage: Stage, path: str) -> None:
    """Who knows one tenant's secret cannot write into another's inbox."""
    await stage.secret("acme", "acmes-own")
    answer = await stage.post(events(("222", "8"), ("111", "7")), "acmes-own", path)
    assert answer.json() == {"accepted": 1, "ignored": 1}
    assert [r.tenant for r in stage.writer.records] == ["acme"]


async def test_several_secrets_are_live_during_a_rotation(stage: Stage) -> None:
    """Commas and line ends separate them; one that is gone signs no more after a few seconds."""
    await stage.secret("acme", "old,\n new")
    for secret in ("old", "new"):
        assert (await stage.post(events(("111", "7")), secret, "quickbooks/acme")).status_code == 200
    await stage.secret("acme", "new")
    stage.clock.advance(6)
    assert (await stage.post(events(("111", "7")), "old", "quickbooks/acme")).status_code == 401


async def test_a_large_body_is_refused_unread(stage: Stage) -> None:
    """More than 2 MiB is 413, whether announced or found out."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BYTES // 65536 + 2):
            yield b"x" * 65536

    announced = await stage.post(b"x" * (MAX_BYTES + 1), "app")
    found = await stage.client.post("/webhooks/quickbooks", content=endless())
    assert (announced.status_code, found.status_code) == (413, 413)


async def test_a_body_that_does_not_come_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds the line without sending gets 408; ten seconds at most."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.0)

    async def silent() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.Event().wait()

    assert (await stage.client.post("/webhooks/quickbooks", content=silent())).status_code == 408


async def test_a_compressed_body_is_refused(stage: Stage) -> None:
    """What expands is not opened."""
    assert (await stage.post(b"", "app", headers={"content-encoding": "gzip"})).status_code == 415


@pytest.mark.parametrize("vendor", ["salesforce", "unheard-of"])
async def test_a_vendor_without_webhooks_is_not_found(stage: Stage, vendor: str) -> None:
    """There is nothing to post to."""
    assert (await stage.post(b"[]", "app", vendor)).status_code == 404


async def test_what_is_not_stored_is_not_acknowledged(stage: Stage) -> None:
    """Kafka has no room: 429 and when to come again; the same delivery is then taken."""
    stage.writer.error = RetryableError("too much is waiting")
    answer = await stage.post(events(("111", "7")), "app")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    stage.writer.error = None
    assert (await stage.post(events(("111", "7")), "app")).json() == {"accepted": 1, "ignored": 0}


async def test_a_slow_kafka_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor's patience is not used up: 429 in time."""
    monkeypatch.setattr(webhooks, "ACK_SECONDS", 0.0)
    stage.writer.stuck = True
    answer = await stage.post(events(("111", "7")), "app")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")


async def test_a_record_too_large_for_kafka_is_told_so(stage: Stage) -> None:
    """413: repeating would not help."""
    stage.writer.error = RejectedError("a record is larger than the topic takes")
    assert (await stage.post(events(("111", "7")), "app")).status_code == 413


async def test_nothing_is_judged_before_connections_are_known(stage: Stage) -> None:
    """A gateway that has not read all connections says 503, not 401."""
    stage.companies.problem = "connections are being read"
    answer = await stage.post(events(("111", "7")), "app")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_too_many_waiting_requests_are_sent_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """429 with when to come again."""
    monkeypatch.setattr(webhooks, "MAX_WAITING", 0)
    answer = await stage.post(events(("111", "7")), "app")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (TRACE, TRACE),
        ("00-" + "0" * 32 + "-" + "b" * 16 + "-01", None),
        ("garbage", None),
    ],
)
async def test_a_callers_trace_goes_on(stage: Stage, received: str, expected: str | None) -> None:
    """A valid `traceparent` is kept, anything else begins a new trace."""
    await stage.post(events(("111", "7")), "app", headers={"traceparent": received})
    assert stage.writer.traces == [expected or "00-" + "c" * 32 + "-" + "c" * 16 + "-01"]


async def test_a_delivery_sent_again_is_stored_once(stage: Stage) -> None:
    """Acknowledged at once and counted as repeated; a week later it would be stored again."""
    body = events(("111", "7"))
    assert (await stage.post(body, "app")).json() == {"accepted": 1, "ignored": 0}
    assert (await stage.post(body, "app")).json() == {"accepted": 0, "ignored": 0, "repeated": 1}
    other_id = body.replace(b"e0", b"e9")
    assert (await stage.post(other_id, "app")).json() == {"accepted": 0, "ignored": 0, "repeated": 1}
    assert len(stage.writer.records) == 1
    stage.clock.advance(8 * 86400)
    await stage.post(events(("222", "8")), "app")
    assert (await stage.post(body, "app")).json() == {"accepted": 1, "ignored": 0}


async def test_what_was_ignored_is_not_remembered(stage: Stage) -> None:
    """Once the company is connected, the same delivery is taken."""
    await stage.post(events(("999", "1")), "app")
    assert (await stage.post(events(("999", "1")), "app")).json() == {"accepted": 0, "ignored": 1}


@pytest.mark.parametrize(("depth", "status"), [(MAX_DEPTH, 400), (MAX_DEPTH + 1, 400), (200_000, 400)])
async def test_deep_bodies_are_not_parsed(stage: Stage, depth: int, status: int) -> None:
    """Signed or not, no parser is given what would exhaust it; brackets within text do not count."""
    answer = await stage.post(b"[" * depth + b"]" * depth, "app")
    assert answer.status_code == status
    assert ("within each other" in answer.json()["error"]) == (depth > MAX_DEPTH)
    text = b'[{"type": "' + b"[{" * depth + b'\\""}]'
    assert "[0].type" in (await stage.post(text, "app")).json()["error"]


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [("203.0.113.9", 200), ("9.9.9.9, 203.0.113.9", 200), ("203.0.113.9, 9.9.9.9", 401), ("9.9.9.9", 401), (None, 401)],
)
async def test_an_allow_list_is_kept(stage: Stage, forwarded: str | None, status: int) -> None:
    """What a trusted proxy names last counts; a forged first hop does not, and the refusal is like any other."""
    stage.companies.allow_from = "203.0.113.0/24"
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    answer = await stage.post(events(("111", "7")), "app", "quickbooks/acme", headers)
    assert answer.status_code == status
    assert answer.json() == ({} if status == 401 else {"accepted": 1, "ignored": 0})


async def test_a_wrong_allow_list_lets_nobody_in(stage: Stage) -> None:
    """A setting that cannot be read is not "everywhere"."""
    stage.companies.allow_from = "everywhere"
    assert (await stage.post(events(("111", "7")), "app", "quickbooks/acme")).status_code == 401
