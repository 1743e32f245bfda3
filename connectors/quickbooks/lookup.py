"""What a company set up itself: ids by name of classes, terms, accounts, tax codes, items and so on; preferences."""

from connectors.errors import RejectedError
from connectors.quickbooks.client import QuickBooksClient, quoted

HIERARCHIES = frozenset({"Account", "Class", "Department", "Item"})
"""`Parent:Child` names one by its path, a name without a colon any of that name."""
LOOKED_UP = HIERARCHIES | {"PaymentMethod", "TaxCode", "Term"}
SHIPPING_ITEM = "SHIPPING_ITEM_ID"
"""QuickBooks' own item of shipping lines, where preference AllowShipping is on."""
PSEUDO_TAX_CODES = frozenset({"TAX", "NON"})
"""What US companies say on lines; they are their own ids."""


async def lookup(client: QuickBooksClient, object_type: str, name: str) -> str | None:
    """Return the id of the active object of that name, None if there is none.

    `Preference` answers with a truth value of the sales forms', `true` or `false`; `ShippingItem` with QuickBooks' own
    shipping item where the company allows it, else with the item of that name.

    Raises:
        RejectedError: objects of that type are not looked up, or several have the name.
        ConnectorError: the query failed.
    """
    if object_type == "Preference":
        return await _preference(client, name)
    if object_type == "ShippingItem":
        if await _preference(client, "AllowShipping") == "true":
            return SHIPPING_ITEM
        object_type = "Item"
    if object_type not in LOOKED_UP:
        raise RejectedError(f"QuickBooks: {object_type} is not looked up by name, only {', '.join(sorted(LOOKED_UP))}")
    if object_type == "TaxCode" and name in PSEUDO_TAX_CODES:
        return name
    field = "FullyQualifiedName" if object_type in HIERARCHIES and ":" in name else "Name"
    found = await client.query(object_type, f"{field} = {quoted(name)}", inactive=False)
    if len(found) > 1:
        raise RejectedError(f"QuickBooks has {len(found)} {object_type} objects named {name!r}; name one by its path")
    return str(found[0]["Id"]) if found else None


async def _preference(client: QuickBooksClient, name: str) -> str:
    """Return what the sales forms' preferences say; one that is not there is off."""
    [*found] = await client.query("Preferences", "", inactive=False)
    forms = found[0].get("SalesFormsPrefs", {}) if found else {}
    return "true" if forms.get(name) is True else "false"
