"""Order to cash on the sandboxes: what shops sell is money in the books, to the cent, once."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest

from connectors.ports import Call
from tests.contract.connectors.kit.company import Company, Connect
from tests.contract.connectors.kit.flow import Flow
from tests.contract.connectors.kit.shops import ADA, ShopifyShop, WooShop


@pytest.fixture
async def books(connect: Connect) -> Company:
    """A company in QuickBooks."""
    return await connect("quickbooks")


@pytest.fixture
async def woo(connect: Connect) -> AsyncIterator[tuple[Company, WooShop]]:
    """A shop of WooCommerce, read by our connector and worked on by its merchant."""
    company = await connect("woocommerce", overlap_seconds="0", customers_seconds="0")
    async with aclosing(WooShop(company.credentials)) as shop:
        yield company, shop


@pytest.fixture
async def shopify(connect: Connect) -> AsyncIterator[tuple[Company, ShopifyShop]]:
    """A shop of Shopify."""
    company = await connect("shopify", backfill="pages", overlap_seconds="5")
    async with aclosing(ShopifyShop(company.credentials)) as shop:
        yield company, shop


async def stored(books: Company, kind: str, field: str = "TotalAmt") -> list[Any]:
    """Return one field of every object in the books, amounts as decimals."""
    rows = await books.records(kind)
    return [Decimal(str(row[field])) if field.endswith("Amt") else row[field] for row in rows]


async def test_a_paid_order_is_one_customer_and_one_receipt_of_the_same_total(
    books: Company, woo: tuple[Company, WooShop]
) -> None:
    """Coupon, shipping, tax and variation included; the order edited in what is no money makes no other."""
    company, shop = woo
    mug, shirt = await shop.catalogue()
    customer = await shop.customer()
    flow = Flow(company, books)
    order = await shop.order(mug, shirt, customer_id=customer["id"])
    await flow.sweep("woocommerce")
    assert await stored(books, "SalesReceipt") == [Decimal(order["total"])]
    assert await stored(books, "Customer", "DisplayName") == ["Ada Lane"]
    assert {"MUG-1", "SHIRT-M"} <= {item.get("Sku") for item in await books.records("Item")}
    [receipt] = await books.records("SalesReceipt")
    assert Decimal(str(receipt["TxnTaxDetail"]["TotalTax"])) == Decimal(order["total_tax"])
    assert receipt["PaymentRefNum"] == "pi_3Nx12"
    await shop.change(f"orders/{order['id']}", customer_note="Leave it at the door")
    await flow.sweep("woocommerce")
    assert len(await books.records("SalesReceipt")) == 1
    assert [o["hold_reason"] for o in flow.of("order")] == [None]
    assert [len(flow.of(entity)) for entity in ("party", "order", "invoice")] == [1, 1, 1]


@pytest.mark.parametrize("ours", [True, False])
async def test_the_shop_numbers_where_the_company_lets_it(
    books: Company, woo: tuple[Company, WooShop], ours: bool
) -> None:
    """Else QuickBooks counts on, and the shop's number stands in the note."""
    company, shop = woo
    await books.put("settings", {"settings": {"custom_txn_numbers": ours}})
    flow = Flow(company, books)
    order = await shop.order(*await shop.catalogue())
    await flow.sweep("woocommerce")
    [receipt] = await books.records("SalesReceipt")
    assert receipt["DocNumber"] == (order["number"] if ours else "1001")
    assert receipt["PrivateNote"].startswith(f"Order {order['number']}")


async def test_a_guest_becomes_a_customer_by_the_address_given(books: Company, woo: tuple[Company, WooShop]) -> None:
    """Two orders of one guest are one customer; another guest is another."""
    company, shop = woo
    mug, shirt = await shop.catalogue()
    flow = Flow(company, books)
    await shop.order(mug, shirt)
    await shop.order(mug, shirt, billing={**ADA, "email": "ADA@buyer.example"})
    await shop.order(mug, shirt, billing={**ADA, "first_name": "Eve", "email": "eve@buyer.example", "phone": ""})
    await flow.sweep("woocommerce")
    assert await stored(books, "Customer", "DisplayName") == ["Ada Lane", "Eve Lane"]
    assert len(await books.records("SalesReceipt")) == 3


async def test_refunds_are_booked_once_each(books: Company, woo: tuple[Company, WooShop]) -> None:
    """A part by amount, a part by position with its tax, then what is left."""
    company, shop = woo
    mug, shirt = await shop.catalogue()
    flow = Flow(company, books)
    order = await shop.order(mug, shirt)
    await flow.sweep("woocommerce")
    await shop.make(f"orders/{order['id']}/refunds", amount="10.00", reason="late")
    line = {"id": order["line_items"][0]["id"], "quantity": 1, "refund_total": "17.99"}
    tax = [{"id": order["line_items"][0]["taxes"][0]["id"], "refund_total": "1.60"}]
    await shop.make(f"orders/{order['id']}/refunds", amount="19.59", line_items=[{**line, "refund_tax": tax}])
    left = Decimal(order["total"]) - Decimal("29.59")
    for _ in range(2):
        await flow.sweep("woocommerce")
        assert sorted(await stored(books, "RefundReceipt")) == [Decimal("10.00"), Decimal("19.59")]
    await shop.make(f"orders/{order['id']}/refunds", amount=str(left))
    await flow.sweep("woocommerce")
    assert sorted(await stored(books, "RefundReceipt")) == sorted([Decimal("10.00"), Decimal("19.59"), left])
    taxes = [Decimal(str(row["TxnTaxDetail"]["TotalTax"])) for row in await books.records("RefundReceipt")]
    assert Decimal("1.60") in taxes
    assert await stored(books, "SalesReceipt") == [Decimal(order["total"])]


