"""Orders that change under an invoice on which something was paid."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.kafka.records import Command, Decision, ReviewItem
from tests.unit.stages.kit import AT, LINES, TENANT, Company, asked, at, body, envelope, of, snapshot, stored, version
from tests.unit.stages.shop import VENDORS, document, kinds, order, refund, reviews, tell

UNPAID: Mapping[str, Any] = {"date_paid_gmt": None}
MORE: Mapping[str, Any] = {**UNPAID, "shipping_total": "6.00", "total": "18.40"}
"""The same order with dearer shipping."""
MUG: Mapping[str, Any] = order()["line_items"][0]
SWAPPED: Mapping[str, Any] = {**UNPAID, "line_items": [{**MUG, "id": 3, "name": "Cup"}]}


def invoiced(company: Company, balance: str, token: int = 1) -> None:
    """Let an order be invoiced, and the accounts tell what is open of it."""
    company.connect(*VENDORS)
    invoice = of(tell(company, order(**UNPAID), "1"), "quickbooks", "Invoice")
    company.result(invoice, "9", {**document(invoice, "9", 17.4), "Balance": 17.4})
    opened(company, balance, token)


def opened(company: Company, balance: str, token: int, total: str = "17.40") -> None:
    """Let the accounts tell what is open of the invoice."""
    own = {"TotalAmt": float(total), "Balance": float(balance), "TxnDate": "2026-02-28", "PrivateNote": "Order 7"}
    stored = {**envelope("9", token), **own, "CustomerRef": {"value": "58"}, "CurrencyRef": {"value": "USD"}}
    company.record("quickbooks", "Invoice", stored, version(token))


def answer(company: Company, verdict: str, question: ReviewItem) -> list[Command]:
    """Let a person decide."""
    return company.take(Decision(TENANT, verdict, AT, review=question.id))


@pytest.mark.parametrize(
    ("balance", "change", "waits"),
    [
        ("17.40", MORE, False),
        ("17.39", MORE, True),
        ("0.00", MORE, True),
        ("0.00", SWAPPED, True),
        ("0.00", {**UNPAID, "line_items": [{**MUG, "quantity": 2}]}, True),
        ("0.00", {**UNPAID, "line_items": [{**MUG, "name": "Big mug", "sku": "MUG-2"}]}, False),
        ("0.00", {**UNPAID, "number": "7a"}, False),
        ("0.00", {"status": "completed"}, False),
    ],
)
def test_only_what_changes_a_paid_invoice_waits(
    company: Company, balance: str, change: Mapping[str, Any], waits: bool
) -> None:
    """What it comes to and of what, not how it is called; as long as nothing was paid it simply follows."""
    invoiced(company, balance)
    commands = tell(company, order(**change), "2")
    assert all(question.reason.startswith("something was paid on its invoice") for question in reviews(company))
    assert (len(reviews(company)), company.only("order")["hold"]) == (int(waits), waits)
    assert ("PUT Invoice" in kinds(commands)) is (not waits and "status" not in change)


def test_an_amendment_goes_on_once_a_person_accepts_it(company: Company) -> None:
    """The question says from what to what; what was accepted is not asked again, the way back is another question."""
    invoiced(company, "0.00")
    assert tell(company, order(**MORE), "2") == []
    [question] = reviews(company)
    assert "would come to 18.4 USD instead of 17.4 USD" in question.reason
    assert tell(company, order(**MORE, customer_note="again"), "3") == []
    assert len(reviews(company)) == 1
    [amended] = answer(company, "accept", question)
    assert (amended.object, body(amended)["Line"][-2]["Amount"]) == ("Invoice", 6)
    assert tell(company, order(**MORE, number="7a"), "4")[0].object == "Invoice"
    assert tell(company, order(**UNPAID), "5") == []
    assert [item.open for item in reviews(company)] == [True, False, True]


def test_what_was_accepted_with_an_amendment_is_not_asked_about_alone(company: Company) -> None:
    """The invoice has followed; that the amounts do not come to the total was in the same question."""
    invoiced(company, "0.00")
    off = {**UNPAID, "shipping_total": "6.00"}
    tell(company, order(**off), "2")
    [question] = reviews(company)
    assert kinds(answer(company, "accept", question)) == ["PUT Invoice"]
    assert kinds(tell(company, order(**off, number="7a"), "3")) == ["PUT Invoice"]
    assert [item.open for item in reviews(company)] == [True, False]


def test_the_books_stay_as_they_are_if_a_person_rejects_it(company: Company) -> None:
    """Whatever else is told of the order meanwhile; another amendment is another question."""
    invoiced(company, "0.00")
    tell(company, order(**MORE), "2")
    assert answer(company, "reject", reviews(company)[0]) == []
    assert tell(company, order(**MORE, number="7a"), "3") == []
    assert len(reviews(company)) == 2
    assert tell(company, order(**{**MORE, "shipping_total": "7.00", "total": "19.40"}), "4") == []
    [*_, question] = reviews(company)
    assert (question.open, "19.4 USD instead of 17.4 USD" in question.reason) == (True, True)


def test_an_amendment_that_is_taken_back_is_no_question_any_more(company: Company) -> None:
    """The order is again what the invoice says: nothing is asked of the accounts."""
    invoiced(company, "0.00")
    tell(company, order(**MORE), "2")
    assert tell(company, order(**UNPAID), "3") == []
    assert [item.open for item in reviews(company)] == [True, False]
    assert company.only("order")["hold"] is False


@pytest.mark.parametrize("verdict", [None, "reject"])
def test_what_is_paid_and_given_back_is_booked_while_an_amendment_waits(company: Company, verdict: str | None) -> None:
    """Money moved, whatever becomes of the positions."""
    invoiced(company, "7.40")
    tell(company, order(**MORE), "2")
    if verdict:
        answer(company, verdict, reviews(company)[0])
    assert kinds(tell(company, order(**{**MORE, "date_paid_gmt": "2026-03-02T10:00:00"}), "3")) == ["PUT Payment"]
    assert kinds(tell(company, refund("5.00"), "1", "refund")) == ["PUT RefundReceipt"]


def test_what_waited_for_another_reason_is_no_way_around(company: Company) -> None:
    """Changed and held before anything was paid, corrected after: compared is what the invoice has."""
    invoiced(company, "17.40")
    tell(company, order(**{**MORE, "total": "18.41"}), "2")
    opened(company, "0.00", 2)
    assert tell(company, order(**MORE), "3") == []
    [*_, question] = reviews(company)
    assert (question.open, "18.4 USD instead of 17.4 USD" in question.reason) == (True, True)


def test_what_was_given_back_stays_as_it_is_booked_while_an_amendment_waits(company: Company) -> None:
    """Its share of the order's tax is another now, which counts once the invoice has it."""
    invoiced(company, "7.40")
    assert kinds(tell(company, refund("5.00"), "1", "refund")) == ["PUT CreditMemo"]
    assert tell(company, order(**MORE), "2") == []
    assert kinds(answer(company, "accept", reviews(company)[0])) == ["PUT Invoice", "PUT CreditMemo"]


