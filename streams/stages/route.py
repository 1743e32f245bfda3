"""Who must achieve what: commands for everything that changed. Each is sent only if its content is new."""

from collections.abc import Callable, Mapping, Sequence

from connectors.errors import MappingError
from connectors.kafka.records import Entity
from streams.stages import commands, display, normalise
from streams.stages.mapping import Ref
from streams.stages.orders import ACCOUNTS, VENDOR, document_key
from streams.stages.work import Change, Work

ITEMS = "items"
"""Lane of what many customers share."""
DOCUMENTS: Mapping[str, str] = {"INVOICE": "quickbooks/to_invoice", "SALES_RECEIPT": "quickbooks/to_sales_receipt"}


def route(work: Work, changes: Sequence[Change]) -> None:
    """Emit the commands that follow from what this record changed.

    Raises:
        MappingError: an outbound template cannot be filled.
    """
    for id_, verdict in work.won.items():
        order = work.get("order", id_)
        if order is not None and not (order["hold"] or verdict.skip):
            _order(work, order)
    for change in changes:
        if change.entity in _ROUTES:
            _ROUTES[change.entity](work, change)


def _order(work: Work, order: Entity) -> None:
    """Customer, items, then the document that refers to them."""
    customer, contact = work.get("party", order["customer_id"]), work.get("party", order["contact_id"])
    if customer is None:
        raise MappingError("customer_id", "the order's customer was deleted; give the opportunity another account")
    ask_customer(work, customer)
    for product_id in dict.fromkeys(line["product_id"] for line in order["lines"]):
        product = work.get("product", product_id)
        if product is not None:
            _item(work, product)
    # Whatever the order calls its customer: what is asked for refers to the party that stands.
    records = {"order": {**order, "customer_id": customer["id"]}, "customer": customer, "contact": contact}
    commands.put(work, DOCUMENTS[order["document"]], document_key(order), customer["id"], records)
    _figures(work, customer)


def ask_customer(work: Work, party: Entity, asked: str = "") -> None:
    """Ask QuickBooks for a customer; `asked` is the request that waits for it."""
    contacts = work.rows.contacts.get(party["id"])
    records = {
        "customer": party,
        "contact": work.get("party", contacts.ids[0]) if contacts else None,
        "settings": {"display_name": display.name_for(work, party)},
    }
    remote_id = _remote_id(party, ACCOUNTS, "Customer")
    commands.put(work, "quickbooks/to_customer", f"party/{party['id']}", party["id"], records, remote_id, asked)


def _item(work: Work, product: Entity) -> None:
    remote_id = _remote_id(product, ACCOUNTS, "Item")
    commands.put(work, "quickbooks/to_item", f"product/{product['id']}", ITEMS, {"product": product}, remote_id)


def _figures(work: Work, customer: Entity) -> None:
    """Tell the CRM and the persons who decide what the accounts know."""
    if customer["finance"] is None:
        return
    account = _remote_id(customer, VENDOR, "Account")
    if account is not None:
        key, records = f"party/{customer['id']}", {"customer": customer}
        commands.put(work, "salesforce/to_account", key, customer["id"], records, account)
    for id_ in _persons(work, customer):
        person = work.get("party", id_)
        if person is not None:
            _prospect(work, person, customer)


def _persons(work: Work, customer: Entity) -> Sequence[str]:
    contacts = work.rows.contacts.get(customer["id"])
    if contacts is not None:
        return contacts.ids
    return [customer["id"]] if customer["kind"] == "PERSON" else []


def _prospect(work: Work, person: Entity, customer: Entity) -> None:
    """A person without an address cannot be a prospect."""
    if not any(normalise.address(email) for email in person["emails"]):
        return
    remote_id = _remote_id(person, "pardot", "Prospect")
    records = {"contact": person, "customer": customer}
    commands.put(work, "pardot/to_prospect", f"party/{person['id']}", customer["id"], records, remote_id)


def _party(work: Work, change: Change) -> None:
    party = change.after
    if party is None or party["merged_into"] is not None:
        return
    key = f"party/{party['id']}"
    if commands.sent(work, ACCOUNTS, key) is not None:
        ask_customer(work, party)
    elif _remote_id(party, ACCOUNTS, "Customer") is not None:
        display.name_for(work, party)  # it has its name already, and nobody else may get it
    _figures(work, party)
    customer = work.get("party", party["organisation_id"])
    if customer is not None and commands.sent(work, "pardot", key) is not None:
        _prospect(work, party, customer)


def _product(work: Work, change: Change) -> None:
    if change.after is not None and commands.sent(work, ACCOUNTS, f"product/{change.id}") is not None:
        _item(work, change.after)


def _invoice(work: Work, change: Change) -> None:
    """Tell the opportunity, unless the document is of an episode that is over."""
    invoice = change.after
    if invoice is None:
        return
    key = _object_key(work, invoice)
    if key is not None and invoice["status"] == "VOID":
        commands.close(work, ACCOUNTS, key)
    order = work.get("order", invoice["order_id"])
    opportunity = _remote_id(order, VENDOR, "Opportunity") if order is not None else None
    if order is not None and opportunity is not None and key == document_key(order):
        lane = order["customer_id"] or order["id"]
        commands.put(work, "salesforce/to_opportunity", f"order/{order['id']}", lane, {"invoice": invoice}, opportunity)


def _object_key(work: Work, invoice: Entity) -> str | None:
    links = (work.linked(Ref(ref["vendor"], ref["object"], ref["id"])) for ref in invoice["refs"])
    return next((link.object_key for link in links if link.object_key is not None), None)


def _payment(work: Work, change: Change) -> None:
    """A payment moves the balance of its invoices, of which it does not tell."""
    paid = [part["remote_id"] for record in (change.before, change.after) if record for part in record["allocations"]]
    for remote_id in dict.fromkeys(paid):
        commands.fetch(work, ACCOUNTS, "Invoice", remote_id, None)


def _remote_id(record: Entity, vendor: str, object_type: str) -> str | None:
    found = (ref["id"] for ref in record["refs"] if (ref["vendor"], ref["object"]) == (vendor, object_type))
    return next(found, None)


_ROUTES: Mapping[str, Callable[[Work, Change], None]] = {
    "party": _party,
    "product": _product,
    "invoice": _invoice,
    "payment": _payment,
}