async def test_a_whole_refund_gives_back_what_was_sold(books: Company, woo: tuple[Company, WooShop]) -> None:
    """The refund receipt has the positions of the sale."""
    company, shop = woo
    mug, shirt = await shop.catalogue()
    flow = Flow(company, books)
    order = await shop.order(mug, shirt)
    await shop.make(f"orders/{order['id']}/refunds", amount=order["total"])
    await flow.sweep("woocommerce")
    [receipt], [refund] = await books.records("SalesReceipt"), await books.records("RefundReceipt")
    assert refund["TotalAmt"] == receipt["TotalAmt"]
    assert [line["Amount"] for line in refund["Line"]] == [line["Amount"] for line in receipt["Line"]]


async def test_a_cancelled_order_is_voided(books: Company, woo: tuple[Company, WooShop]) -> None:
    """Its receipt comes to nothing; the order that was cancelled stays, as cancelled."""
    company, shop = woo
    mug, shirt = await shop.catalogue()
    flow = Flow(company, books)
    order = await shop.order(mug, shirt)
    await flow.sweep("woocommerce")
    await shop.change(f"orders/{order['id']}", status="cancelled")
    await flow.sweep("woocommerce")
    assert await stored(books, "SalesReceipt") == [0]
    assert [found["status"] for found in flow.of("order")] == ["CANCELLED"]


async def test_both_shops_and_the_books_know_one_product(
    books: Company, woo: tuple[Company, WooShop], shopify: tuple[Company, ShopifyShop]
) -> None:
    """What has one SKU in two shops is one product and one item; each place's stock is told."""
    flow = Flow(woo[0], shopify[0], books)
    mug, shirt = await woo[1].catalogue()
    chair = await shopify[1].variant("Mug", "MUG-1", "19.99")
    await woo[1].order(mug, shirt)
    await shopify[1].order(chair, transactions=[], financialStatus="PENDING")
    await flow.sweep("woocommerce", "shopify")
    mugs = [product for product in flow.of("product") if product["sku"] == "MUG-1"]
    assert len(mugs) == 1
    assert [item["Name"] for item in await books.records("Item") if item.get("Sku") == "MUG-1"] == ["Mug"]
    stocks = {(row["system"], int(row["quantity"])) for row in flow.of("stock") if row["product_id"] == mugs[0]["id"]}
    assert ("woocommerce", 47) in stocks
    assert {system for system, _ in stocks} == {"woocommerce", "shopify"}


async def test_an_item_that_counts_stock_goes_on_counting(books: Company, woo: tuple[Company, WooShop]) -> None:
    """It is found by its SKU and stays what it is; each sale and refund is told as stock."""
    company, shop = woo
    mug, shirt = await shop.catalogue()
    accounts = {row["Name"]: {"value": row["Id"]} for row in await books.records("Account")}
    counted = {
        "Name": "Mug (stock)", "Sku": "MUG-1", "Type": "Inventory", "TrackQtyOnHand": True, "QtyOnHand": 50,
        "InvStartDate": "2026-01-01", "IncomeAccountRef": accounts["Sales of Product Income"],
        "ExpenseAccountRef": accounts["Cost of Goods Sold"], "AssetAccountRef": accounts["Inventory Asset"],
    }  # fmt: skip
    made = await books.write(Call("Item", "product/0", "put", counted, "r-item", None, None))
    assert made.error is None, made.error
    flow = Flow(company, books)
    order = await shop.order(mug, shirt)
    await flow.sweep("woocommerce")
    [item] = [row for row in await books.records("Item") if row.get("Sku") == "MUG-1"]
    assert (item["Type"], item["QtyOnHand"]) == ("Inventory", 47)
    assert [row["quantity"] for row in flow.of("stock") if row["system"] == "quickbooks"] == [47]
    await shop.make(f"orders/{order['id']}/refunds", amount=order["total"])
    await flow.sweep("woocommerce")
    assert [row["quantity"] for row in flow.of("stock") if row["system"] == "quickbooks"] == [50]