def test_what_was_given_back_for_an_order_that_waited_is_booked_once_it_is_cancelled(company: Company) -> None:
    """Its question is closed by that, whatever it was about, and what was received stays in the books."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    off = {"total": "17.41"}
    assert tell(company, order(**off), "2") == []
    assert tell(company, refund("5.00"), "1", "refund") == []
    assert kinds(tell(company, order("cancelled", **off), "3")) == ["PUT RefundReceipt"]
    assert kinds(tell(company, refund("2.00", 71), "1", "refund")) == ["PUT RefundReceipt"]
    assert [item.open for item in reviews(company)] == [True, False]


@pytest.mark.parametrize(
    ("shipping", "total", "first"),
    [("4.00", "16.40", ["PUT Payment", "PUT Invoice"]), ("6.00", "18.40", ["PUT Invoice", "PUT Payment"])],
)
def test_what_is_applied_falls_before_its_invoice_and_rises_after_it(
    company: Company, shipping: str, total: str, first: Sequence[str]
) -> None:
    """QuickBooks refuses to apply more than an invoice comes to."""
    paid = {"date_paid_gmt": "2026-03-02T10:00:00"}
    invoiced(company, "17.40")
    assert kinds(tell(company, order(**paid), "2")) == ["PUT Payment"]
    opened(company, "0.00", 2)
    assert tell(company, order(**paid, shipping_total=shipping, total=total), "3") == []
    assert kinds(answer(company, "accept", reviews(company)[0])) == first


def test_no_more_is_applied_than_the_invoice_has_while_an_amendment_waits(company: Company) -> None:
    """What was paid beyond it is applied once the invoice has risen."""
    invoiced(company, "7.40")
    tell(company, order(**MORE), "2")
    [payment] = tell(company, order(**{**MORE, "date_paid_gmt": "2026-03-02T10:00:00"}), "3")
    assert (body(payment)["TotalAmt"], body(payment)["Line"][0]["Amount"]) == (Decimal("18.4"), Decimal("17.4"))
    risen = answer(company, "accept", reviews(company)[0])
    assert (kinds(risen), body(risen[1])["Line"][0]["Amount"]) == (["PUT Invoice", "PUT Payment"], Decimal("18.4"))


@pytest.mark.parametrize(("reckons", "applied"), [(None, "17.4"), (17.4, "17.4"), (17.35, "17.35")])
def test_no_more_is_applied_than_the_accounts_reckon(company: Company, reckons: float | None, applied: str) -> None:
    """A cent that somebody accepted, or another tax, is the customer's; the accounts may not have answered yet."""
    company.connect(*VENDORS)
    off = {"total": "17.41"}
    tell(company, order(**UNPAID, **off), "1")
    invoice = of(answer(company, "accept", reviews(company)[0]), "quickbooks", "Invoice")
    if reckons is not None:
        company.result(invoice, "9", {**document(invoice, "9", reckons), "Balance": reckons})
    payment = body(tell(company, order(**off), "2")[-1])
    assert (payment["TotalAmt"], payment["Line"][0]["Amount"]) == (Decimal("17.41"), Decimal(applied))


