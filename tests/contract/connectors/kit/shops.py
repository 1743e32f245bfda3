"""Merchants and buyers of the shop sandboxes, acting through the shops' own APIs."""

import ssl
from typing import Any

import httpx

API = "/wp-json/wc/v3"
STORE = "/wp-json/wc/store/v1"
SHOPIFY_MONEY = "USD"


class WooShop:
    """A shop of WooCommerce: `credentials` are what the sandbox gives out for it."""

    def __init__(self, credentials: dict[str, Any]) -> None:
        keys = {name: credentials[name] for name in ("consumer_key", "consumer_secret")}
        verify = ssl.create_default_context(cafile=credentials["ca_file"])
        url = credentials["https_url"]
        self._http = httpx.AsyncClient(base_url=url, params=keys, verify=verify, trust_env=False, timeout=60)
        site = credentials["store"].partition("/")[2]
        self._buyer = httpx.AsyncClient(base_url=f"{url}/{site}{STORE}", verify=verify, trust_env=False, timeout=60)

    async def make(self, path: str, **fields: Any) -> dict[str, Any]:
        """Create an object."""
        return await self._sent("POST", path, fields)

    async def change(self, path: str, **fields: Any) -> dict[str, Any]:
        """Change an object."""
        return await self._sent("PUT", path, fields)

    async def catalogue(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Make a mug (in stock), a shirt in one size, a sales tax of 8.875 % in New York and a coupon of 10 %."""
        await self.make("taxes", country="US", state="NY", rate="8.8750", name="NY Tax")
        await self.make("coupons", code="ten", discount_type="percent", amount="10")
        mug = await self.make(
            "products", name="Mug", sku="MUG-1", regular_price="19.99", manage_stock=True, stock_quantity=50
        )
        shirt = await self.make("products", name="Shirt", type="variable")
        size = [{"name": "Size", "option": "M"}]
        medium = await self.make(
            f"products/{shirt['id']}/variations", sku="SHIRT-M", regular_price="25.00", attributes=size
        )
        return mug, {**medium, "parent": shirt["id"]}

    async def customer(self) -> dict[str, Any]:
        """Register Ada."""
        return await self.make("customers", email="ada@buyer.example", first_name="Ada", last_name="Lane", billing=ADA)

    async def order(self, mug: dict[str, Any], shirt: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Order three mugs and a shirt to New York, with coupon and shipping; paid by card unless told otherwise."""
        lines = [
            {"product_id": mug["id"], "quantity": 3},
            {"product_id": shirt["parent"], "variation_id": shirt["id"], "quantity": 1},
        ]
        shipping = [{"method_id": "flat_rate", "method_title": "Flat rate", "total": "7.50"}]
        paid = {
            "payment_method": "stripe",
            "payment_method_title": "Card",
            "transaction_id": "pi_3Nx12",
            "set_paid": True,
        }
        given = {"billing": ADA, "line_items": lines, "shipping_lines": shipping, "coupon_lines": [{"code": "ten"}]}
        return await self.make("orders", **{**given, **paid, **more})

    async def checkout(self, product: dict[str, Any]) -> None:
        """Put something into a cart and begin to pay, as Ada in her browser; the session keeps the cart."""
        added = await self._buyer.post("/cart/add-item", json={"id": product["id"], "quantity": 2})
        self._buyer.headers["Cart-Token"] = added.headers["Cart-Token"]
        person = {"billing_address": ADA}
        assert (await self._buyer.post("/cart/update-customer", json=person)).is_success
        assert (await self._buyer.get("/checkout")).is_success

    async def pay(self) -> None:
        """Buy what is in the cart."""
        answer = await self._buyer.post("/checkout", json={"payment_method": "stripe"})
        assert answer.is_success, answer.text

    async def aclose(self) -> None:
        """End the sessions."""
        await self._http.aclose()
        await self._buyer.aclose()

    async def _sent(self, method: str, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        answer = await self._http.request(method, f"{API}/{path}", json=fields)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


ADA = {
    "first_name": "Ada", "last_name": "Lane", "address_1": "1 Main St", "city": "Albany", "state": "NY",
    "postcode": "12207", "country": "US", "email": "ada@buyer.example", "phone": "(518) 555-0134",
}  # fmt: skip


class ShopifyShop:
    """A shop of Shopify."""

    def __init__(self, credentials: dict[str, Any]) -> None:
        headers = {"X-Shopify-Access-Token": credentials["access_token"]}
        url = credentials["api_url"].replace("https:", "http:")
        self._http = httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60)

    async def run(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run a mutation of one field and return its payload."""
        answer = (await self._http.post("/graphql.json", json={"query": document, "variables": variables})).json()
        assert "errors" not in answer, answer
        [payload] = answer["data"].values()
        assert not payload["userErrors"], payload
        found: dict[str, Any] = payload
        return found

    async def variant(self, title: str = "Chair", sku: str = "C-1", price: str = "12.50") -> str:
        """Make a product of one variant and return the variant's id."""
        made = await self.run(
            "mutation($t: String!) { productCreate(product: {title: $t}) {"
            " product { id variants(first: 1) { nodes { id } } } userErrors { message } } }",
            t=title,
        )
        [variant] = made["product"]["variants"]["nodes"]
        await self.run(
            "mutation($p: ID!, $v: [ProductVariantsBulkInput!]!) {"
            " productVariantsBulkUpdate(productId: $p, variants: $v) { userErrors { message } } }",
            p=made["product"]["id"],
            v=[{"id": variant["id"], "price": price, "inventoryItem": {"sku": sku}}],
        )
        return str(variant["id"])

    async def order(self, variant: str, **more: Any) -> dict[str, Any]:
        """Order two chairs, with tax, shipping and a coupon of 10 %; paid unless told otherwise."""
        given = {
            "email": "ben@buyer.example",
            "billingAddress": {"firstName": "Ben", "lastName": "Osei", "address1": "2 High St", "countryCode": "US"},
            "lineItems": [{"variantId": variant, "quantity": 2, "taxLines": [{"title": "VAT", "rate": "0.1"}]}],
            "shippingLines": [{"title": "Post", "priceSet": _money("5")}],
            "discountCode": {"itemPercentageDiscountCode": {"code": "TEN", "percentage": 10}},
            "transactions": [{"kind": "SALE", "gateway": "shopify_payments", "amountSet": _money("30")}],
        }
        document = (
            "mutation($o: OrderCreateOrderInput!) { orderCreate(order: $o) {"
            " order { id lineItems(first: 5) { nodes { id } } transactions { id } } userErrors { message } } }"
        )
        found: dict[str, Any] = (await self.run(document, o={**given, **more}))["order"]
        return found

    async def refund(self, order: dict[str, Any], amount: str) -> None:
        """Give back one chair and an amount."""
        line, [paid] = order["lineItems"]["nodes"][0], order["transactions"]
        given = {
            "orderId": order["id"],
            "note": "broken",
            "refundLineItems": [{"lineItemId": line["id"], "quantity": 1}],
            "transactions": [
                {"orderId": order["id"], "parentId": paid["id"], "kind": "REFUND", "gateway": "shopify_payments",
                 "amount": amount}
            ],
        }  # fmt: skip
        await self.run(
            "mutation($i: RefundInput!, $k: String!) { refundCreate(input: $i) @idempotent(key: $k) {"
            " userErrors { message } } }",
            i=given,
            k=f"refund-{order['id']}",
        )

    async def pay(self, order: dict[str, Any]) -> None:
        """Note that an order was paid."""
        mutation = "mutation($i: OrderMarkAsPaidInput!) { orderMarkAsPaid(input: $i) { userErrors { message } } }"
        await self.run(mutation, i={"id": order["id"]})

    async def cancel(self, order: dict[str, Any]) -> None:
        """Cancel an order."""
        answer = await self._http.post(f"/orders/{order['id'].rpartition('/')[2]}/cancel.json", json={})
        assert answer.is_success, answer.text

    async def checkout(self, variant: str, email: str) -> str:
        """Begin a checkout as a buyer does, and return its token."""
        lines = [{"variant_id": variant.rpartition("/")[2], "quantity": 1}]
        made = await self._buyer("checkouts", {"email": email, "line_items": lines})
        return str(made["token"])

    async def complete(self, token: str) -> None:
        """Buy what is in a checkout."""
        await self._buyer(f"checkouts/{token}/complete", {})

    async def aclose(self) -> None:
        """End the session."""
        await self._http.aclose()

    async def _buyer(self, path: str, sent: dict[str, Any]) -> dict[str, Any]:
        answer = await self._http.post(self._http.base_url.copy_with(raw_path=f"/people/{path}".encode()), json=sent)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


def _money(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": SHOPIFY_MONEY}}
