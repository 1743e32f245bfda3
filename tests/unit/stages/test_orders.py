"""Orders of shops: agreed, paid, cancelled, given back; whatever the shop, one path to the accounts."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.kafka.records import Decision
from tests.unit.stages.kit import AT, TENANT, Company, body, envelope, of, stored, version
from tests.unit.stages.shop import BILLING, VENDORS, document, kinds, order, refund, reviews, tell


@pytest.mark.parametrize(
    ("more", "status", "asked"),
    [
        ({"status": "processing"}, "WON", ["PUT Customer", "PUT SalesReceipt"]),
        ({"status": "completed"}, "WON", ["PUT Customer", "PUT SalesReceipt"]),
        ({"status": "processing", "date_paid_gmt": None}, "WON", ["PUT Customer", "PUT Invoice"]),
        ({"status": "refunded"}, "WON", ["PUT Customer", "PUT SalesReceipt"]),
        ({"status": "on-hold"}, "WON", ["PUT Customer", "PUT SalesReceipt"]),
        ({"status": "shipped"}, "WON", ["PUT Customer", "PUT SalesReceipt"]),
        ({"status": "shipped", "date_paid_gmt": None}, "OPEN", []),
        ({"status": "pending", "date_paid_gmt": None}, "OPEN", []),
        ({"status": "on-hold", "date_paid_gmt": None}, "OPEN", []),
        ({"status": "failed", "date_paid_gmt": None}, "LOST", []),
        ({"status": "cancelled", "date_paid_gmt": None}, "CANCELLED", []),
    ],
)
def test_an_order_is_sent_once_it_is_agreed(
    company: Company, more: dict[str, Any], status: str, asked: list[str]
) -> None:
    """Paid ones are receipted, others invoiced; what the shop has not accepted is canonical and nothing else."""
    company.connect(*VENDORS)
    assert kinds(tell(company, order(**more), "1")) == asked
    assert company.only("order")["status"] == status


def test_the_document_has_fee_discount_shipping_and_tax(company: Company) -> None:
    """Every amount of the shop stands in it; a price that does not multiply is left out."""
    company.connect(*VENDORS)
    sent = body(of(tell(company, order(), "1"), "quickbooks", "SalesReceipt"))
    mugs, fee, shipping, discount = sent["Line"]
    assert (mugs["Amount"], mugs["SalesItemLineDetail"]["Qty"]) == (10, 3)
    assert mugs["SalesItemLineDetail"]["UnitPrice"] == Decimal("3.3333333")
    assert mugs["SalesItemLineDetail"]["TaxCodeRef"] == {"value": {"$lookup": {"name": "TAX", "object": "TaxCode"}}}
    assert fee["SalesItemLineDetail"]["TaxCodeRef"] == {"value": {"$lookup": {"name": "NON", "object": "TaxCode"}}}
    assert (fee["Amount"], shipping["Amount"], discount["Amount"]) == (2, 5, 1)
    assert sent["TxnTaxDetail"] == {"TotalTax": Decimal("1.4")}
    assert (sent["DocNumber"], sent["PaymentRefNum"], sent["TxnDate"]) == ("7", "pi_1", "2026-02-28")


def test_an_order_that_was_invoiced_gets_a_payment_once_it_is_paid(company: Company) -> None:
    """Cash on delivery: accepted, then paid; the invoice stays, the payment refers to it."""
    company.connect(*VENDORS)
    tell(company, order(date_paid_gmt=None), "1")
    (payment,) = tell(company, order("completed"), "2")
    sent = body(payment)
    assert (payment.object, sent["TotalAmt"], sent["TxnDate"]) == ("Payment", Decimal("17.4"), "2026-02-28")
    assert payment.object_key == f"payment/{company.only('order')['id']}/1/7"
    assert sent["Line"][0]["LinkedTxn"][0]["TxnId"] == {"$ref": f"order/{company.only('order')['id']}/1"}
    wrapped = {"id": 2, "name": "Gift wrapping", "total": "2.00", "total_tax": "0.00"}
    assert kinds(tell(company, order("completed", fee_lines=[wrapped]), "3")) == ["PUT Invoice"]


def test_a_refund_is_asked_for_once_whichever_comes_first(company: Company) -> None:
    """Before the order, after it, twice: one refund receipt, with the order's share of tax."""
    for first in ("order", "refund"):
        one = Company(company.pipeline)
        one.connect(*VENDORS)
        steps = {"order": (order(), "order"), "refund": (refund("8.70"), "refund")}
        told = [*tell(one, *_at(steps[first])), *tell(one, *_at(steps["refund" if first == "order" else "order"]))]
        given = of(told, "quickbooks", "RefundReceipt")
        assert given.object_key == f"refund/{one.only('order')['id']}/70"
        sent = body(given)
        assert (sent["Line"][0]["Amount"], sent["TxnTaxDetail"]["TotalTax"]) == (8, Decimal("0.7"))
        assert sent["TxnDate"] == "2026-03-04"
        assert tell(one, refund("8.70"), "2", "refund") == []
        assert tell(one, order(), "2") == []


