"""Customers: users of the shop (`WC_REST_Customers_Controller`). Guests have none."""

from typing import Any

from connectors.sandbox.woocommerce.errors import WooError, invalid
from connectors.sandbox.woocommerce.kinds import CUSTOMER
from connectors.sandbox.woocommerce.shop import Entity, Shop


def create(shop: Shop, body: Any) -> Entity:
    """Make a customer; the user name comes from the e-mail address unless given.

    Raises:
        WooError: no address, or it or the user name is taken.
    """
    sent = shop.checked(CUSTOMER, body, "email")
    _check(shop, sent, None)
    sent.pop("password", None)
    username = sent.get("username") or _username(shop, sent["email"].partition("@")[0].lower())
    entity = shop.merged(CUSTOMER, dict(CUSTOMER.blank), {**sent, "username": username})
    return shop.insert(CUSTOMER, entity)


def change(shop: Shop, customer: Entity, body: Any) -> Entity:
    """Change a customer.

    Raises:
        WooError: the address is another one's, or the user name is to change.
    """
    sent = shop.checked(CUSTOMER, body)
    if sent.get("username", customer["username"]) != customer["username"]:
        raise WooError("woocommerce_rest_customer_invalid_argument", "Username isn't editable.")
    _check(shop, sent, customer)
    sent.pop("password", None)
    return shop.replace(CUSTOMER, shop.merged(CUSTOMER, customer, sent))


def _check(shop: Shop, sent: Entity, known: Entity | None) -> None:
    email = sent.get("email")
    if email is None:
        return
    if "@" not in email:
        raise invalid({"email": "Invalid email address."})
    others = [row for row in shop.find(CUSTOMER.name, "email", email) if known is None or row["id"] != known["id"]]
    if others and known is None:
        message = "An account is already registered with your email address. Please log in or use a different email."
        raise WooError("registration-error-email-exists", message)
    if others:
        raise WooError("woocommerce_rest_customer_invalid_email", "Email address is invalid.")
    if known is None and sent.get("username") and shop.find(CUSTOMER.name, "username", sent["username"]):
        message = "An account is already registered with that username. Please choose another."
        raise WooError("registration-error-username-exists", message)


def _username(shop: Shop, wanted: str) -> str:
    name, number = wanted, 1
    while shop.find(CUSTOMER.name, "username", name):
        number += 1
        name = f"{wanted}-{number}"
    return name
