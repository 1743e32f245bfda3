"""The vendors a sandbox can play: name -> (default port, factory). A vendor is added by one line here."""

from collections.abc import Mapping

from connectors.sandbox.context import Build
from connectors.sandbox.pardot.app import build as pardot
from connectors.sandbox.quickbooks.vendor import build as quickbooks
from connectors.sandbox.salesforce.app import build as salesforce
from connectors.sandbox.shopify.vendor import build as shopify
from connectors.sandbox.stripe.vendor import build as stripe
from connectors.sandbox.woocommerce.vendor import build as woocommerce

VENDORS: Mapping[str, tuple[int, Build]] = {
    "quickbooks": (8104, quickbooks),
    "salesforce": (8101, salesforce),
    "pardot": (8103, pardot),
    "shopify": (8106, shopify),
    "woocommerce": (8105, woocommerce),
    "stripe": (8107, stripe),
}
