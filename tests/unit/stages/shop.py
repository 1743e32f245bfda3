"""A shop: its orders and refunds as WooCommerce tells them, and what the accounts are asked for."""

from collections.abc import Mapping
from typing import Any

from connectors.kafka.records import Command, ReviewItem
from connectors.kafka.topics import REVIEW
from tests.unit.stages.kit import Company, envelope

VENDORS = ("woocommerce", "quickbooks")
BILLING = {"first_name": "Ada", "last_name": "Lane", "email": "ada@buyer.example", "country": "US"}


def order(status: str = "processing", **more: Any) -> dict[str, Any]:
    """Return an order as WooCommerce tells it: two mugs, a fee, a coupon, shipping and tax; paid."""
    line = {
        "id": 1, "name": "Mug", "sku": "MUG-1", "product_id": 12, "variation_id": 0, "quantity": 3,
        "subtotal": "10.00", "total": "9.00", "total_tax": "0.90",
    }  # fmt: skip
    return {
        "id": 7, "number": "7", "status": status, "currency": "USD", "created_via": "checkout",
        "date_created_gmt": "2026-03-01T03:30:00", "date_paid_gmt": "2026-03-01T03:31:00", "discount_total": "1.00",
        "shipping_total": "5.00", "total_tax": "1.40", "total": "17.40", "customer_id": 0, "payment_method": "stripe",
        "transaction_id": "pi_1", "billing": BILLING, "line_items": [line],
        "fee_lines": [{"id": 2, "name": "Wrapping", "total": "2.00", "total_tax": "0.00"}], **more,
    }  # fmt: skip


def refund(amount: str, id_: int = 70) -> dict[str, Any]:
    """Return a refund without positions."""
    return {"id": id_, "parent_id": 7, "amount": amount, "reason": "broken", "date_created_gmt": "2026-03-04T12:00:00",
            "line_items": [], "shipping_lines": [], "fee_lines": []}  # fmt: skip


def tell(company: Company, record: Mapping[str, Any], version: str, kind: str = "order") -> list[Command]:
    """Let the shop tell of something; fetches left out."""
    return [c for c in company.record("woocommerce", kind, record, version) if c.operation != "FETCH"]


def kinds(commands: list[Command]) -> list[str]:
    """Return what was asked for."""
    return [f"{c.operation} {c.object}" for c in commands]


def reviews(company: Company) -> list[ReviewItem]:
    """Return what was asked of a person."""
    return [e.value for e in company.emits if e.topic is REVIEW and isinstance(e.value, ReviewItem)]


def document(command: Command, remote_id: str, total: float) -> dict[str, Any]:
    """Return a document as QuickBooks stores it."""
    own = {"TotalAmt": total, "TxnDate": "2026-02-28", "Balance": 0, "PrivateNote": command.object_key}
    return {**envelope(remote_id, 0), **own, "CustomerRef": {"value": "58"}, "CurrencyRef": {"value": "USD"}}
