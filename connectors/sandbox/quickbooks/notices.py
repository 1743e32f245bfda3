"""Webhooks: which changes are announced, in which form, signed how.

Source: developer.intuit.com, "Webhooks" and its best practices; CloudEvents form: blogs.intuit.com, 2025-11-12.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from connectors.sandbox.json_text import dumps
from connectors.sandbox.quickbooks.company import Change, Company

SCHEDULE = (10, 20, 30, 300, 1200, 7200, 14400, 21600)
"""Seconds between attempts; the last repeats."""
OPERATIONS = {
    "created": "Create",
    "updated": "Update",
    "deleted": "Delete",
    "voided": "Void",
    "emailed": "Emailed",
    "merged": "Merge",
}


def sign(body: bytes, secret: str) -> Mapping[str, str]:
    """`intuit-signature`: HMAC-SHA256 of the raw body under the verifier token, in base64."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"intuit-signature": base64.b64encode(digest).decode()}


def announce(company: Company, realm: str) -> None:
    """Queue one webhook with every announced change of this request."""
    changes = [change for change in dict.fromkeys(company.changes) if change.kind.announced]
    if not changes:
        return
    legacy = company.settings["webhook_format"] == "legacy"
    body = _legacy(company, realm, changes) if legacy else _cloud_events(company, realm, changes)
    headers = {
        "intuit-created-time": company.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "intuit-t-id": _uuid(company),
        "intuit-notification-schema-version": "0.1" if legacy else "1.0",
        "user-agent": "intuit_notification_server/0.1",
    }
    company.ctx.webhooks.enqueue(company.account, dumps(body).encode(), headers)


def _cloud_events(company: Company, realm: str, changes: Sequence[Change]) -> list[dict[str, Any]]:
    source = hashlib.sha256(realm.encode()).hexdigest()[:32]
    return [
        {
            "specversion": "1.0",
            "id": _uuid(company),
            "source": f"intuit.{source}",
            "type": f"qbo.{change.kind.name.lower()}.{change.verb}.v1",
            "datacontenttype": "application/json",
            "time": company.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "intuitentityid": change.id,
            "intuitaccountid": realm,
            "data": {"deletedid": change.loser} if change.loser else {},
        }
        for change in changes
    ]


def _legacy(company: Company, realm: str, changes: Sequence[Change]) -> dict[str, Any]:
    at = company.now().strftime("%Y-%m-%dT%H:%M:%S%z")
    entities = [
        {"name": change.kind.name, "id": change.id, "operation": OPERATIONS[change.verb], "lastUpdated": at}
        | ({"deletedId": change.loser} if change.loser else {})
        for change in changes
    ]
    return {"eventNotifications": [{"realmId": realm, "dataChangeEvent": {"entities": entities}}]}


def _uuid(company: Company) -> str:
    return str(UUID(int=company.ctx.random.getrandbits(128), version=4))
