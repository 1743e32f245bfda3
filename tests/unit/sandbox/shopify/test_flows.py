"""Customers, products, stock, orders, refunds, checkouts: what Shopify computes and refuses."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.sandbox.shopify.conftest import Merchant

MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
REFUND = """mutation($i: RefundInput!, $k: String!) { refundCreate(input: $i) @idempotent(key: $k) {
    refund { id totalRefundedSet { shopMoney { amount } }
        refundLineItems(first: 5) { nodes { quantity lineItem { id } } } }
    order { displayFinancialStatus currentTotalPriceSet { shopMoney { amount } }
        totalPriceSet { shopMoney { amount } } }
    userErrors { field message } } }"""


async def test_an_order_is_added_up(merchant: Merchant) -> None:
    """Lines less discount, shipping, tax on top; money has no needless zeros in GraphQL and two digits in REST."""
    variant = await merchant.variant("12.50")
    order = await merchant.order(
        "legacyResourceId name displayFinancialStatus discountCodes subtotalPriceSet { shopMoney { amount } } "
        "totalDiscountsSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } } "
        "totalPriceSet { shopMoney { amount } } totalOutstandingSet { shopMoney { amount } } "
        "lineItems(first: 2) { nodes { sku discountedTotalSet { shopMoney { amount } } } }",
        lineItems=[{"variantId": variant["id"], "quantity": 2, "taxLines": [{"title": "VAT", "rate": "0.1"}]}],
        shippingLines=[{"title": "Post", "priceSet": {"shopMoney": {"amount": "5", "currencyCode": "USD"}}}],
        discountCode={"itemPercentageDiscountCode": {"code": "TEN", "percentage": 10}},
        transactions=[{"kind": "SALE", "amountSet": {"shopMoney": {"amount": "10", "currencyCode": "USD"}}}],
    )
    amounts = {name: part["shopMoney"]["amount"] for name, part in order.items() if name.endswith("Set")}
    assert amounts == {
        "subtotalPriceSet": "22.5",
        "totalDiscountsSet": "2.5",
        "totalTaxSet": "2.5",
        "totalPriceSet": "30.0",
        "totalOutstandingSet": "20.0",
    }
    assert (order["name"], order["displayFinancialStatus"], order["discountCodes"]) == (
        "#1001",
        "PARTIALLY_PAID",
        ["TEN"],
    )
    assert order["lineItems"]["nodes"] == [{"sku": "C-1", "discountedTotalSet": {"shopMoney": {"amount": "22.5"}}}]
    shown = (await merchant.rest("GET", f"orders/{order['legacyResourceId']}.json")).json()["order"]
    assert (shown["total_price"], shown["total_tax"], shown["order_number"]) == ("30.00", "2.50", 1001)
    assert shown["created_at"] == "2026-03-01T07:00:00-05:00"
    assert shown["line_items"][0]["price"] == "12.50"


@pytest.mark.parametrize(("currency", "amount", "written"), [("JPY", "1000", "1000"), ("KWD", "1.5", "1.500")])
async def test_buyers_pay_in_their_own_currency(merchant: Merchant, currency: str, amount: str, written: str) -> None:
    """Both moneys are kept side by side, each with the digits of its currency."""
    price = {
        "shopMoney": {"amount": "6.66", "currencyCode": "USD"},
        "presentmentMoney": {"amount": amount, "currencyCode": currency},
    }
    order = await merchant.order(
        f"legacyResourceId totalPriceSet {MONEY}",
        presentmentCurrency=currency,
        lineItems=[{"title": "A", "quantity": 1, "priceSet": price}],
    )
    presentment = order["totalPriceSet"]["presentmentMoney"]
    assert (Decimal(presentment["amount"]), presentment["currencyCode"]) == (Decimal(amount), currency)
    assert order["totalPriceSet"]["shopMoney"] == {"amount": "6.66", "currencyCode": "USD"}
    shown = (await merchant.rest("GET", f"orders/{order['legacyResourceId']}.json")).json()["order"]
    assert shown["total_price_set"]["presentment_money"] == {"amount": written, "currency_code": currency}


async def test_refunds_move_the_current_figures(merchant: Merchant) -> None:
    """A part refunded, then the rest: status, current total and stock follow; more than was paid is refused."""
    variant = await merchant.variant("10.00", stock=5)
    order = await merchant.order(
        "id lineItems(first: 1) { nodes { id } }",
        lineItems=[{"variantId": variant["id"], "quantity": 2}],
        financialStatus="PAID",
    )
    [line] = order["lineItems"]["nodes"]

    async def refund(quantity: int, amount: str, key: str) -> dict[str, Any]:
        row = {
            "lineItemId": line["id"],
            "quantity": quantity,
            "restockType": "RETURN",
            "locationId": variant["location"],
        }
        money = {"orderId": order["id"], "amount": amount, "kind": "REFUND", "gateway": "manual"}
        given = {"orderId": order["id"], "refundLineItems": [row], "transactions": [money]}
        found: dict[str, Any] = await merchant.ask(REFUND, i=given, k=key)
        return found

    first = await refund(1, "10", "a")
    assert first["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert first["order"]["currentTotalPriceSet"]["shopMoney"]["amount"] == "10.0"
    assert first["order"]["totalPriceSet"]["shopMoney"]["amount"] == "20.0"
    assert first["refund"]["refundLineItems"]["nodes"] == [{"quantity": 1, "lineItem": {"id": line["id"]}}]
    assert (await refund(2, "10", "b"))["userErrors"]
    assert (await refund(1, "11", "c"))["userErrors"]
    assert (await refund(1, "10", "d"))["order"]["displayFinancialStatus"] == "REFUNDED"
    [level] = [row for row in await merchant.records("InventoryLevel") if row["available"]]
    assert level["available"] == 7


async def test_stock_is_compared_before_it_is_set(merchant: Merchant) -> None:
    """A stale `changeFromQuantity` is refused, null opts out; product and variant follow what is set."""
    variant = await merchant.variant()
    assert (await merchant.set_stock(variant, 5, 0))["inventoryAdjustmentGroup"]["changes"] == [
        {"name": "available", "delta": 5}
    ]
    [error] = (await merchant.set_stock(variant, 9, 4))["userErrors"]
    assert (error["code"], error["field"][-1]) == ("CHANGE_FROM_QUANTITY_STALE", "changeFromQuantity")
    assert not (await merchant.set_stock(variant, 7, None))["userErrors"]
    found = await merchant.ask(
        "query($i: ID!) { productVariant(id: $i) { inventoryQuantity product { totalInventory } inventoryItem { "
        'inventoryLevels(first: 2) { nodes { quantities(names: ["available", "on_hand"]) { name quantity } } } } } }',
        i=variant["id"],
    )
    assert (found["inventoryQuantity"], found["product"]["totalInventory"]) == (7, 7)
    assert found["inventoryItem"]["inventoryLevels"]["nodes"][0]["quantities"] == [
        {"name": "available", "quantity": 7},
        {"name": "on_hand", "quantity": 7},
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "reserved"}, "INVALID_NAME"),
        ({"reason": "because"}, "INVALID_REASON"),
        ({"referenceDocumentUri": "no uri"}, "INVALID_REFERENCE_DOCUMENT"),
        ({"quantity": 1_000_000_001}, "INVALID_QUANTITY_TOO_HIGH"),
        ({"item": "gid://shopify/InventoryItem/1"}, "INVALID_INVENTORY_ITEM"),
        ({"location": "gid://shopify/Location/1"}, "INVALID_LOCATION"),
    ],
)
async def test_wrong_quantities_are_told_by_code(merchant: Merchant, change: dict[str, Any], code: str) -> None:
    """Every part of the input has its own code."""
    variant = await merchant.variant()
    target = {**variant, **{name: value for name, value in change.items() if name in {"item", "location"}}}
    more = {name: value for name, value in change.items() if name in {"name", "reason", "referenceDocumentUri"}}
    [error] = (await merchant.set_stock(target, change.get("quantity", 1), None, **more))["userErrors"]
    assert error["code"] == code


async def test_writes_that_must_be_idempotent(merchant: Merchant) -> None:
    """From 2026-04 the directive is needed; one key runs once, and not for other parameters."""
    variant = await merchant.variant()
    bare = "mutation($i: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $i) { userErrors { code } } }"
    row = {"inventoryItemId": variant["item"], "locationId": variant["location"], "quantity": 3}
    given = {"name": "available", "reason": "correction", "quantities": [{**row, "changeFromQuantity": None}]}
    answer = await merchant.answer(bare, i=given)
    assert "@idempotent" in answer["errors"][0]["message"]
    first = await merchant.set_stock(variant, 3, None, key="k")
    assert await merchant.set_stock(variant, 3, None, key="k") == first
    [error] = (await merchant.set_stock(variant, 4, None, key="k"))["userErrors"]
    assert error["code"] == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    older = {**given, "quantities": [{**row, "quantity": 8}], "ignoreCompareQuantity": True}
    assert not (await merchant.ask(bare, "2026-01", i=older))["userErrors"]
    [missing] = (await merchant.ask(bare, "2026-01", i={**older, "ignoreCompareQuantity": False}))["userErrors"]
    assert missing["code"] == "COMPARE_QUANTITY_REQUIRED"


async def test_orders_without_a_customer_and_their_end(merchant: Merchant) -> None:
    """A guest's order has an e-mail alone; it is paid, cancelled or deleted, and refuses what makes no sense."""
    order = await merchant.order(
        "id email customer { id }", email="guest@example.com", lineItems=[{"title": "A", "quantity": 1}]
    )
    assert (order["email"], order["customer"]) == ("guest@example.com", None)
    cancel = """mutation($o: ID!) { orderCancel(orderId: $o, reason: CUSTOMER, restock: false) {
        job { done } userErrors { message } } }"""
    assert (await merchant.ask(cancel, o=order["id"]))["job"] == {"done": True}
    assert (await merchant.ask(cancel, o=order["id"]))["userErrors"]
    delete = "mutation($o: ID!) { orderDelete(orderId: $o) { deletedId userErrors { message } } }"
    assert (await merchant.ask(delete, o=order["id"]))["deletedId"] == order["id"]
    assert (await merchant.ask(delete, o=order["id"]))["userErrors"]


