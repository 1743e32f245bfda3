"""A merchant and a buyer: a product with stock, a customer, an order that is paid and partly given back, a cart."""

from collections.abc import AsyncIterator
from typing import Any

from connectors.ports import Raw
from connectors.shopify.webhook import ShopifyWebhook
from connectors.wire import dumps, iso_micros, parse_instant
from tests.recording.buyers import Buyer
from tests.recording.company import Site

API = "/admin/api/2026-10/graphql.json"
ERRORS = "userErrors { field message }"
NEW_PRODUCT = f"""mutation($t: String!) {{ productCreate(product: {{title: $t}}) {{
    product {{ id variants(first: 1) {{ nodes {{ id }} }} }} {ERRORS} }} }}"""
NEW_ORDER = f"""mutation($o: OrderCreateOrderInput!) {{ orderCreate(order: $o) {{
    order {{ id lineItems(first: 1) {{ nodes {{ id }} }} }} {ERRORS} }} }}"""
NEW_REFUND = f"""mutation($i: RefundInput!, $k: String!) {{
    refundCreate(input: $i) @idempotent(key: $k) {{ {ERRORS} }} }}"""


async def act(site: Site, buyer: Buyer, told: list[Raw]) -> AsyncIterator[None]:
    """Do one thing after the other; `told` gets what only webhooks tell."""
    product = (await _ask(site, NEW_PRODUCT, t=f"Chair {buyer.number}"))["product"]
    [variant] = product["variants"]["nodes"]
    rows = [{"id": variant["id"], "price": buyer.cents(30, 300), "inventoryItem": {"sku": f"CHAIR-{buyer.number}"}}]
    await _ask(
        site,
        "mutation($p: ID!, $v: [ProductVariantsBulkInput!]!) { productVariantsBulkUpdate(productId: $p, variants: $v) "
        f"{{ {ERRORS} }} }}",
        p=product["id"],
        v=rows,
    )
    address = {"address1": buyer.street, "city": buyer.town, "provinceCode": buyer.state, "countryCode": "US"}
    person = {"firstName": buyer.given, "lastName": buyer.family, "email": buyer.email}
    customer = (
        await _ask(
            site,
            f"mutation($i: CustomerInput!) {{ customerCreate(input: $i) {{ customer {{ id }} {ERRORS} }} }}",
            i={**person, "addresses": [{**address, "zip": buyer.zip, "company": buyer.company}]},
        )
    )["customer"]
    yield
    where = {"firstName": buyer.given, "lastName": buyer.family, **address, "zip": buyer.zip}
    order = (
        await _ask(
            site,
            NEW_ORDER,
            o={
                "customer": {"toAssociate": {"id": customer["id"]}},
                "email": buyer.email,
                "lineItems": [{"variantId": variant["id"], "quantity": 2}],
                "shippingLines": [{"title": "Post", "priceSet": {"shopMoney": {"amount": "5", "currencyCode": "USD"}}}],
                "billingAddress": where,
                "shippingAddress": where,
                "financialStatus": "PAID" if buyer.number % 4 else "PENDING",
            },
        )
    )["order"]
    yield
    await _ask(
        site,
        f"mutation($i: OrderInput!) {{ orderUpdate(input: $i) {{ order {{ id }} {ERRORS} }} }}",
        i={"id": order["id"], "note": "Please ring twice"},
    )
    yield
    if buyer.number % 4 == 1:
        [line] = order["lineItems"]["nodes"]
        row = {"lineItemId": line["id"], "quantity": 1, "restockType": "NO_RESTOCK"}
        money = {"orderId": order["id"], "amount": buyer.cents(30, 300), "kind": "REFUND", "gateway": "manual"}
        await _ask(
            site,
            NEW_REFUND,
            i={"orderId": order["id"], "refundLineItems": [row], "transactions": [money]},
            k=f"refund-{buyer.number}",
        )
        yield
    number = variant["id"].rpartition("/")[2]
    cart = {"email": buyer.email, "line_items": [{"variant_id": number, "quantity": 1}]}
    checkout = await site.call("POST", "/people/checkouts", headers=_key(site), json=cart)
    # The API does not list checkouts before they are abandoned: a webhook tells, with this very body.
    told.append(
        Raw("Checkout", str(checkout["id"]), iso_micros(parse_instant(checkout["updated_at"])), dumps(checkout))
    )
    yield
    await _ask(
        site,
        f"mutation($i: CustomerInput!) {{ customerUpdate(input: $i) {{ {ERRORS} }} }}",
        i={"id": customer["id"], "note": "Pays by card", "tags": ["web"]},
    )
    await _ask(
        site,
        f"mutation($i: ID!, $t: String!) {{ productUpdate(product: {{id: $i, descriptionHtml: $t}}) {{ {ERRORS} }} }}",
        i=product["id"],
        t="<p>To sit on.</p>",
    )