def test_what_is_applied_falls_first_though_the_accounts_have_not_answered(company: Company) -> None:
    """Invoice and payment may be there already; of several changes the last that was asked for counts."""
    paid = {"date_paid_gmt": "2026-03-02T10:00:00"}
    company.connect(*VENDORS)
    tell(company, order(**UNPAID), "1")
    assert kinds(tell(company, order(**paid), "2")) == ["PUT Payment"]
    less, more = ({"shipping_total": f"{s}.00", "total": f"{s + 12}.40"} for s in (3, 4))
    assert kinds(tell(company, order(**paid, **less), "3")) == ["PUT Payment", "PUT Invoice"]
    assert kinds(tell(company, order(**paid, **more), "4")) == ["PUT Invoice", "PUT Payment"]


def test_what_fell_before_it_was_agreed_is_invoiced_before_it_is_paid(company: Company) -> None:
    """There is no invoice to fall: none was asked for."""
    rules = "rules: [{name: invoices, when: 'true', then: {document: INVOICE}}]"
    company.connect(*VENDORS, rules=rules)
    assert tell(company, order("pending", **MORE), "1") == []
    assert kinds(tell(company, order(), "2")) == ["PUT Customer", "PUT Invoice", "PUT Payment"]


def test_what_is_applied_falls_first_to_what_the_positions_come_to(company: Company) -> None:
    """Whatever the source says of the total, where a person let that go."""
    paid = {"date_paid_gmt": "2026-03-02T10:00:00"}
    invoiced(company, "17.40")
    assert kinds(tell(company, order(**paid), "2")) == ["PUT Payment"]
    opened(company, "0.00", 2)
    assert tell(company, order(**paid, shipping_total="4.00"), "3") == []
    fallen = answer(company, "accept", reviews(company)[0])
    assert (kinds(fallen), body(fallen[0])["Line"][0]["Amount"]) == (["PUT Payment", "PUT Invoice"], Decimal("16.4"))