def _at(step: tuple[dict[str, Any], str]) -> tuple[dict[str, Any], str, str]:
    return step[0], "1", step[1]


def test_what_was_never_paid_is_credited(company: Company) -> None:
    """Without money received there is none to give back: a credit memo against the invoice."""
    company.connect(*VENDORS)
    tell(company, order(date_paid_gmt=None), "1")
    assert kinds(tell(company, refund("17.40"), "1", "refund")) == ["PUT CreditMemo"]


def test_what_was_given_back_is_booked_anew_with_an_order_that_is_agreed_anew(company: Company) -> None:
    """Its credit went with the first document; by now money was received, so that it is money that goes back."""
    company.connect(*VENDORS)
    tell(company, order(date_paid_gmt=None), "1")
    tell(company, refund("5.00"), "1", "refund")
    void = tell(company, order("cancelled", date_paid_gmt=None), "2")
    assert kinds(void) == ["VOID Invoice", "VOID CreditMemo"]
    assert kinds(tell(company, order("completed"), "3")) == ["PUT SalesReceipt", "PUT RefundReceipt"]
    assert kinds(tell(company, order("completed"), "4")) == []


def test_a_cancelled_order_is_voided_once_its_refund_is_taken_back(company: Company) -> None:
    """It ends as if the refund had gone before the order was cancelled, and gets no second void."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    tell(company, refund("5.00"), "1", "refund")
    assert tell(company, order("cancelled"), "2") == []
    gone = company.record("woocommerce", "refund", {"id": 70}, "2", deleted=True)
    assert kinds(gone) == ["VOID RefundReceipt", "VOID SalesReceipt"]
    assert tell(company, order("cancelled"), "3") == []
    assert "PUT SalesReceipt" in kinds(tell(company, order("completed"), "4"))


def test_a_cancelled_order_is_voided_unless_money_went_back(company: Company) -> None:
    """A void and a refund together would take the sale out twice."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    (void,) = tell(company, order("cancelled"), "2")
    assert (void.operation, void.object_key) == ("VOID", f"order/{company.only('order')['id']}/1")
    assert kinds(tell(company, refund("17.40"), "1", "refund")) == []
    again = tell(company, order("processing"), "3")
    assert [c.object_key.rpartition("/")[2] for c in again if c.object == "SalesReceipt"] == ["2"]

    other = Company(company.pipeline)
    other.connect(*VENDORS)
    tell(other, order(), "1")
    tell(other, refund("5.00"), "1", "refund")
    assert tell(other, order("cancelled"), "2") == []
    assert kinds(tell(other, refund("12.40", 71), "1", "refund")) == ["PUT RefundReceipt"]
    assert tell(other, order("processing"), "3") == []
    assert other.only("order")["episode"] == 1


def test_what_a_person_voided_in_the_accounts_gets_no_refund(company: Company) -> None:
    """The sale is out of the books already; the shop may tell of the order again."""
    company.connect(*VENDORS)
    receipt = of(tell(company, order(), "1"), "quickbooks", "SalesReceipt")
    company.result(receipt, "9", document(receipt, "9", 17.4))
    voided = {**document(receipt, "9", 0), **envelope("9", 3), "PrivateNote": f"Voided - {receipt.object_key}"}
    company.record("quickbooks", "SalesReceipt", voided, version(3))
    assert tell(company, refund("17.40"), "1", "refund") == []
    assert [c for c in tell(company, order("completed"), "2") if c.object != "Customer"] == []


def test_the_item_follows_when_the_product_becomes_known(company: Company) -> None:
    """An order may come before its products: its lines name them when they do."""
    company.connect(*VENDORS)
    first = body(of(tell(company, order(), "1"), "quickbooks", "SalesReceipt"))
    assert "ItemRef" not in first["Line"][0]["SalesItemLineDetail"]
    product = {"id": 12, "name": "Mug", "sku": "MUG-1", "price": "3.50", "status": "publish", "categories": []}
    later = tell(company, product, "1", "product")
    assert kinds(later) == ["PUT Customer", "PUT Item", "PUT SalesReceipt"][-len(later) :]
    ref = body(of(later, "quickbooks", "SalesReceipt"))["Line"][0]["SalesItemLineDetail"]["ItemRef"]
    assert ref == {"value": {"$ref": f"product/{company.only('product')['id']}"}}


