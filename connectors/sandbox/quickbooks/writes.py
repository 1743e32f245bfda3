"""Create, full and sparse update, delete and void."""

from collections.abc import Callable
from typing import Any

from connectors.sandbox.quickbooks.company import Company, Entity
from connectors.sandbox.quickbooks.deposits import after_deposit, check_not_deposited, complete_deposit
from connectors.sandbox.quickbooks.fault import QboError, missing
from connectors.sandbox.quickbooks.kinds import Kind
from connectors.sandbox.quickbooks.lists import (
    complete_account,
    complete_currency,
    complete_item,
    complete_list,
    complete_term,
)
from connectors.sandbox.quickbooks.names import complete_name
from connectors.sandbox.quickbooks.payments import after_payment, complete_payment, void_payment
from connectors.sandbox.quickbooks.sales import (
    COMPLETE,
    after_sale,
    complete_sale,
    number_sale,
    void_sale,
    voided_note,
)

SYSTEM = ("Id", "SyncToken", "MetaData", "domain", "sparse")
SALES = frozenset(COMPLETE)
SINGLE = frozenset({"CompanyInfo", "Preferences"})
OBJECTS = frozenset(
    {"BillEmail", "BillEmailCc", "BillEmailBcc", "CustomerMemo", "MetaData", "PrimaryPhone", "TxnTaxDetail"}
)
OBJECT_LISTS = frozenset({"Line", "LinkedTxn", "CustomField"})
# A full update without these keeps them: they are the server's, not the caller's.
SERVER_MADE = {
    "Invoice": ("DocNumber", "LinkedTxn"),
    "SalesReceipt": ("DocNumber", "LinkedTxn"),
    "CreditMemo": ("DocNumber",),
    "RefundReceipt": ("DocNumber", "LinkedTxn"),
    "Estimate": ("DocNumber", "LinkedTxn"),
    "Payment": ("LinkedTxn",),
    "Item": ("Type", "InvStartDate"),
}
VOIDED = frozenset({"Invoice", "SalesReceipt", "Payment"})

_LISTS: dict[str, Callable[[Company, str, Entity, Entity | None], None]] = {
    "Customer": complete_name,
    "Vendor": complete_name,
    "Employee": complete_name,
    "Item": complete_item,
    "Account": complete_account,
    "Term": complete_term,
    "Class": complete_list,
    "Department": complete_list,
    "PaymentMethod": complete_list,
    "CompanyCurrency": complete_currency,
}


def write(company: Company, kind: Kind, body: Any, operation: str | None = None, include: str = "") -> Entity:
    """Carry out one write and return the object as stored, or the stub of a deleted one. Raises QboError."""
    if not kind.writable:
        raise QboError("500", f"Operation not supported for {kind.name}")
    if not isinstance(body, dict):
        raise QboError("2010", "The request must be a JSON object")
    for name in body:
        if name not in kind.properties:
            known = ", ".join(f'"{one}"' for one in sorted(kind.properties))
            detail = (
                f'Property Name:Unrecognized field "{name}" ({kind.name}), not marked as ignorable (known: {known})'
            )
            raise QboError("2010", detail, name)
    sent: Entity = cleaned(body)
    check_shapes(sent)
    flags = {flag.strip().lower() for flag in include.split(",")}
    match (operation or "").lower():
        case "delete":
            return _delete(company, kind, sent)
        case "void":
            return _void(company, kind, sent)
        case "update" if "void" in flags:
            return _void(company, kind, sent)
        case "" | "create" | "update":
            allow = "allowduplicatedocnum" in flags
            return _update(company, kind, sent, allow) if "Id" in sent else _create(company, kind, sent, allow)
        case unknown:
            raise QboError("500", f"Operation {unknown} is not supported")


