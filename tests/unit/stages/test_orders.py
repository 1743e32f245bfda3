"""Orders of shops: agreed, paid, held, cancelled, given back; whatever the shop, one path to the accounts."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import MappingError
from connectors.kafka.records import Command, Decision, ReviewItem
from connectors.kafka.topics import REVIEW
from tests.unit.stages.kit import AT, TENANT, Company, body, envelope, of, version

VENDORS = ("woocommerce", "quickbooks")
BILLING = {"first_name": "Ada", "last_name": "Lane", "email": "ada@buyer.example", "country": "US"}


def order(status: str = "processing", **more: Any) -> dict[str, Any]:
    """Return an order as WooCommerce tells it: two mugs, a fee, a coupon, shipping and tax; paid."""
    line = {
        "id": 1, "name": "Mug", "sku": "MUG-1", "product_id": 12, "variation_id": 0, "quantity": 3,
        "subtotal": "10.00", "total": "9.00", "total_tax": "0.90",
    }  # fmt: skip
    return {
        "id": 7, "number": "7", "status": status, "currency": "USD", "created_via": "checkout",
        "date_created_gmt": "2026-03-01T03:30:00", "date_paid_gmt": "2026-03-01T03:31:00", "discount_total": "1.00",
        "shipping_total": "5.00", "total_tax": "1.40", "total": "17.40", "customer_id": 0, "payment_method": "stripe",
        "transaction_id": "pi_1", "billing": BILLING, "line_items": [line],
        "fee_lines": [{"id": 2, "name": "Wrapping", "total": "2.00", "total_tax": "0.00"}], **more,
    }  # fmt: skip


def refund(amount: str, id_: int = 70) -> dict[str, Any]:
    """Return a refund without positions."""
    return {"id": id_, "parent_id": 7, "amount": amount, "reason": "broken", "date_created_gmt": "2026-03-04T12:00:00",
            "line_items": [], "shipping_lines": [], "fee_lines": []}  # fmt: skip


def tell(company: Company, record: Mapping[str, Any], version: str, kind: str = "order") -> list[Command]:
    """Let the shop tell of something; fetches left out."""
    return [c for c in company.record("woocommerce", kind, record, version) if c.operation != "FETCH"]


def kinds(commands: list[Command]) -> list[str]:
    """Return what was asked for."""
    return [f"{c.operation} {c.object}" for c in commands]


def reviews(company: Company) -> list[ReviewItem]:
    """Return what was asked of a person."""
    return [e.value for e in company.emits if e.topic is REVIEW and isinstance(e.value, ReviewItem)]


def document(command: Command, remote_id: str, total: float) -> dict[str, Any]:
    """Return a document as QuickBooks stores it."""
    own = {"TotalAmt": total, "TxnDate": "2026-02-28", "Balance": 0, "PrivateNote": command.object_key}
    return {**envelope(remote_id, 0), **own, "CustomerRef": {"value": "58"}, "CurrencyRef": {"value": "USD"}}


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


@pytest.mark.parametrize(
    ("more", "rules", "reason"),
    [
        ({"total": "17.41"}, "", "come to 17.4 USD, but the total is 17.41: a difference of 0.01"),
        ({"total": "17.39"}, "", "come to 17.4 USD, but the total is 17.39: a difference of -0.01"),
        ({}, "rules: [{name: gift, when: 'true', then: {discount_percent: 10}}]", "a difference of 1.2"),
        ({}, "rules: [{name: big, when: order.total > 5, then: {hold: true}}]", "held by rule big"),
    ],
)
def test_what_waits_asks_a_person_and_goes_on_once_accepted(
    company: Company, more: dict[str, Any], rules: str, reason: str
) -> None:
    """The question names the reason; the answer is good for as long as the reason is the same."""
    company.connect(*VENDORS, rules=rules)
    assert tell(company, order(**more), "1") == []
    [question] = reviews(company)
    assert question.reason.endswith(reason)
    assert (company.only("order")["hold"], question.open) == (True, True)
    assert tell(company, order(**more, number="7a"), "2") == []
    assert len(reviews(company)) == 1
    accepted = company.take(Decision(TENANT, "accept", AT, review=question.id))
    assert kinds(accepted) == ["PUT Customer", "PUT SalesReceipt"]
    assert [item.open for item in reviews(company)] == [True, False]
    assert kinds(tell(company, order(**more, number="7b"), "3")) == ["PUT SalesReceipt"]
    assert len(reviews(company)) == 2


def test_a_rejected_order_is_not_sent(company: Company) -> None:
    """It stays as it is, and nobody is asked again for the same reason."""
    company.connect(*VENDORS)
    tell(company, order(total="17.41"), "1")
    [question] = reviews(company)
    assert company.take(Decision(TENANT, "reject", AT, review=question.id)) == []
    assert tell(company, order(total="17.41", number="7a"), "2") == []
    assert len(reviews(company)) == 2


def test_a_question_that_no_longer_arises_is_closed(company: Company) -> None:
    """The shop corrects the order: it is sent, and the question goes."""
    company.connect(*VENDORS)
    tell(company, order(total="17.41"), "1")
    assert kinds(tell(company, order(), "2")) == ["PUT Customer", "PUT SalesReceipt"]
    assert [item.open for item in reviews(company)] == [True, False]
    assert company.only("order")["hold_reason"] is None


def test_a_document_that_the_accounts_total_otherwise_is_asked_about(company: Company) -> None:
    """Their tax may be another: the difference is named, the document stays."""
    company.connect(*VENDORS)
    receipt = of(tell(company, order(), "1"), "quickbooks", "SalesReceipt")
    company.result(receipt, "9", document(receipt, "9", 17.52))
    [question] = reviews(company)
    assert question.reason == "the SalesReceipt is by 0.12 off the order's total of 17.4 USD; correct it there"


CORRECTED: Mapping[str, dict[str, Any]] = {
    "agrees": {"TotalAmt": 17.4},
    "void": {"TotalAmt": 0, "PrivateNote": "Voided - x"},
    "gone": {"deleted": True},
}


@pytest.mark.parametrize("how", CORRECTED)
def test_the_question_about_a_total_is_closed_once_it_is_answered_in_the_accounts(company: Company, how: str) -> None:
    """A person corrects the document, voids or deletes it; as long as the totals differ, the question stays."""
    company.connect(*VENDORS)
    receipt = of(tell(company, order(), "1"), "quickbooks", "SalesReceipt")
    company.result(receipt, "9", document(receipt, "9", 17.52))
    stored = {**document(receipt, "9", 17.5), **envelope("9", 1)}
    company.record("quickbooks", "SalesReceipt", stored, version(1))
    assert [item.open for item in reviews(company)] == [True]
    deleted = CORRECTED[how].get("deleted", False)
    stored |= {**envelope("9", 2), **CORRECTED[how]}
    company.record("quickbooks", "SalesReceipt", stored, version(2), deleted=deleted)
    assert [item.open for item in reviews(company)] == [True, False]
    assert len({item.id for item in reviews(company)}) == 1


def test_the_question_about_a_total_follows_the_order(company: Company) -> None:
    """The shop changes the order: another difference is another question, none is none; ended, the last is closed."""
    company.connect(*VENDORS)
    for number, (total, stored) in enumerate([("17.40", 17.5), ("18.40", 18.6), ("19.40", 19.4), ("20.40", 20.5)]):
        shipping = f"{5 + number}.00"
        [receipt] = tell(company, order(shipping_total=shipping, total=total), str(number))[-1:]
        company.result(receipt, "9", {**document(receipt, "9", stored), **envelope("9", number)})
    assert [item.open for item in reviews(company)] == [True, False, True, False, True]
    [void] = tell(company, order("cancelled"), "5")
    voided = {**document(void, "9", 0), **envelope("9", 9), "PrivateNote": "Voided"}
    company.result(void, "9", voided)
    assert [item.open for item in reviews(company)][5:] == [False]


def test_an_answer_to_what_is_asked_otherwise_by_now_asks_nobody(company: Company) -> None:
    """The order changed meanwhile: the document is on its way to the new total."""
    company.connect(*VENDORS)
    first = of(tell(company, order(), "1"), "quickbooks", "SalesReceipt")
    second = of(tell(company, order(shipping_total="6.00", total="18.40"), "2"), "quickbooks", "SalesReceipt")
    company.result(first, "9", document(first, "9", 17.4))
    company.result(second, "9", document(second, "9", 18.4))
    assert reviews(company) == []


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


def test_a_refund_that_the_shop_deletes_is_taken_back(company: Company) -> None:
    """What was asked for it is void, whether the order is known or not, and an older version does not bring it back."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    tell(company, refund("5.00"), "1", "refund")
    assert kinds(company.record("woocommerce", "refund", {"id": 70}, "2", deleted=True)) == ["VOID RefundReceipt"]
    assert tell(company, refund("5.00"), "1", "refund") == []
    assert company.only("order")["refunds"] == []

    other = Company(company.pipeline)
    other.connect(*VENDORS)
    tell(other, refund("5.00"), "1", "refund")
    other.record("woocommerce", "refund", {"id": 70}, "2", deleted=True)
    assert kinds(tell(other, order(), "1")) == ["PUT Customer", "PUT SalesReceipt"]


