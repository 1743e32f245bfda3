"""People of the company: they answer questions, send requests through the gateway, and their days begin at midnight.

What they decide depends on what a question is about, never on ids or on when it is asked.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from connectors.kafka.records import Decision, Entity, Request, ReviewItem, Tick
from connectors.wire import dumps, loads
from streams.stages.normalise import company_key
from tests.recording.company import TENANT, ZONE
from tests.recording.story import Told
from tests.replay.vendors import LATE

Latest = Mapping[tuple[str, str], Entity]
DAYS = [date(2026, 3, 1) + timedelta(days=day) for day in range(40)]
RELENTS = 2
KNOWN, NEW = 25, 12
"""Every so many contacts is asked for by a caller too; so many others are known to callers alone."""


def decisions(item: ReviewItem, latest: Latest) -> Iterator[Decision]:
    """Yield what somebody decides when they see a question, or that it is closed: some think better of it."""
    entity, id_, *_ = item.object_key.split("/")
    record = latest.get((entity, id_))
    if record is None or record["deleted"]:
        return
    if not item.open:
        again = item.kind == "identity" and item.reason == "accepted" and record["kind"] == "PERSON"
        if again and record["merged_into"] and _draw(record["emails"][0]) == RELENTS:
            yield Decision(TENANT, "split", LATE, party=id_, by="eve")
    elif item.kind == "identity":
        others = [latest.get(("party", json.loads(candidate)["party"])) for candidate in item.candidates]
        if all(other is not None and not other["deleted"] for other in others):
            verdict = "accept" if others[0] is not None and _is_same(record, others[0]) else "reject"
            yield Decision(TENANT, verdict, LATE, review=item.id, by="eve")
    else:
        yield Decision(TENANT, "accept" if _draw(record["name"]) else "reject", LATE, review=item.id, by="eve")


def _is_same(one: Entity, other: Entity) -> bool:
    """Tell what somebody knows: companies by their names; of persons with one mailbox some are one, some are not."""
    if one["kind"] == other["kind"] == "PERSON":
        shared = sorted({*one["emails"]} & {*other["emails"]})
        return bool(shared) and _draw(shared[0]) > 0
    return company_key(one["name"]) == company_key(other["name"])


def _draw(text: str) -> int:
    """Return 0, 1 or 2, always the same for a text."""
    return sha256(text.encode()).digest()[0] % 3


def requests(told: Sequence[Told]) -> list[Request]:
    """Return what callers ask for: known people and new ones, some twice, some with another body later."""
    contacts = [loads(raw.body) for _, raw in told if raw.object == "Contact" and not raw.deleted]
    people = {body["Email"]: (body["FirstName"], body["LastName"]) for body in contacts}
    asked = list(people.items())[::KNOWN]
    asked += [(f"caller{number}@calls.example", (f"Cal{number}a", f"Lers{number}on")) for number in range(NEW)]
    found = []
    for number, (email, (given, family)) in enumerate(asked):
        body = {"external_id": f"c-{number}", "kind": "person", "given_name": given, "family_name": family}
        first = _request(f"first-{number}", {**body, "emails": [email]}, number)
        found += [first, first] if number % 3 == 0 else [first]
        if number % 3 == 1:
            changed = {**body, "emails": [email], "website": f"https://caller{number}.example"}
            found += [_request(f"second-{number}", changed, 100 + number), _request(f"first-{number}", changed, number)]
    return found


def _request(key: str, body: Mapping[str, Any], minutes: int) -> Request:
    raw = dumps(body)
    at = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(minutes=minutes)
    return Request(TENANT, key, sha256(raw).hexdigest(), "Customer", str(body["external_id"]), raw, at)


def midnights() -> list[Tick]:
    """Return the beginnings of the company's days."""
    zone = ZoneInfo(ZONE)
    return [Tick(TENANT, day, datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)) for day in DAYS]