async def tidy(site: Site, other: Buyer, third: Buyer, told: list[Raw]) -> AsyncIterator[None]:
    """Delete a customer, a product and an order, cancel another; `told` gets the webhooks of what is gone."""
    product = (await _ask(site, NEW_PRODUCT, t=f"Stool {other.number}"))["product"]
    [variant] = product["variants"]["nodes"]
    person = {"firstName": third.given, "lastName": third.family, "email": third.email}
    customer = (
        await _ask(
            site,
            f"mutation($i: CustomerInput!) {{ customerCreate(input: $i) {{ customer {{ id }} {ERRORS} }} }}",
            i=person,
        )
    )["customer"]
    where = {"firstName": other.given, "lastName": other.family, "address1": other.street, "city": other.town}
    lines = [{"variantId": variant["id"], "quantity": 1}]
    wanted = {"email": other.email, "lineItems": lines, "billingAddress": {**where, "countryCode": "US"}}
    gone, cancelled = [
        (await _ask(site, NEW_ORDER, o={**wanted, "financialStatus": "PENDING"}))["order"] for _ in range(2)
    ]
    yield
    await _ask(
        site,
        f"mutation($i: CustomerDeleteInput!) {{ customerDelete(input: $i) {{ {ERRORS} }} }}",
        i={"id": customer["id"]},
    )
    told.append(_hint(site, "customers/delete", customer["id"]))
    await _ask(site, f"mutation($i: ID!) {{ orderDelete(orderId: $i) {{ {ERRORS} }} }}", i=gone["id"])
    told.append(_hint(site, "orders/delete", gone["id"]))
    yield
    await _ask(
        site,
        "mutation($i: ID!) { orderCancel(orderId: $i, reason: CUSTOMER, restock: false, refund: false) "
        "{ userErrors: orderCancelUserErrors { field message } } }",
        i=cancelled["id"],
    )
    await _ask(
        site,
        f"mutation($i: ProductDeleteInput!) {{ productDelete(input: $i) {{ {ERRORS} }} }}",
        i={"id": product["id"]},
    )


def _hint(site: Site, topic: str, global_id: str) -> Raw:
    """Return what our connector reads in the webhook of a deletion."""
    about = {"topic": topic, "shop-domain": "shop.example", "triggered-at": site.clock.now().isoformat()}
    headers = {f"x-shopify-{name}": value for name, value in about.items()}
    [raw] = ShopifyWebhook().parse(headers, dumps({"id": int(global_id.rpartition("/")[2])}))["shop.example"]
    return raw


def _key(site: Site) -> dict[str, str]:
    return {"X-Shopify-Access-Token": site.credentials["access_token"]}


async def _ask(site: Site, document: str, **variables: Any) -> Any:
    answer = await site.call("POST", API, headers=_key(site), json={"query": document, "variables": variables})
    if "errors" in answer:
        raise AssertionError(answer)
    [found] = answer["data"].values()
    if found["userErrors"]:
        raise AssertionError(found)
    return found