def test_an_accepted_order_is_booked_in_its_currency(company: Company) -> None:
    """A customer that the accounts do not know yet is kept in it, as without the question."""
    company.connect(*VENDORS)
    tell(company, order(currency="EUR", total="17.41"), "1")
    [question] = reviews(company)
    customer, receipt = company.take(Decision(TENANT, "accept", AT, review=question.id))
    assert body(customer)["CurrencyRef"] == body(receipt)["CurrencyRef"] == {"value": "EUR"}


def test_a_customer_asked_for_in_the_home_currency_has_that_one(company: Company) -> None:
    """Also before the accounts have answered: an order in another waits for a person."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    assert tell(company, {**order(currency="EUR"), "id": 8}, "1") == []
    [question] = reviews(company)
    assert question.reason.startswith("the accounts keep this customer in USD and take no document in EUR")


def test_a_payment_that_is_taken_back_is_void_and_booked_anew_when_it_returns(company: Company) -> None:
    """The invoice stands unpaid; the same payment told again is another one, since what is void stays void."""
    company.connect(*VENDORS)
    tell(company, order(date_paid_gmt=None), "1")
    tell(company, order("completed"), "2")
    key = f"payment/{company.only('order')['id']}/1/7"
    [void] = tell(company, order("processing", date_paid_gmt=None), "3")
    assert (void.operation, void.object_key) == ("VOID", key)
    assert tell(company, order("processing", date_paid_gmt=None), "4") == []
    for second in ("5", "6"):
        assert [c.object_key for c in tell(company, order("completed"), second)] == [f"{key}/2"] * (second == "5")
    assert [c.object_key for c in tell(company, order("cancelled"), "7")][:1] == [f"{key}/2"]


def test_a_receipt_gives_way_to_an_invoice_when_the_order_is_not_paid_any_more(company: Company) -> None:
    """A receipt says that all was paid: it is void, and the order agreed anew, with what is still paid as payments."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    unpaid = tell(company, order(date_paid_gmt=None), "2")
    assert kinds(unpaid) == ["VOID SalesReceipt", "PUT Invoice"]
    assert [c.object_key.rpartition("/")[2] for c in unpaid] == ["1", "2"]
    assert kinds(tell(company, order(), "3")) == ["PUT Payment"]
    assert kinds(tell(company, order(), "4")) == []