def cleaned(value: Any) -> Any:
    """What was really sent: empty texts, nulls and objects of nothing else count as absent."""
    if isinstance(value, dict):
        inner = {key: cleaned(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in ("", None, {})}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return value


def check_shapes(value: Any) -> None:
    """Raise 2010 where an object or a list of objects was expected, at any depth."""
    if isinstance(value, list):
        for item in value:
            check_shapes(item)
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        if (name in OBJECTS or name.endswith(("Ref", "Addr", "LineDetail"))) and not isinstance(item, dict):
            raise QboError("2010", f"Property Name:{name} must be an object. Supplied value:{item}", name)
        if name in OBJECT_LISTS and not (isinstance(item, list) and all(isinstance(one, dict) for one in item)):
            raise QboError("2010", f"Property Name:{name} must be a list of objects. Supplied value:{item}", name)
        check_shapes(item)


def _create(company: Company, kind: Kind, sent: Entity, allow_duplicate: bool) -> Entity:
    if kind.name in SINGLE:
        raise missing("Id")
    entity = {name: value for name, value in sent.items() if name not in SYSTEM}
    _complete(company, kind, entity, sent, None)
    _check_open_period(company, entity)
    if kind.name in SALES:
        number_sale(company, kind.name, entity, allow_duplicate=allow_duplicate)
    stored = company.insert(kind, entity)
    _after(company, kind, None, stored)
    return company.get(kind.name, stored["Id"]) or stored


def _update(company: Company, kind: Kind, sent: Entity, allow_duplicate: bool) -> Entity:
    old = _current(company, kind, sent)
    changed = {name: value for name, value in sent.items() if name not in SYSTEM}
    if sent.get("sparse") is True or kind.name in SINGLE:
        entity = {**old, **changed}
    else:
        kept = (*SYSTEM, *SERVER_MADE.get(kind.name, ()))
        entity = {**{name: old[name] for name in kept if name in old}, **changed}
    _complete(company, kind, entity, changed, old)
    _check_changeable(company, old)
    _check_open_period(company, entity)
    if kind.name in SALES:
        number_sale(company, kind.name, entity, allow_duplicate=allow_duplicate)
    stored = company.replace(kind, entity)
    _after(company, kind, old, stored)
    return company.get(kind.name, stored["Id"]) or stored


def _delete(company: Company, kind: Kind, sent: Entity) -> Entity:
    if not kind.transaction:
        raise QboError("500", f"Operation delete is not supported for {kind.name}; set Active to false")
    old = _current(company, kind, sent)
    _check_changeable(company, old)
    if kind.name in SALES and any(link["TxnType"] == "Payment" for link in old["LinkedTxn"]):
        raise QboError("800", "The transaction is linked to others; remove the links first")
    stub = company.erase(kind, old)
    _after(company, kind, old, None)
    return stub


def _void(company: Company, kind: Kind, sent: Entity) -> Entity:
    if kind.name not in VOIDED:
        raise QboError("500", f"Operation void is not supported for {kind.name}")
    old = _current(company, kind, sent)
    _check_changeable(company, old)
    if kind.name == "Payment":
        return void_payment(company, old, voided_note(old))
    return void_sale(company, kind.name, old)


def _current(company: Company, kind: Kind, sent: Entity) -> Entity:
    if "Id" not in sent:
        raise missing("Id")
    old = company.require(kind.name, sent["Id"])
    if "SyncToken" not in sent:
        raise missing("SyncToken")
    if str(sent["SyncToken"]) != old["SyncToken"]:
        detail = (
            "Stale Object Error : You and Sandbox User were working on this at the same time. "
            "Sandbox User finished before you did, so your work was not saved."
        )
        raise QboError("5010", detail)
    return old


def _complete(company: Company, kind: Kind, entity: Entity, sent: Entity, old: Entity | None) -> None:
    if kind.name in SALES:
        complete_sale(company, kind.name, entity, sent, old)
    elif kind.name == "Payment":
        complete_payment(company, kind.name, entity, sent, old)
    elif kind.name == "Deposit":
        complete_deposit(company, kind.name, entity, sent, old)
    elif kind.name in _LISTS:
        _LISTS[kind.name](company, kind.name, entity, old)


def _after(company: Company, kind: Kind, old: Entity | None, new: Entity | None) -> None:
    if kind.name in SALES:
        after_sale(company, kind.name, old, new)
    elif kind.name == "Payment":
        after_payment(company, old, new)
    elif kind.name == "Deposit":
        after_deposit(company, old, new)


def _check_changeable(company: Company, old: Entity) -> None:
    check_not_deposited(old)
    _check_open_period(company, old)


def _check_open_period(company: Company, entity: Entity) -> None:
    closed = company.settings["book_close_date"]
    if closed and entity.get("TxnDate", "9") <= closed:
        detail = f"The account period has closed on {closed} and the account books cannot be updated"
        raise QboError("6210", detail, "TxnDate")