def test_an_order_that_was_open_and_is_paid_has_no_invoice_to_be_less_than(company: Company) -> None:
    """What it comes to is not known before it is agreed."""
    company.connect(*VENDORS)
    assert tell(company, order(**UNPAID, status="pending"), "1") == []
    assert "PUT SalesReceipt" in kinds(tell(company, order(date_paid_gmt="2026-03-02T10:00:00"), "2"))


def test_what_was_given_back_for_a_cancelled_order_is_never_booked_for_an_unknown_customer(company: Company) -> None:
    """Its document stays, and its customer may become another: who that is comes first."""
    company.connect(*VENDORS)
    tell(company, order(), "1")
    tell(company, refund("5.00"), "1", "refund")
    assert tell(company, order("cancelled"), "2") == []
    other = {**order()["billing"], "first_name": "Bea", "email": "bea@buyer.example"}
    assert kinds(tell(company, order("cancelled", billing=other), "3")) == ["PUT Customer", "PUT RefundReceipt"]


STATES: Sequence[Mapping[str, Any]] = (UNPAID, MORE, SWAPPED)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(0, 2)),
        st.tuples(st.just("open"), st.sampled_from([0, 1])),
        st.tuples(st.sampled_from(["accept", "reject"]), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_paid_invoice_changes_unless_that_was_accepted(company: Company, steps: Sequence[tuple[str, int]]) -> None:
    """In whatever order things come: one open question at most, none twice, and a repeated word asks for nothing."""
    one = Company(company.pipeline)
    _run(one, steps)
    again = Company(company.pipeline)
    for value in one.taken:
        again.take(value)
    assert [emit.value for emit in again.emits] == [emit.value for emit in one.emits]


def _run(company: Company, steps: Sequence[tuple[str, int]]) -> None:
    invoiced(company, "17.40")
    booked, told, is_paid, accepted = 0, 0, False, set[tuple[int, int]]()
    for number, (step, which) in enumerate(steps, 2):
        commands: list[Command] = []
        if step == "open":
            is_paid = which == 0
            opened(company, "0.00" if is_paid else "17.40", number)
        elif step == "tell":
            told = which
            commands = tell(company, order(**STATES[told]), f"2{number:02}")
        elif _open(company):
            accepted |= {(booked, told)} if step == "accept" else set()
            commands = answer(company, step, next(item for item in reviews(company) if item.id in _open(company)))
        if "PUT Invoice" in kinds(commands):
            assert not is_paid or (booked, told) in accepted
            booked = told
        if step == "tell":
            assert tell(company, order(**STATES[told]), f"2{number:02}a") == []
        assert len(_open(company)) <= 1
        assert company.only("order")["hold"] or booked == told
    decided = [item.id for item in reviews(company) if item.reason in ("accepted", "rejected")]
    assert len(decided) == len(set(decided))


def _open(company: Company) -> set[str]:
    return {id_ for id_, is_open in {item.id: item.open for item in reviews(company)}.items() if is_open}


def test_a_won_opportunity_that_changes_after_it_was_paid_waits(company: Company) -> None:
    """Wherever it was agreed; another description, or a product's new name, moves no money."""
    company.connect()
    sold = company.record("salesforce", "OpportunitySnapshot", snapshot(1), at(1), remote_id="006A")
    company.result(of(sold, "quickbooks", "Invoice"), "145", stored("Invoice", "145"))
    company.record("quickbooks", "Invoice", stored("Invoice", "145", 2, Balance=0), version(2))
    worded = {**snapshot(3), "Lines": [{**LINES[0], "Description": "Blue"}, LINES[1]]}
    assert ("PUT", "Invoice") in asked(
        company.record("salesforce", "OpportunitySnapshot", worded, at(3), remote_id="006A")
    )
    dearer = {**snapshot(4), "Lines": [{**LINES[0], "UnitPrice": 600}, LINES[1]]}
    assert asked(company.record("salesforce", "OpportunitySnapshot", dearer, at(4), remote_id="006A")) == []
    [question] = reviews(company)
    assert "would come to 1450 USD instead of 1250.5 USD" in question.reason
    assert asked(answer(company, "accept", question)) == [("PUT", "Invoice")]