def test_a_refund_that_names_another_order_leaves_the_first(company: Company) -> None:
    """It is given back once: what was asked for the first order is void."""
    company.connect(*VENDORS)
    for number in (7, 8):
        tell(company, {**order(), "id": number}, "1")
    tell(company, refund("5.00"), "1", "refund")
    moved = tell(company, {**refund("5.00"), "parent_id": 8}, "2", "refund")
    assert sorted(kinds(moved)) == ["PUT RefundReceipt", "VOID RefundReceipt"]
    assert sorted(len(one["refunds"]) for one in company.latest("order").values()) == [0, 1]
    back = tell(company, refund("5.00"), "3", "refund")
    assert sorted(kinds(back)) == ["PUT RefundReceipt", "VOID RefundReceipt"]
    assert not {c.object_key for c in back} & {c.object_key for c in moved if c.operation == "VOID"}
    assert tell(company, refund("5.00"), "4", "refund") == []
    assert kinds(company.record("woocommerce", "refund", {"id": 70}, "5", deleted=True)) == ["VOID RefundReceipt"]


def test_what_was_agreed_before_the_accounts_were_connected_goes_out_when_a_person_says_so(company: Company) -> None:
    """Connecting floods no books: an order waits until it is named, is sent once, and never against a rule."""
    company.connect("woocommerce")
    for number, more in ((7, {}), (8, {"number": "8"}), (9, {"total": "17.41"})):
        assert tell(company, {**order(), **more, "id": number}, "1") == []
    tell(company, {**order("cancelled"), "id": 8}, "2")
    rules = "rules: [{name: old, when: order.closed_on < '2026-01-01', then: {skip: true}}]"
    assert company.connect(*VENDORS, revision=2, rules=rules) == []
    tell(company, {**order(date_created_gmt="2025-12-30T12:00:00"), "id": 10}, "1")
    sent = {
        found["refs"][0]["id"]: [kinds(company.take(Decision(TENANT, "send", AT, order=id_))) for _ in range(2)]
        for id_, found in company.latest("order").items()
    }
    assert sent == {"7": [["PUT Customer", "PUT SalesReceipt"], []], "8": [[], []], "9": [[], []], "10": [[], []]}
    assert tell(company, order(), "2") == []


@pytest.mark.parametrize(("vendors", "said"), [(VENDORS, "is no order"), (VENDORS[:1], "QuickBooks is not connected")])
def test_an_order_that_cannot_be_sent_is_refused(company: Company, vendors: tuple[str, ...], said: str) -> None:
    """There is none of that id, or nowhere to send it."""
    company.connect(*vendors)
    tell(company, order(), "1")
    id_ = "" if vendors == VENDORS else company.only("order")["id"]
    with pytest.raises(MappingError, match=said):
        company.take(Decision(TENANT, "send", AT, order=id_))
