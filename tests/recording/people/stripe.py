"""A subscriber: a customer who pays a plan by card, an invoice beside it, money given back, a credit."""

from collections.abc import AsyncIterator
from typing import Any

from tests.recording.buyers import Buyer
from tests.recording.company import Site


async def act(site: Site, buyer: Buyer) -> AsyncIterator[None]:
    """Do one thing after the other."""
    product = await _post(site, "products", name=f"Plan {buyer.number}")
    plan = {"product": product["id"], "unit_amount": _cents(buyer, 10, 90), "currency": "usd"}
    price = await _post(site, "prices", **plan, **{"recurring[interval]": "month"})
    address = {"line1": buyer.street, "city": buyer.town, "state": buyer.state, "postal_code": buyer.zip}
    customer = await _post(
        site,
        "customers",
        name=buyer.name,
        email=buyer.email,
        phone=buyer.phone,
        **{f"address[{name}]": value for name, value in {**address, "country": "US"}.items()},
        **{"invoice_settings[default_payment_method]": "pm_card_visa"},
    )
    whose = {"customer": customer["id"]}
    yield
    chosen = {"items[0][price]": price["id"], "items[0][quantity]": "2"}
    subscription = await _post(site, "subscriptions", **whose, **chosen)
    yield
    await _post(site, "invoiceitems", **whose, amount=_cents(buyer, 50, 500), currency="usd", description="Set-up")
    invoice = await _post(site, "invoices", **whose, pending_invoice_items_behavior="include")
    path = f"invoices/{invoice['id']}"
    await _post(site, f"{path}/finalize")
    yield
    await _post(site, f"{path}/pay")
    yield
    if buyer.number % 3 == 1:
        await _post(site, "credit_notes", invoice=invoice["id"], amount="1000", refund_amount="1000")
        yield
    path = f"subscriptions/{subscription['id']}"
    if buyer.number % 5 == 0:
        await site.call("DELETE", f"/v1/{path}", headers=_key(site))
    else:
        await _post(site, path, **{"metadata[seats]": "2"})
    yield
    await _post(site, f"customers/{customer['id']}", description=f"{buyer.company}, by card")


async def tidy(site: Site, other: Buyer, third: Buyer) -> AsyncIterator[None]:
    """Delete a customer, a draft and a product, and void an invoice and a credit note."""
    product = await _post(site, "products", name=f"Trial {other.number}")
    stays, goes = [
        await _post(site, "customers", name=person.name, email=person.email, phone=person.phone)
        for person in (other, third)
    ]
    yield
    drafts = []
    for n in range(2):
        item = {"amount": _cents(other, 100 + n, 500), "currency": "usd", "description": "Visit"}
        await _post(site, "invoiceitems", customer=stays["id"], **item)
        drafts.append(await _post(site, "invoices", customer=stays["id"], pending_invoice_items_behavior="include"))
    invoice, draft = drafts
    await _post(site, f"invoices/{invoice['id']}/finalize")
    yield
    note = await _post(site, "credit_notes", invoice=invoice["id"], amount="1000")
    await site.call("DELETE", f"/v1/invoices/{draft['id']}", headers=_key(site))
    yield
    await _post(site, f"credit_notes/{note['id']}/void")
    await site.call("DELETE", f"/v1/customers/{goes['id']}", headers=_key(site))
    await site.call("DELETE", f"/v1/products/{product['id']}", headers=_key(site))
    yield
    await _post(site, f"invoices/{invoice['id']}/void")


def _cents(buyer: Buyer, least: int, most: int) -> str:
    return buyer.cents(least, most).replace(".", "").lstrip("0")


def _key(site: Site) -> dict[str, str]:
    return {"authorization": f"Bearer {site.credentials['api_key']}"}


async def _post(site: Site, path: str, **form: Any) -> Any:
    return await site.call("POST", f"/v1/{path}", headers=_key(site), data=form)