@pytest.mark.parametrize("back", [True, False])
def test_an_order_names_the_item_that_stands_for_a_product_that_went(company: Company, back: bool) -> None:
    """The shop's product goes while the order waits; it comes back as part of the item of the accounts, or not."""
    company.connect(*VENDORS)
    tell(company, MUG, "1", "product")
    tell(company, order(total="17.41"), "1")
    [question] = reviews(company)
    company.record("woocommerce", "product", {"id": 12}, "2", deleted=True)
    if back:
        company.record("quickbooks", "Item", stored("Item", "5", Sku="MUG-1"), version(1))
        tell(company, MUG, "3", "product")
    sent = company.take(Decision(TENANT, "accept", AT, review=question.id))
    assert kinds(sent) == ["PUT Customer", *(["PUT Item"] * back), "PUT SalesReceipt"]
    named = body(sent[-1])["Line"][0]["SalesItemLineDetail"].get("ItemRef")
    assert named == ({"value": {"$ref": sent[1].object_key}} if back else None)


def test_a_refund_names_no_item_that_was_not_asked_for(company: Company) -> None:
    """The product becomes known only after the order has ended: its receipt stays, what was given back names it."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    tell(company, refund("17.40"), "1", "refund")
    tell(company, order("cancelled"), "2")
    assert kinds(tell(company, MUG, "1", "product")) == ["PUT Item", "PUT RefundReceipt"]


def test_a_refund_receipt_becomes_a_document_of_the_order(company: Company) -> None:
    """What the accounts answer is known as the customer's, and of which order."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    (given,) = tell(company, refund("17.40"), "1", "refund")
    company.result(given, "12", document(given, "12", 17.4))
    found = company.only("invoice")
    assert (found["kind"], found["order_id"], found["total"]) == (
        "REFUND_RECEIPT", company.only("order")["id"], Decimal("17.4"),
    )  # fmt: skip


def test_a_registered_buyer_is_the_customer_whose_record_comes_later(company: Company) -> None:
    """The order names the customer; the customer's own record is the same party and knows better."""
    company.connect(*VENDORS)
    tell(company, order(customer_id=25, billing={**BILLING, "first_name": "A."}), "2")
    tell(company, {"id": 25, "email": "ada@buyer.example", "first_name": "Ada", "last_name": "Lane"}, "1", "customer")
    party = company.only("party")
    assert (party["name"], company.only("order")["customer_id"]) == ("Ada Lane", party["id"])


def test_a_cart_waits_for_its_guest_and_asks_nobody(company: Company) -> None:
    """Who a guest is, only an order tells; products that are not known are asked for."""
    company.connect(*VENDORS)
    draft = order("checkout-draft", date_paid_gmt=None)
    asked = company.record("woocommerce", "cart", draft, "1")
    assert [(c.operation, c.object, c.remote_id) for c in asked] == [("FETCH", "product", "12")]
    assert (company.only("cart")["status"], company.only("cart")["customer_id"]) == ("OPEN", None)
    tell(company, order(), "2")
    assert company.only("cart")["customer_id"] == company.only("party")["id"]


def test_stock_is_told_beside_its_product(company: Company) -> None:
    """Only where it is counted; each system's word is a record of its own."""
    company.connect(*VENDORS)
    mug = {"id": 12, "name": "Mug", "sku": "MUG-1", "price": "3.50", "status": "publish", "categories": []}
    stamp = "2026-03-01T12:00:00"
    tell(company, {**mug, "manage_stock": False, "date_modified_gmt": stamp}, "1", "product")
    assert company.latest("stock") == {}
    counted = {**mug, "manage_stock": True, "stock_quantity": 5, "date_modified_gmt": stamp}
    tell(company, counted, "2", "product")
    item = {**envelope("3", 0), "Name": "Mug", "Sku": "MUG-1", "TrackQtyOnHand": True, "QtyOnHand": 7}
    company.record("quickbooks", "Item", item, "2026-03-01T12:00:00.000000Z/0000000000")
    found = {
        record["system"]: (record["quantity"], record["product_id"]) for record in company.latest("stock").values()
    }
    product = company.only("product")["id"]
    assert found == {"woocommerce": (5, product), "quickbooks": (7, product)}


