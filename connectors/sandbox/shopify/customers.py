"""Customers: what mutations and REST make of them."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.sandbox.shopify import hooks
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.shop import Row, Shop

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"\+?[\d\s().-]{7,20}")
PLAIN = ("first_name", "last_name", "note", "tax_exempt", "locale")
COUNTRIES = {"US": "United States", "CA": "Canada", "GB": "United Kingdom", "DE": "Germany", "FR": "France"}
NO_CONSENT = {"state": "not_subscribed", "opt_in_level": "single_opt_in", "consent_updated_at": None}


def create(shop: Shop, sent: Mapping[str, Any]) -> Row:
    """Make a customer of what was sent, in snake case. Raises Problem."""
    row: Row = {
        "email": None,
        "phone": None,
        "first_name": None,
        "last_name": None,
        "note": None,
        "tags": [],
        "tax_exempt": False,
        "locale": "en",
        "state": "disabled",
        "verified_email": True,
        "addresses": [],
        "email_marketing_consent": dict(NO_CONSENT),
        "sms_marketing_consent": None,
        "orders_count": 0,
        "total_spent": "0.00",
    }
    _apply(shop, row, sent)
    if not any(row[name] for name in ("email", "phone", "first_name", "last_name")):
        raise Problem("A name, phone number, or email address must be present")
    stored = shop.new("Customer", row)
    hooks.tell(shop, "customers/create", stored)
    return stored


def update(shop: Shop, row: Row, sent: Mapping[str, Any]) -> Row:
    """Change what was sent. Raises Problem."""
    _apply(shop, row, sent)
    return touch(shop, row)


def touch(shop: Shop, row: Row) -> Row:
    """Store a changed customer and tell of it."""
    shop.save(row)
    hooks.tell(shop, "customers/update", row)
    return row


def delete(shop: Shop, row: Row) -> None:
    """Delete a customer that has no orders. Raises Problem."""
    if row["orders_count"]:
        raise Problem("Customer can't be deleted because they have associated orders", "id")
    shop.remove(row)
    hooks.tell(
        shop, "customers/delete", {"id": row["id"], "admin_graphql_api_id": f"gid://shopify/Customer/{row['id']}"}
    )


def address(shop: Shop, sent: Mapping[str, Any] | None) -> Row | None:
    """A stored address of what was sent, in snake case."""
    if not sent:
        return None
    code = sent.get("country_code") or sent.get("country")
    parts = (
        "first_name",
        "last_name",
        "company",
        "address1",
        "address2",
        "city",
        "province",
        "province_code",
        "zip",
        "phone",
    )
    row: Row = {"__typename": "MailingAddress", "id": shop.next_id("MailingAddress")}
    row |= {name: sent.get(name) for name in parts}
    row["name"] = " ".join(filter(None, (row["first_name"], row["last_name"]))) or None
    return row | {"country": COUNTRIES.get(str(code), sent.get("country") or code), "country_code": code}


def _apply(shop: Shop, row: Row, sent: Mapping[str, Any]) -> None:
    for name in PLAIN:
        if name in sent:
            row[name] = sent[name]
    if "tags" in sent:
        row["tags"] = sorted(set(sent["tags"]))
    for name, pattern in (("email", EMAIL), ("phone", PHONE)):
        if name in sent:
            row[name] = _contact(shop, row, name, sent[name], pattern)
    if "addresses" in sent:
        row["addresses"] = [address(shop, each) for each in sent["addresses"] or ()]
    if consent := sent.get("email_marketing_consent"):
        state = consent.get("marketing_state") or consent.get("state")
        level = consent.get("marketing_opt_in_level") or consent.get("opt_in_level") or "single_opt_in"
        at = consent.get("consent_updated_at") or shop.now()
        consented = {"state": str(state).lower(), "opt_in_level": str(level).lower(), "consent_updated_at": at}
        row["email_marketing_consent"] = consented


def _contact(shop: Shop, row: Row, name: str, value: Any, pattern: re.Pattern[str]) -> str | None:
    if not value:
        return None
    text = str(value).strip()
    if not pattern.fullmatch(text):
        raise Problem(f"{name.capitalize()} is invalid", name)
    text = text.lower() if name == "email" else text
    if any(other["id"] != row.get("id") for other in shop.find("Customer", name, text)):
        raise Problem(f"{name.capitalize()} has already been taken", name)
    return text