async def test_customers_count_their_orders(merchant: Merchant) -> None:
    """An order changes its customer; one with orders cannot be deleted, another can."""
    customer = await merchant.customer(email="ada@example.com", firstName="Ada")
    await merchant.clock.sleep(60)
    price = {"shopMoney": {"amount": "7.5", "currencyCode": "USD"}}
    attributes = {"toAssociate": {"id": customer["id"]}}
    await merchant.order(customer=attributes, lineItems=[{"title": "A", "quantity": 1, "priceSet": price}])
    query = """query($i: ID!) { customer(id: $i) { numberOfOrders updatedAt amountSpent { amount }
        orders(first: 2) { nodes { name } } } }"""
    assert await merchant.ask(query, i=customer["id"]) == {
        "numberOfOrders": "1",
        "updatedAt": "2026-03-01T12:01:00Z",
        "amountSpent": {"amount": "7.5"},
        "orders": {"nodes": [{"name": "#1001"}]},
    }
    delete = "mutation($i: ID!) { customerDelete(input: {id: $i}) { deletedCustomerId userErrors { message } } }"
    assert (await merchant.ask(delete, i=customer["id"]))["userErrors"]
    other = await merchant.customer(email="other@example.com")
    assert (await merchant.ask(delete, i=other["id"]))["deletedCustomerId"] == other["id"]