def test_what_was_paid_is_void_with_its_invoice_and_booked_once_again(company: Company) -> None:
    """A payment that stayed behind would be booked twice as soon as the order is agreed anew."""
    company.connect(*VENDORS)
    tell(company, order(date_paid_gmt=None), "1")
    tell(company, order("completed"), "2")
    void = tell(company, order("cancelled"), "3")
    assert kinds(void) == ["VOID Payment", "VOID Invoice"]
    assert kinds(tell(company, refund("17.40"), "1", "refund")) == []
    id_ = company.only("order")["id"]
    assert [c.object_key for c in void] == [f"payment/{id_}/1/7", f"order/{id_}/1"]


@pytest.mark.parametrize(
    ("more", "paid"),
    [
        # All of it is the order's own tax, be it that the shop tells of a part only.
        ({"line_items": [{"id": 1, "total_tax": "-0.50"}]}, order()),
        ({}, order()),
        ({"line_items": [{"id": 1, "total_tax": "-0.50"}]}, order(date_paid_gmt=None)),
    ],
)
def test_a_refund_of_all_comes_to_the_cent(company: Company, more: dict[str, Any], paid: dict[str, Any]) -> None:
    """Positions, shipping, discount and tax of what is given back are those of the sale."""
    company.connect(*VENDORS)
    tell(company, paid, "1")
    [given] = tell(company, {**refund("17.40"), **more}, "1", "refund")
    assert total(body(given)) == Decimal("17.4")


def total(document: dict[str, Any]) -> Decimal:
    """Return what the accounts reckon of a document whose tax is given."""
    lines = document["Line"]
    sold = sum((line["Amount"] for line in lines if line["DetailType"] == "SalesItemLineDetail"), Decimal(0))
    off = sum((line["Amount"] for line in lines if line["DetailType"] == "DiscountLineDetail"), Decimal(0))
    return Decimal(sold - off + document["TxnTaxDetail"]["TotalTax"])


def test_a_surcharge_below_zero_is_a_position_with_its_tax(company: Company) -> None:
    """A fee may take something off, and its tax with it; free orders are receipts over nothing."""
    company.connect(*VENDORS)
    fee = {"id": 2, "name": "Voucher", "total": "-4.00", "total_tax": "-0.50"}
    sent = body(tell(company, order(fee_lines=[fee], total="10.90", total_tax="0.90"), "1")[-1])
    assert total(sent) == Decimal("10.9")
    tax = sent["Line"][1]["SalesItemLineDetail"]["TaxCodeRef"]
    assert tax == {"value": {"$lookup": {"name": "TAX", "object": "TaxCode"}}}
    free = order(total="0.00", total_tax="0.00", shipping_total="0.00", discount_total="12.00")
    [receipt] = tell(company, {**free, "id": 8}, "1")
    assert (receipt.object, total(body(receipt))) == ("SalesReceipt", Decimal(0))


BACK = {
    "id": 9, "name": "Mug", "sku": "MUG-1", "quantity": -1, "total": "-3.00", "total_tax": "-0.30",
    "meta_data": [{"key": "_refunded_item_id", "value": "1"}],
}  # fmt: skip
MUG = {"id": 12, "name": "Mug", "sku": "MUG-1", "price": "3.50", "status": "publish", "categories": []}


@pytest.mark.parametrize(
    ("amount", "given", "lines"),
    [
        ("3.30", [BACK], [("3", 1)]),
        # Shipping is in the amount alone, what is kept for the trouble as well.
        ("8.30", [BACK], [("3", 1), ("5", None)]),
        ("2.30", [BACK], [("3", 1), ("-1", None)]),
        ("3.30", [{**BACK, "quantity": 0}], [("3", None)]),
        ("3.30", [], [("3.03", None)]),
    ],
)
def test_what_is_given_back_in_part_has_its_positions(
    company: Company, amount: str, given: list[dict[str, Any]], lines: list[tuple[str, int | None]]
) -> None:
    """Units of a product come back into stock; what the positions leave is one more, and the sum is the shop's."""
    company.connect(*VENDORS)
    tell(company, MUG, "1", "product")
    tell(company, order(), "1")
    [receipt] = tell(company, {**refund(amount), "line_items": given}, "1", "refund")
    sent = body(receipt)
    assert total(sent) == Decimal(amount)
    sold = [line.get("SalesItemLineDetail", {}) for line in sent["Line"]]
    assert [(str(line["Amount"]), part.get("Qty")) for line, part in zip(sent["Line"], sold, strict=True)] == lines
    product = {"value": {"$ref": f"product/{company.only('product')['id']}"}}
    assert [part.get("ItemRef") == product for part in sold] == [units is not None for _, units in lines]
    [kept] = company.only("order")["refunds"]
    assert [line["line_id"] for line in kept["lines"]] == ["1"] * len(given)
