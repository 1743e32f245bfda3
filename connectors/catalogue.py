"""The vendors Sluiceway knows; one is added by its folder and its line here."""

from collections.abc import Mapping

from connectors.pardot.vendor import Pardot
from connectors.ports import Vendor
from connectors.quickbooks.vendor import QuickBooks
from connectors.salesforce.vendor import Salesforce
from connectors.shopify.vendor import Shopify
from connectors.stripe.vendor import Stripe
from connectors.woocommerce.vendor import WooCommerce

VENDORS: Mapping[str, Vendor] = {
    "salesforce": Salesforce(),
    "pardot": Pardot(),
    "quickbooks": QuickBooks(),
    "shopify": Shopify(),
    "woocommerce": WooCommerce(),
    "stripe": Stripe(),
}
