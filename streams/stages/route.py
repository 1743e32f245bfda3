"""Who must achieve what: commands for everything that changed. Each is sent only if its content is new."""

from collections.abc import Callable, Mapping, Sequence

from connectors.kafka.records import Entity
from streams.stages import amendments, commands, deciders, display, normalise, prospects, telling
from streams.stages.accounts import ask_customer, ask_item, ask_order
from streams.stages.bookings import ACCOUNTS, document_key, stands
from streams.stages.mapping import Ref
from streams.stages.merge import remote_id
from streams.stages.opportunities import OPPORTUNITY, VENDOR, fetched_as
from streams.stages.rows import Told
from streams.stages.work import Change, Work

CONTACT = f"{VENDOR}/Contact"


def route(work: Work, changes: Sequence[Change]) -> None:
    """Emit the commands that follow from what this record changed.

    Raises:
        MappingError: an outbound template cannot be filled.
    """
    formers = {change.id: change.before for change in changes if change.entity == "order"}
    for id_, verdict in work.won.items():
        order = work.get("order", id_)
        if order is not None and not verdict.skip and amendments.goes_on(order):
            ask_order(work, order, formers.get(id_))
            customer = work.get("party", order["customer_id"])
            if customer is not None:
                _figures(work, customer)
    for change in changes:
        if change.entity in _ROUTES:
            _ROUTES[change.entity](work, change)


def _figures(work: Work, customer: Entity) -> None:
    """Tell the CRM and the persons who decide what the accounts know."""
    if customer["finance"] is None:
        return
    account = remote_id(customer, VENDOR, "Account")
    if account is not None:
        key = f"party/{customer['id']}"
        records = {"customer": _as_told(work, VENDOR, key, customer)}
        commands.put(work, "salesforce/to_account", key, customer["id"], records, account)
    for id_ in _persons(work, customer):
        person = work.get("party", id_)
        if person is not None:
            _prospect(work, person, customer)


def _contact(work: Work, party: Entity) -> None:
    """Tell a contact its custom fields and, as a customer itself, the figures that the connection has fields for."""
    contact = remote_id(party, VENDOR, "Contact")
    if contact is None:
        return
    told = work.settings.tellings.get(VENDOR, telling.EVERYTHING)
    figures = told.contact if party["finance"] is not None else {}
    if figures or prospects.is_spoken(work, CONTACT, party):
        key = f"party/{party['id']}/contact"
        records = {"customer": _as_told(work, VENDOR, key, party), "settings": {"figures": figures}}
        commands.put(work, "salesforce/to_contact", key, party["id"], records, contact)


def _as_told(work: Work, vendor: str, key: str, customer: Entity) -> Entity:
    """Return the customer with the figures that the vendor is to have: what was told last, until they moved enough."""
    how = work.settings.tellings.get(vendor)
    if customer["finance"] is None or how is None:
        return customer
    if how.is_immediate:
        work.rows.told.drop(vendor, key)
        return customer
    former = work.rows.told.get(vendor, key)
    told = telling.restored(former.figures) if former is not None else None
    if told is not None and not how.is_worth_it(told, customer["finance"]):
        return {**customer, "finance": told}
    work.rows.told.put(Told(telling.stored(customer["finance"])), vendor, key)
    return customer


def _persons(work: Work, customer: Entity) -> Sequence[str]:
    found = deciders.of(work, customer["id"])
    return found or ([customer["id"]] if customer["kind"] == "PERSON" else [])


def _prospect(work: Work, person: Entity, customer: Entity) -> None:
    """A person without an address cannot be a prospect."""
    if not any(normalise.address(email) for email in person["emails"]):
        return
    prospect = remote_id(person, "pardot", "Prospect")
    key, customer = f"party/{person['id']}", _seen_from(work, person, customer)
    records = {"contact": person, "customer": _as_told(work, "pardot", key, customer)}
    commands.put(work, "pardot/to_prospect", key, customer["id"], records, prospect)


