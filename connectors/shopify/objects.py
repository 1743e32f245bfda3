"""What is read of each object: one selection for pages, bulk operations and fetches, so that bodies have one shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors import accounts
from connectors.errors import FatalError
from connectors.ports import Account
from connectors.wire import iso_micros, parse_instant

PREFIX = "gid://shopify/"
MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
ADDRESS = (
    "{ firstName lastName name company address1 address2 city province provinceCode zip country countryCodeV2 phone }"
)
TAXES = f"taxLines {{ title rate priceSet {MONEY} }}"
CUSTOMER = f"""
id firstName lastName displayName createdAt updatedAt state note tags taxExempt verifiedEmail locale numberOfOrders
amountSpent {{ amount currencyCode }}
defaultEmailAddress {{ emailAddress marketingState marketingOptInLevel marketingUpdatedAt }}
defaultPhoneNumber {{ phoneNumber }}
defaultAddress {ADDRESS}
"""
PRODUCT = "id title handle vendor productType status tags descriptionHtml createdAt updatedAt"
VARIANT = """
id title sku barcode price compareAtPrice position taxable inventoryQuantity createdAt updatedAt
selectedOptions { name value }
inventoryItem { id tracked requiresShipping unitCost { amount currencyCode } }
"""
ORDER = f"""
id name number email phone createdAt processedAt updatedAt cancelledAt cancelReason closedAt confirmed test currencyCode
presentmentCurrencyCode taxesIncluded note poNumber sourceName tags discountCodes paymentGatewayNames
displayFinancialStatus displayFulfillmentStatus customAttributes {{ key value }}
subtotalPriceSet {MONEY} totalDiscountsSet {MONEY} totalShippingPriceSet {MONEY} totalTaxSet {MONEY}
totalPriceSet {MONEY} totalReceivedSet {MONEY} totalRefundedSet {MONEY} totalOutstandingSet {MONEY}
currentSubtotalPriceSet {MONEY} currentTotalTaxSet {MONEY} currentTotalPriceSet {MONEY}
customer {{ id firstName lastName defaultEmailAddress {{ emailAddress }} defaultPhoneNumber {{ phoneNumber }} }}
billingAddress {ADDRESS} shippingAddress {ADDRESS} {TAXES}
transactions {{ id kind status gateway processedAt amountSet {MONEY} }}
refunds {{ id createdAt updatedAt note totalRefundedSet {MONEY} }}
"""
RETURNED = f"""
refunds {{
  refundLineItems(first: 20) {{
    nodes {{ quantity restockType lineItem {{ id sku title }} subtotalSet {MONEY} totalTaxSet {MONEY} }}
  }}
}}
"""
LINE = f"""
id title variantTitle sku quantity currentQuantity requiresShipping taxable
originalUnitPriceSet {MONEY} totalDiscountSet {MONEY} {TAXES} product {{ id }} variant {{ id }}
"""
CHECKOUT = f"""
id name abandonedCheckoutUrl completedAt createdAt updatedAt note discountCodes taxesIncluded
subtotalPriceSet {MONEY} totalDiscountSet {MONEY} totalTaxSet {MONEY} totalPriceSet {MONEY}
customer {{
  id firstName lastName defaultEmailAddress {{ emailAddress marketingState }} defaultPhoneNumber {{ phoneNumber }}
}}
billingAddress {ADDRESS} shippingAddress {ADDRESS}
"""
CHECKOUT_LINE = f"id title variantTitle sku quantity originalUnitPriceSet {MONEY} product {{ id }} variant {{ id }}"
LEVEL = """
id createdAt updatedAt item { id sku } location { id name }
quantities(names: ["available", "on_hand", "committed", "incoming"]) { name quantity }
"""


@dataclass(frozen=True, slots=True)
class Nested:
    """A list that belongs to an object and is a connection of its own.

    Attributes:
        name: of the field.
        fields: selected of each row.
        first: rows asked for with the object; the rest of a longer list is read by itself.
    """

    name: str
    fields: str
    first: int


@dataclass(frozen=True, slots=True)
class Kind:
    """One object as it is read.

    Attributes:
        name: the GraphQL type, and `Raw.object`.
        connection: the field of the query root that lists them; `""`: they are listed by location.
        sort: an argument that makes pages follow `updatedAt`, where there is such a sort key.
        page: objects asked for at once, before anything is known of their cost.
        unlisted: selected as well, but not by bulk operations, which take no connection within a list.
    """

    name: str
    connection: str
    fields: str
    sort: str
    page: int
    nested: Nested | None = None
    unlisted: str = ""

    @property
    def field(self) -> str:
        """The field of the query root that reads one by id."""
        return self.name[0].lower() + self.name[1:]

    def selection(self, *, bulk: bool = False) -> str:
        """Return what is selected of one object; a bulk operation reads nested lists to their end by itself."""
        if self.nested is None:
            return self.fields
        if bulk:
            return f"{self.fields} {self.nested.name} {{ edges {{ node {{ {self.nested.fields} }} }} }}"
        nested = f"{self.nested.name}(first: {self.nested.first}) {ROWS % self.nested.fields}"
        return f"{self.fields} {self.unlisted} {nested}"


ROWS = "{ nodes { %s } pageInfo { hasNextPage endCursor } }"
UPDATED = "sortKey: UPDATED_AT"
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("Product", "products", PRODUCT, UPDATED, 50, Nested("variants", VARIANT, 3)),
        Kind("Customer", "customers", CUSTOMER, UPDATED, 100),
        Kind("Order", "orders", ORDER, UPDATED, 10, Nested("lineItems", LINE, 5), RETURNED),
        Kind("AbandonedCheckout", "abandonedCheckouts", CHECKOUT, "", 25, Nested("lineItems", CHECKOUT_LINE, 5)),
        Kind("InventoryLevel", "", LEVEL, "", 100),
    )
}
"""In the order of reading: what others refer to comes first."""


def chosen(account: Account) -> tuple[Kind, ...]:
    """Return the objects of setting `objects`.

    Raises:
        FatalError: one of them is not read.
    """
    names = accounts.names(account, "objects", ",".join(KINDS))
    for name in names:
        if name not in KINDS:
            known = ", ".join(KINDS)
            raise FatalError(f"{accounts.where(account)}: setting objects names {name!r}; known are {known}")
    return tuple(KINDS[name] for name in names)


def gid(object_type: str, remote_id: str) -> str:
    """Return the global id; `remote_id` is all that follows the type in it."""
    return f"{PREFIX}{object_type}/{remote_id}"


def remote_id(global_id: str) -> str:
    """Return what follows the type in a global id: a number, for stock levels with the item behind it."""
    return global_id.removeprefix(PREFIX).partition("/")[2]


def version_of(node: Mapping[str, Any]) -> str:
    """Return `updatedAt` in UTC micros; Shopify's stamps have whole seconds."""
    return iso_micros(parse_instant(node["updatedAt"]))