async def test_a_deleted_product_leaves_an_event(merchant: Merchant) -> None:
    """The product, its variants and stock are gone; `deletionEvents` has the only trace."""
    variant = await merchant.variant()
    delete = "mutation($i: ID!) { productDelete(input: {id: $i}) { deletedProductId userErrors { message } } }"
    assert (await merchant.ask(delete, i=variant["product"]))["deletedProductId"] == variant["product"]
    query = """query($q: String) { deletionEvents(first: 5, subjectTypes: [PRODUCT], query: $q) {
        nodes { subjectId subjectType occurredAt } } }"""
    [event] = (await merchant.ask(query, q="occurred_at:>='2026-03-01T12:00:00Z'"))["nodes"]
    assert event == {
        "subjectId": variant["product"],
        "subjectType": "PRODUCT",
        "occurredAt": "2026-03-01T12:00:00Z",
    }
    for kind in ("Product", "ProductVariant", "InventoryItem", "InventoryLevel"):
        assert not await merchant.records(kind)


async def test_a_checkout_is_abandoned_then_recovered(merchant: Merchant) -> None:
    """A buyer's checkout is listed with its recovery address; completing it makes an order with its tokens."""
    variant = await merchant.variant("10.00", stock=3)
    number = variant["id"].rpartition("/")[2]
    sent = {"email": "Buyer@example.com", "line_items": [{"variant_id": number, "quantity": 2}]}
    checkout = (await merchant.http.post("/people/checkouts", json=sent)).json()
    query = """{ abandonedCheckouts(first: 2, query: "status:open") { nodes { id completedAt abandonedCheckoutUrl
        customer { email } totalPriceSet { shopMoney { amount } } lineItems(first: 2) { nodes { quantity } } } } }"""
    [found] = (await merchant.ask(query))["nodes"]
    assert (found["completedAt"], found["customer"]["email"]) == (None, "buyer@example.com")
    assert found["abandonedCheckoutUrl"] == checkout["abandoned_checkout_url"]
    assert found["totalPriceSet"]["shopMoney"]["amount"] == "20.0"
    order = (await merchant.http.post(f"/people/checkouts/{checkout['token']}/complete")).json()
    assert (order["checkout_token"], order["cart_token"]) == (checkout["token"], checkout["cart_token"])
    assert order["financial_status"] == "paid"
    assert not (await merchant.ask(query))["nodes"]
    assert (await merchant.http.post(f"/people/checkouts/{checkout['token']}/complete")).status_code == 422
    [level] = [row for row in await merchant.records("InventoryLevel") if row["available"]]
    assert level["available"] == 1


async def test_a_seed_is_repeatable(merchant: Merchant) -> None:
    """The same size and seed make the same shop, in its own past, and nobody is told; other seeds differ."""

    async def seeded(account: str, seed: int) -> list[dict[str, Any]]:
        made = await merchant.admin("seed", {"account": account, "size": 20, "seed": seed})
        assert made["made"] == {"Customer": 20, "Product": 5, "Order": 10, "AbandonedCheckout": 2}
        found: list[dict[str, Any]] = []
        for kind in ("Customer", "Order", "AbandonedCheckout", "ProductVariant"):
            answer = await merchant.http.get(f"/__sandbox/records/{kind}", params={"account": account})
            found += answer.json()["records"]
        return [{**row, "token": "", "cart_token": "", "abandoned_checkout_url": "", "vendor": ""} for row in found]

    first, same, other = await seeded("one", 1), await seeded("two", 1), await seeded("three", 2)
    for row in (*first, *same, *other):
        for line in row.get("line_items", ()):
            line.pop("vendor", None)
    assert first == same != other
    assert first[1]["updated_at"] == "2025-01-01T00:01:00Z"