async def test_a_shopify_order_is_invoiced_paid_and_refunded(
    books: Company, shopify: tuple[Company, ShopifyShop]
) -> None:
    """A pending order is an invoice, its payment settles it, and what is given back is a refund receipt."""
    company, shop = shopify
    flow = Flow(company, books)
    chair = await shop.variant()
    order = await shop.order(chair, transactions=[])
    await flow.sweep("shopify")
    assert await stored(books, "Invoice") == [Decimal(30)]
    assert await stored(books, "Customer", "DisplayName") == ["Ben Osei"]
    await shop.pay(order)
    await flow.sweep("shopify")
    assert await stored(books, "Payment") == [Decimal(30)]
    assert await stored(books, "Invoice", "Balance") == [0]
    [paid] = flow.of("order")[0]["payments"]
    await shop.refund({**order, "transactions": [{"id": f"gid://shopify/OrderTransaction/{paid['id']}"}]}, "11.25")
    for _ in range(2):
        await flow.sweep("shopify")
        assert await stored(books, "RefundReceipt") == [Decimal("11.25")]
    assert (len(await books.records("Invoice")), len(await books.records("Payment"))) == (1, 1)


@pytest.mark.parametrize("paid", [False, True])
async def test_a_shopify_order_cancelled_after_it_was_invoiced_is_voided(
    books: Company, shopify: tuple[Company, ShopifyShop], paid: bool
) -> None:
    """Nothing is owed any more, and what was paid is no credit; the customer stays."""
    company, shop = shopify
    flow = Flow(company, books)
    order = await shop.order(await shop.variant(), transactions=[])
    await flow.sweep("shopify")
    if paid:
        await shop.pay(order)
        await flow.sweep("shopify")
        assert await stored(books, "Payment") == [Decimal(30)]
    await shop.cancel(order)
    await flow.sweep("shopify")
    assert [(row["TotalAmt"], row["Balance"]) for row in await books.records("Invoice")] == [(0, 0)]
    assert [(row["TotalAmt"], row["UnappliedAmt"]) for row in await books.records("Payment")] == [(0, 0)] * paid
    assert [found["status"] for found in (*flow.of("invoice"), *flow.of("payment"))] == ["VOID"] * (1 + paid)


async def test_prices_that_include_tax_come_to_the_same_total(
    books: Company, shopify: tuple[Company, ShopifyShop]
) -> None:
    """The books take net positions and the tax apart; a coupon and shipping are in it."""
    company, shop = shopify
    flow = Flow(company, books)
    await shop.order(await shop.variant(price="11.00"), taxesIncluded=True, transactions=[], financialStatus="PAID")
    await flow.sweep("shopify")
    [order] = flow.of("order")
    assert order["hold_reason"] is None
    assert await stored(books, "SalesReceipt") == [order["grand_total"]]


async def test_an_order_that_does_not_add_up_waits_for_a_person(books: Company, woo: tuple[Company, WooShop]) -> None:
    """The question names the difference; accepted, the order goes on, and is not asked about again."""
    company, shop = woo
    mug, shirt = await shop.catalogue()
    flow = Flow(company, books, rules="rules: [{name: gift, when: 'true', then: {discount_percent: 10}}]")
    order = await shop.order(mug, shirt)
    await flow.sweep("woocommerce")
    [question] = flow.reviews.values()
    assert await books.records("SalesReceipt") == []
    assert (question.kind, question.open) == ("hold", True)
    assert question.reason.endswith("a difference of 8.5")
    flow.decide("accept", question.id)
    await flow.settle()
    assert len(await books.records("SalesReceipt")) == 1
    await shop.change(f"orders/{order['id']}", customer_note="Thanks")
    await flow.sweep("woocommerce")
    assert [item.open for item in flow.reviews.values() if item.id == question.id] == [False]
    assert len(await books.records("SalesReceipt")) == 1


async def test_carts_are_told_as_the_shops_tell_them(
    woo: tuple[Company, WooShop], shopify: tuple[Company, ShopifyShop]
) -> None:
    """A draft of the checkout is open, then bought; a checkout that Shopify lists is abandoned, with its way back."""
    flow = Flow(woo[0], shopify[0])
    mug, _ = await woo[1].catalogue()
    await woo[1].checkout(mug)
    await flow.sweep("woocommerce")
    assert [(cart["status"], cart["order_id"]) for cart in flow.of("cart")] == [("OPEN", None)]
    assert flow.of("order") == []
    await woo[1].pay()
    await flow.sweep("woocommerce")
    [cart], [order] = flow.of("cart"), flow.of("order")
    assert (cart["status"], cart["order_id"], cart["customer_id"]) == ("CONVERTED", order["id"], order["customer_id"])
    token = await shopify[1].checkout(await shopify[1].variant(), "ben@buyer.example")
    await flow.sweep("shopify")
    [left] = [found for found in flow.of("cart") if found["id"] != cart["id"]]
    assert (left["status"], left["email"], left["total"]) == ("ABANDONED", "ben@buyer.example", Decimal("12.50"))
    assert token in left["recovery_url"]
    assert left["customer_id"] in {party["id"] for party in flow.of("party")}
    await shopify[1].complete(token)
    await flow.sweep("shopify")
    assert {found["status"] for found in flow.of("cart")} == {"CONVERTED"}