def _seen_from(work: Work, person: Entity, customer: Entity) -> Entity:
    """Return the customer that a person's prospect shows, whoever it is told for; without figures, the person's own."""
    if customer["id"] == person["id"]:
        customer = work.get("party", person["organisation_id"]) or customer
    return customer if customer["finance"] is not None else {**customer, "finance": person["finance"]}


def _party(work: Work, change: Change) -> None:
    party = change.after
    if party is None or party["merged_into"] is not None:
        return
    key = f"party/{party['id']}"
    if commands.sent(work, ACCOUNTS, key) is not None:
        ask_customer(work, party)
    elif remote_id(party, ACCOUNTS, "Customer") is not None:
        display.name_for(work, party)  # it has its name already, and nobody else may get it
    _figures(work, party)
    _contact(work, party)
    if party["organisation_id"] is not None and commands.sent(work, "pardot", key) is not None:
        customer = work.get("party", party["organisation_id"])
        if customer is not None:
            _prospect(work, party, customer)
    for person, whose in prospects.concerned(work, change):
        _prospect(work, person, whose)
    if change.before is not None and change.before["merged_into"] is not None:
        for id_ in (change.id, work.standing("party", change.before["merged_into"])):
            _sold_to(work, id_)


def _sold_to(work: Work, id_: str) -> None:
    """Ask anew for what was sold to a party, of which there are two again: whose it is its source tells, read anew."""
    for (document,), _ in work.rows.documents.scan(id_):
        order = work.get("order", document)
        if order is not None:
            _ask_again(work, order)
            for ref in order["refs"]:
                work.read_anew(Ref(ref["vendor"], ref["object"], ref["id"]))
                commands.fetch(work, ref["vendor"], fetched_as(ref["vendor"], ref["object"]), ref["id"], None)


def _product(work: Work, change: Change) -> None:
    product = change.after
    if product is None or product["merged_into"] is not None:
        return
    if commands.sent(work, ACCOUNTS, f"product/{change.id}") is not None:
        ask_item(work, product)


def _order(work: Work, change: Change) -> None:
    """What the accounts have of an order follows it, e.g. when a product becomes known that its lines named."""
    if change.after is not None:
        _ask_again(work, change.after)


def _ask_again(work: Work, order: Entity) -> None:
    if order["id"] not in work.won and amendments.goes_on(order) and stands(work, order):
        ask_order(work, order)


def _invoice(work: Work, change: Change) -> None:
    """Tell the opportunity, unless the document is of an episode that is over."""
    invoice = change.after
    if invoice is None:
        return
    key = _object_key(work, invoice)
    if key is not None and invoice["status"] == "VOID":
        commands.close(work, ACCOUNTS, key)
    order = work.get("order", invoice["order_id"])
    opportunity = remote_id(order, VENDOR, OPPORTUNITY) if order is not None else None
    if order is not None and opportunity is not None and key == document_key(order):
        lane = order["customer_id"] or order["id"]
        commands.put(work, "salesforce/to_opportunity", f"order/{order['id']}", lane, {"invoice": invoice}, opportunity)


def _object_key(work: Work, record: Entity) -> str | None:
    links = (work.linked(Ref(ref["vendor"], ref["object"], ref["id"])) for ref in record["refs"])
    return next((link.object_key for link in links if link.object_key is not None), None)


def _payment(work: Work, change: Change) -> None:
    """A payment moves the balance of its invoices, of which it does not tell."""
    if change.after is not None and change.after["status"] == "VOID":
        key = _object_key(work, change.after)
        if key is not None:
            commands.close(work, ACCOUNTS, key)
    parts = [part for record in (change.before, change.after) if record for part in record["allocations"]]
    for object_type, id_ in dict.fromkeys((part["object"], part["remote_id"]) for part in parts):
        commands.fetch(work, ACCOUNTS, object_type, id_, None)


_ROUTES: Mapping[str, Callable[[Work, Change], None]] = {
    "party": _party,
    "product": _product,
    "order": _order,
    "invoice": _invoice,
    "payment": _payment,
}
