"""Orders that wait for a person, and documents that the accounts total otherwise."""

from collections.abc import Mapping
from typing import Any

import pytest

from connectors.kafka.records import Decision
from tests.unit.stages.kit import AT, TENANT, Company, body, envelope, of, version
from tests.unit.stages.shop import VENDORS, document, kinds, order, refund, reviews, tell


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


EMPTY: dict[str, Any] = {"line_items": [], "fee_lines": [], "shipping_total": "0", "total_tax": "0"}


def test_an_order_without_positions_waits(company: Company) -> None:
    """The accounts refuse a document without any; nothing is asked of them."""
    company.connect(*VENDORS)
    assert tell(company, order(**EMPTY, discount_total="0", total="0"), "1") == []
    [question] = reviews(company)
    assert question.reason.startswith("it has no positions")


def test_more_given_back_than_sold_is_asked_about(company: Company) -> None:
    """It is booked as the shop says; the question names the difference and goes with the refund."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    tell(company, refund("10.00"), "1", "refund")
    assert reviews(company) == []
    assert kinds(tell(company, refund("10.00", 71), "1", "refund")) == ["PUT RefundReceipt"]
    [question] = reviews(company)
    assert question.reason == "20 USD was given back, by 2.6 more than the order came to"
    tell(company, order(customer_note="so be it"), "2")
    assert [item.open for item in reviews(company)] == [True]
    company.record("woocommerce", "refund", {"id": 71}, "2", deleted=True)
    assert [item.open for item in reviews(company)] == [True, False]


def test_the_question_about_what_was_given_back_goes_with_its_episode(company: Company) -> None:
    """An order that is agreed anew is asked about anew, and nothing is left open once that is answered."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    tell(company, refund("20.00"), "1", "refund")
    tell(company, order(date_paid_gmt=None), "2")
    company.record("woocommerce", "refund", {"id": 70}, "2", deleted=True)
    told = [(item.id, item.open) for item in reviews(company)]
    (first, _), *_, (last, _) = told
    assert told == [(first, True), (first, False), (last, True), (last, False)]


def test_what_waited_is_asked_about_again_where_another_currency_was_first(company: Company) -> None:
    """Both were agreed before the accounts had the customer: one currency is the customer's, the other waits on."""
    company.connect(*VENDORS)
    tell(company, order(currency="EUR", total="17.41"), "1")
    tell(company, {**order(currency="GBP", total="17.42"), "id": 8}, "1")
    asked = [kinds(company.take(Decision(TENANT, "accept", AT, review=item.id))) for item in reviews(company)]
    assert asked == [["PUT Customer", "PUT SalesReceipt"], []]
    last = reviews(company)[-1]
    assert last.open
    assert last.reason.endswith("the accounts keep this customer in EUR and take no document in GBP for it")
    assert kinds(company.take(Decision(TENANT, "accept", AT, review=last.id))) == ["PUT SalesReceipt"]


@pytest.mark.parametrize("paid", [True, False])
def test_what_is_given_back_for_a_free_order_is_asked_about(company: Company, paid: bool) -> None:
    """Its tax is no share of nothing: a voucher or goodwill is booked without, and a person is asked."""
    company.connect(*VENDORS)
    unpaid: dict[str, Any] = {} if paid else {"date_paid_gmt": None}
    free = order(total="0.00", discount_total="18.40", **unpaid)
    tell(company, free, "1")
    given = tell(company, refund("5.00"), "1", "refund")
    assert kinds(given) == ["PUT RefundReceipt" if paid else "PUT CreditMemo"]
    sent = body(given[0])
    assert (sent["TxnTaxDetail"]["TotalTax"], [line["Amount"] for line in sent["Line"]]) == (0, [5])
    assert [item.reason for item in reviews(company)] == ["5 USD was given back, by 5 more than the order came to"]
