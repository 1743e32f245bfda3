"""A company with an account at each fake vendor, and its connection file, as an operator would write it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from streams.demo.addresses import Addresses

VENDORS = ("salesforce", "pardot", "quickbooks")
RULES = """\
defaults:
  terms: Net 30
rules:
  - name: ten percent off from 3000
    when: double(order.total) >= 3000.0
    then: {discount_percent: "10"}
  - name: web leads are booked under Web
    when: order.lead_source == "Web"
    then: {class_name: Web}
"""


@dataclass(frozen=True, slots=True)
class Company:
    """One tenant of the demo.

    Attributes:
        tenant: its id at Sluiceway; the name of its sandbox accounts too.
        credentials: what each sandbox gives out for it, by vendor.
    """

    tenant: str
    credentials: dict[str, dict[str, Any]]

    @classmethod
    def found(cls, tenant: str, at: Addresses) -> "Company":
        """Open its accounts at the sandboxes and subscribe its QuickBooks webhooks.

        Raises:
            httpx.HTTPError: a sandbox does not answer.
        """
        credentials = {}
        for vendor in VENDORS:
            answer = httpx.get(f"{getattr(at, vendor)}/__sandbox/credentials", params={"account": tenant})
            credentials[vendor] = answer.raise_for_status().json()
        hook = {"account": tenant, "url": f"{at.gateway}/webhooks/quickbooks", "schedule": [0.2, 1.0, 5.0, 5.0, 5.0]}
        httpx.post(f"{at.quickbooks}/__sandbox/webhooks", json=hook).raise_for_status()
        # Sluiceway and the bookkeeper's client are two apps with 10 calls a second each; the sandbox knows one app.
        twice = {"account": tenant, "limits": {"realm and app per second": 20}}
        httpx.post(f"{at.quickbooks}/__sandbox/limits", json=twice).raise_for_status()
        return cls(tenant, credentials)

    def connection(self) -> dict[str, Any]:
        """Return its entry in a connection file."""
        salesforce, pardot, quickbooks = (self.credentials[vendor] for vendor in VENDORS)
        return {
            "tenant": self.tenant,
            "zone": "America/New_York",
            "currency": "USD",
            "rules": RULES,
            "vendors": {
                "salesforce": {
                    "base_url": salesforce["base_url"],
                    "account": salesforce["org_id"],
                    "settings": {
                        "token_url": salesforce["token_url"],
                        "pubsub_address": salesforce["pubsub_endpoint"],
                        "ca_file": salesforce["ca_file"],
                        "poll_seconds": 1,
                        "in_doubt_seconds": 2,
                    },
                    "credentials": _pick(salesforce, "client_id", "client_secret", "refresh_token"),
                },
                "pardot": {
                    "base_url": pardot["base_url"],
                    "account": pardot["business_unit_id"],
                    "settings": {
                        "token_url": pardot["token_url"],
                        "objects": "Prospect",
                        "poll_seconds": 1,
                        "lag_seconds": 2,
                        "in_doubt_seconds": 2,
                    },
                    "credentials": _pick(pardot, "client_id", "client_secret", "refresh_token"),
                },
                "quickbooks": {
                    "base_url": quickbooks["base_url"],
                    "account": quickbooks["realm"],
                    "settings": {"token_url": quickbooks["token_url"], "in_doubt_seconds": 2},
                    "credentials": _pick(quickbooks, "client_id", "client_secret", "refresh_token", "webhook_secret"),
                },
            },
        }


def write_connections(path: Path, *companies: Company) -> None:
    """Write the file for `sluiceway connections apply`; it holds secrets, so only its owner may read it."""
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump({"tenants": [company.connection() for company in companies]}, sort_keys=False))


def _pick(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names}
