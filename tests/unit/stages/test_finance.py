"""A customer's figures: what each document adds, in any order, over replays, merges and days."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import MappingError
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import ConnectionChanged, Decision, Tick
from streams.stages import telling
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.stages.kit import (
    AT,
    CONTACT,
    TENANT,
    Company,
    at,
    body,
    envelope,
    of,
    opportunity,
    snapshot,
    stored,
    version,
)

ACME = {"DisplayName": "Acme, Inc.", "CompanyName": "Acme, Inc.", "Active": True}


def document(kind: str, id_: str, token: int = 1, **more: Any) -> dict[str, Any]:
    """Return a document of customer 58 over 100.00 US dollars, as QuickBooks stores it."""
    own: dict[str, dict[str, Any]] = {
        "Invoice": {"Balance": 100, "DueDate": "2026-03-30", "DocNumber": id_},
        "SalesReceipt": {"Balance": 0, "DocNumber": id_},
        "CreditMemo": {"Balance": 100, "RemainingCredit": 100},
        "RefundReceipt": {"Balance": 0},
        "Payment": {"UnappliedAmt": 0, "Line": []},
    }
    about = {"TotalAmt": 100, "TxnDate": "2026-02-28", "CustomerRef": {"value": "58"}, "CurrencyRef": {"value": "USD"}}
    return {**envelope(id_, token), **about, **own[kind], **more}


def applied(amount: float, kind: str, id_: str) -> dict[str, Any]:
    """Return a payment's line."""
    return {"Amount": amount, "LinkedTxn": [{"TxnId": id_, "TxnType": kind}]}


def take(company: Company, kind: str, stated: dict[str, Any], **more: Any) -> None:
    """Take in an object of QuickBooks in the version that it states."""
    company.record("quickbooks", kind, stated, version(int(stated["SyncToken"])), **more)


def figures(company: Company, name: str = "Acme, Inc.") -> dict[str, Any]:
    """Return a customer's figures."""
    return dict(company.party(name)["finance"] or {})


@pytest.fixture
def books(company: Company) -> Company:
    """A tenant whose customer 58 is known, on 1 March."""
    company.connect()
    take(company, "Customer", {**envelope("58", 1), **ACME})
    company.take(Tick(TENANT, date(2026, 3, 1), AT))
    return company


FOREIGN = {"CurrencyRef": {"value": "EUR"}}
EVERY_DOCUMENT: Sequence[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Invoice", {}, {"open_balance": 100, "invoice_count": 1, "last_invoice_number": "7"}),
    ("Invoice", {"Balance": 40}, {"open_balance": 40, "invoice_count": 1, "last_invoice_number": "7"}),
    ("Invoice", {"TotalAmt": 0, "Balance": 0, "PrivateNote": "Voided - x"}, {}),
    (
        "Invoice",
        {"DueDate": "2026-02-28"},
        {
            "open_balance": 100, "overdue_amount": 100, "overdue_since": date(2026, 2, 28), "invoice_count": 1,
            "last_invoice_number": "7",
        },
    ),
    ("Invoice", {"DueDate": "2026-03-01"}, {"open_balance": 100, "invoice_count": 1, "last_invoice_number": "7"}),
    (
        "Payment",
        {"UnappliedAmt": 30},
        {
            "lifetime_value": 100, "credit_balance": 30, "last_payment_on": date(2026, 2, 28),
            "last_payment_amount": 100,
        },
    ),
    ("Payment", {"TotalAmt": 0, "Line": [applied(25, "Invoice", "1"), applied(25, "CreditMemo", "2")]}, {}),
    (
        "SalesReceipt",
        {},
        {
            "lifetime_value": 100, "invoice_count": 1, "last_invoice_number": "7",
            "last_payment_on": date(2026, 2, 28), "last_payment_amount": 100,
        },
    ),
    ("CreditMemo", {"RemainingCredit": 15}, {"credit_balance": 15}),
    ("CreditMemo", {"TotalAmt": 0, "RemainingCredit": 0, "PrivateNote": "Voided"}, {}),
    ("RefundReceipt", {}, {"lifetime_value": -100, "refunded": 100}),
    (
        "Invoice",
        {**FOREIGN, "ExchangeRate": 1.1, "HomeTotalAmt": 110.5, "HomeBalance": 55.25, "Balance": 50},
        {"open_balance": Decimal("55.25"), "invoice_count": 1, "last_invoice_number": "7"},
    ),
    (
        "Payment",
        {**FOREIGN, "ExchangeRate": 1.08435, "UnappliedAmt": 10},
        {
            "lifetime_value": Decimal("108.44"), "credit_balance": Decimal("10.84"),
            "last_payment_on": date(2026, 2, 28), "last_payment_amount": Decimal("108.44"),
        },
    ),
    ("Invoice", FOREIGN, {"invoice_count": 1, "unconverted_count": 1, "last_invoice_number": "7"}),
    ("Payment", FOREIGN, {"unconverted_count": 1}),
]  # fmt: skip
NOTHING: dict[str, Any] = {
    "currency": "USD", "lifetime_value": 0, "open_balance": 0, "credit_balance": 0, "refunded": 0,
    "invoice_count": 0, "order_count": 0, "unconverted_count": 0, "last_payment_on": None,
    "last_payment_amount": None, "last_invoice_number": None, "overdue_amount": 0, "overdue_since": None,
    "subscription_status": None, "subscription_plan": None, "monthly_recurring": None,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "more", "added"), EVERY_DOCUMENT)
def test_what_a_document_adds(books: Company, kind: str, more: dict[str, Any], added: dict[str, Any]) -> None:
    """Each kind of document counts where it should and nowhere else; deleted, it counts nowhere."""
    take(books, "SalesReceipt", document("SalesReceipt", "1", TotalAmt=0, TxnDate="2020-01-01"))
    empty = {**NOTHING, "invoice_count": 1, "last_invoice_number": "1", "last_payment_on": date(2020, 1, 1)}
    empty["last_payment_amount"] = 0
    assert figures(books) == empty
    take(books, kind, document(kind, "7", **more))
    assert figures(books) == empty | added | {"invoice_count": 1 + added.get("invoice_count", 0)}
    take(books, kind, document(kind, "7", 2, **more), deleted=True)
    assert figures(books) == empty


DOCUMENTS: Sequence[tuple[str, dict[str, Any]]] = [
    ("Invoice", document("Invoice", "1", 1)),
    ("Invoice", document("Invoice", "1", 4, Balance=20)),
    ("Invoice", document("Invoice", "1", 6, Balance=0)),
    ("Payment", document("Payment", "2", 2, TotalAmt=80, Line=[applied(80, "Invoice", "1")])),
    ("Payment", document("Payment", "2", 5, TotalAmt=95, UnappliedAmt=15, Line=[applied(80, "Invoice", "1")])),
    ("CreditMemo", document("CreditMemo", "3", 2)),
    ("CreditMemo", document("CreditMemo", "3", 3, RemainingCredit=80, Balance=80)),
    ("Payment", document("Payment", "4", 3, TotalAmt=0, Line=[applied(20, "Invoice", "1")])),
    ("Invoice", document("Invoice", "5", 1, DueDate="2026-01-31")),
    ("Invoice", document("Invoice", "6", 1, TotalAmt=7, Balance=7)),
    ("Invoice", document("Invoice", "6", 2, TotalAmt=0, Balance=0, PrivateNote="Voided")),
    ("RefundReceipt", document("RefundReceipt", "8", 1, TotalAmt=12.34)),
    ("SalesReceipt", document("SalesReceipt", "9", 1, **FOREIGN, ExchangeRate=0.5)),
    ("Customer", {**envelope("58", 1), **ACME}),
]


def _told(templates: Templates, arrivals: Sequence[int]) -> Company:
    company = Company(Pipeline(Codec(LocalIds()), templates))
    company.connect()
    company.take(Tick(TENANT, date(2026, 3, 1), AT))
    for index in arrivals:
        take(company, *DOCUMENTS[index])
    return company


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_documents_gives_the_same_figures(templates: Templates, data: st.DataObject) -> None:
    """Versions of documents in any order, some of them repeated, end in one state."""
    order = data.draw(st.permutations(range(len(DOCUMENTS))))
    repeated = data.draw(st.lists(st.sampled_from(range(len(DOCUMENTS))), max_size=5))
    company = _told(templates, [*order, *repeated])
    assert figures(company) == NOTHING | {
        "lifetime_value": Decimal("132.66"), "open_balance": 100, "credit_balance": 95, "refunded": Decimal("12.34"),
        "invoice_count": 3, "last_payment_on": date(2026, 2, 28), "last_payment_amount": 50,
        "last_invoice_number": "9", "overdue_amount": 100, "overdue_since": date(2026, 1, 31),
    }  # fmt: skip
    paid = [invoice for invoice in company.latest("invoice").values() if invoice and invoice["number"] == "1"]
    assert [invoice["paid_on"] for invoice in paid] == [date(2026, 2, 28)]


def test_a_payment_is_void_by_its_note_and_its_amount(books: Company) -> None:
    """Either alone is none: a payment of nothing applies a credit memo, and people write what they like."""
    alone: Sequence[dict[str, Any]] = ({"PrivateNote": "Voided - x"}, {"TotalAmt": 0})
    for token, more in enumerate(alone, 1):
        take(books, "Payment", document("Payment", "1", token, **more))
        assert books.only("payment")["status"] == "RECEIVED"
    take(books, "Payment", document("Payment", "1", 3, TotalAmt=0, PrivateNote="Voided - x"))
    assert (books.only("payment")["status"], figures(books)["lifetime_value"]) == ("VOID", 0)


def test_a_replay_changes_nothing(templates: Templates) -> None:
    """The whole log once more, days included, causes no canonical change."""
    company = _told(templates, range(len(DOCUMENTS)))
    emitted = len(company.emits)
    for value in company.taken[1:]:
        company.take(value)
    assert [emit.topic.name for emit in company.emits[emitted:] if emit.topic.name.startswith("canonical")] == []


def test_a_merge_moves_the_documents_and_a_split_gives_them_back(books: Company) -> None:
    """The survivor's figures are those of both, waiting due dates included; apart again, each has its own."""
    other = {**envelope("59", 1), **ACME, "DisplayName": "Bolt Ltd", "CompanyName": "Bolt Ltd"}
    take(books, "Customer", other)
    take(books, "Invoice", document("Invoice", "1"))
    take(books, "Invoice", document("Invoice", "2", CustomerRef={"value": "59"}, DueDate="2026-03-15"))
    acme, bolt = books.party("Acme, Inc.")["id"], books.party("Bolt Ltd")["id"]
    books.take(Decision(TENANT, "merge", AT, party=bolt, other=acme))
    assert books.latest("party")[acme]["finance"]["open_balance"] == 200
    books.take(Tick(TENANT, date(2026, 3, 16), AT))
    assert books.latest("party")[acme]["finance"]["overdue_amount"] == 100
    books.take(Decision(TENANT, "split", AT, party=bolt))
    assert books.latest("party")[acme]["finance"]["open_balance"] == 100
    assert books.latest("party")[acme]["finance"]["overdue_amount"] == 0
    assert books.latest("party")[bolt]["finance"]["overdue_amount"] == 100


def test_a_split_gives_back_what_names_a_part_of_what_is_split_off(books: Company) -> None:
    """A document names the first of a chain of merges: it goes with the one in the middle, and counts once."""
    for number in ("59", "60"):
        take(books, "Customer", {**envelope(number, 1), **ACME, "DisplayName": number, "CompanyName": f"Firm {number}"})
    take(books, "Invoice", document("Invoice", "1"))
    first, second, third = (books.party(name)["id"] for name in ("Acme, Inc.", "Firm 59", "Firm 60"))
    books.take(Decision(TENANT, "merge", AT, party=first, other=second))
    books.take(Decision(TENANT, "merge", AT, party=second, other=third))
    books.take(Decision(TENANT, "split", AT, party=second))
    take(books, "Invoice", document("Invoice", "1", 2, Balance=40))
    found = [(books.latest("party")[id_]["finance"] or NOTHING)["open_balance"] for id_ in (second, third)]
    assert found == [40, 0]


def test_documents_of_both_sides_of_a_split_are_read_anew(books: Company) -> None:
    """The accounts themselves may have given them to the other meanwhile, in no new version."""
    take(books, "Customer", {**envelope("59", 1), **ACME, "DisplayName": "Bolt Ltd", "CompanyName": "Bolt Ltd"})
    take(books, "Invoice", document("Invoice", "1"))
    take(books, "Invoice", document("Invoice", "2", CustomerRef={"value": "59"}))
    bolt = books.party("Bolt Ltd")["id"]
    books.record("quickbooks", "Customer", {}, version(2), remote_id="59", deleted=True, merged_into="58")
    fetched = {c.remote_id for c in books.take(Decision(TENANT, "split", AT, party=bolt)) if c.object == "Invoice"}
    assert fetched == {"1", "2"}
    books.record("quickbooks", "Customer", {}, version(3), remote_id="59", deleted=True)
    take(books, "Invoice", document("Invoice", "2"))
    assert figures(books)["open_balance"] == 200


def test_a_new_day_makes_open_invoices_overdue(books: Company) -> None:
    """On the day after it is due an invoice is overdue, once; paid, it is not; an earlier day changes nothing."""
    take(books, "Invoice", document("Invoice", "1", DueDate="2026-03-02"))
    take(books, "Invoice", document("Invoice", "2", DueDate="2026-03-02", Balance=0))
    for day, overdue, changed in ((2, 0, False), (3, 100, True), (3, 100, False), (2, 100, False), (5, 100, False)):
        emitted = len(books.emits)
        books.take(Tick(TENANT, date(2026, 3, day), AT))
        assert (figures(books)["overdue_amount"], len(books.emits) > emitted) == (overdue, changed)
    take(books, "Invoice", document("Invoice", "1", 2, DueDate="2026-03-02", Balance=0))
    assert (figures(books)["overdue_amount"], figures(books)["overdue_since"]) == (0, None)


def test_a_customer_that_is_back_has_its_figures(books: Company) -> None:
    """What stayed of it while it was deleted counts again at once."""
    take(books, "Invoice", document("Invoice", "1"))
    take(books, "Customer", {**envelope("58", 2), **ACME}, deleted=True)
    assert list(books.latest("party").values()) == [None]
    take(books, "Customer", {**envelope("58", 3), **ACME}, undeleted=True)
    assert figures(books)["open_balance"] == 100


def test_figures_are_reckoned_by_today_though_no_row_changed(company: Company) -> None:
    """Those of before the first day, or in another home currency, follow when one of their documents is told again."""
    company.connect()
    take(company, "Customer", {**envelope("58", 1), **ACME})
    take(company, "Invoice", document("Invoice", "1", 1))
    assert figures(company)["overdue_amount"] is None
    company.take(Tick(TENANT, date(2026, 3, 1), AT))
    take(company, "Invoice", document("Invoice", "1", 2))
    assert figures(company)["overdue_amount"] == 0
    company.take(ConnectionChanged(TENANT, 2, {"quickbooks": "1"}, "UTC", "EUR"))
    take(company, "Invoice", document("Invoice", "1", 3))
    told = figures(company)
    assert (told["currency"], told["open_balance"], told["unconverted_count"]) == ("EUR", 0, 1)


def test_a_day_of_a_tenant_that_is_not_connected_is_passed_over(company: Company) -> None:
    """It was disconnected since; there is nothing to reckon, and nothing to dead-letter."""
    assert company.take(Tick(TENANT, date(2026, 3, 1), AT)) == []


def _connected(company: Company, **salesforce: str) -> None:
    accounts = dict.fromkeys(("salesforce", "quickbooks"), "1")
    company.take(ConnectionChanged(TENANT, 1, accounts, "UTC", "USD", figures={"salesforce": salesforce}))
    account = {"Id": "001A", "SystemModstamp": "2026-03-01T10:00:00.000+0000", "Name": "Acme, Inc."}
    company.record("salesforce", "Account", account, "2026-03-01T10:00:00.000000Z")
    take(company, "Customer", {**envelope("58", 1), **ACME})


STEPS: Sequence[tuple[dict[str, str], Sequence[tuple[str, bool]]]] = [
    ({}, [("1000", True), ("1000.01", True), ("1000.01", False)]),
    ({"minimum": "50"}, [("1000", True), ("1050", False), ("1050.01", True), ("0", True), ("1", True), ("2", False)]),
    ({"percent": "10"}, [("1000", True), ("1100", False), ("900", False), ("1101", True)]),
    (
        {"minimum": "50", "percent": "10"},
        [("100", True), ("140", False), ("160", True), ("1000", True), ("1099", False)],
    ),
    # What was told last counts, not what was reckoned last: small steps add up.
    ({"minimum": "50"}, [("1000", True), ("1040", False), ("1080", True)]),
]


@pytest.mark.parametrize(("said", "steps"), STEPS)
def test_figures_are_told_when_they_moved_enough(
    company: Company, said: dict[str, str], steps: Sequence[tuple[str, bool]]
) -> None:
    """By default any change is told; beyond a threshold only what moved by more than it, or from or to nothing."""
    _connected(company, **said)
    for token, (balance, told) in enumerate(steps, 1):
        invoice = document("Invoice", "1", token, TotalAmt=float(balance) + 1, Balance=float(balance))
        commands = company.record("quickbooks", "Invoice", invoice, version(token))
        accounts = [body(c) for c in commands if (c.vendor, c.object) == ("salesforce", "Account")]
        assert [account["Sluiceway_Open_Balance__c"] for account in accounts] == ([Decimal(balance)] if told else [])
        assert figures(company)["open_balance"] == Decimal(balance)


def test_figures_go_into_the_fields_that_the_connection_names(company: Company) -> None:
    """A figure without a field is not written, one with a field is; unknown figures are refused by name."""
    _connected(company, invoice_count="Invoices__c", overdue_since="Overdue_Since__c")
    commands = company.record("quickbooks", "Invoice", document("Invoice", "1"), version(1))
    told = body(of(commands, "salesforce", "Account"))
    assert (told["Invoices__c"], told["Overdue_Since__c"]) == (1, None)
    assert not [name for name in told if name.startswith("{") or "Plan" in name]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"minimum": "lots"}, "figures.minimum: the text is not a number"),
        ({"percent": "-1"}, "figures.percent: is negative"),
        ({"profit": "Profit__c"}, "figures.profit: is no figure"),
        ({"refunded": "a field"}, "figures.refunded: 'a field' is no field's name"),
        ({"contact.refunded": "Refunded__c"}, "figures.contact.refunded: is no figure"),
    ],
)
def test_wrong_settings_are_refused_by_name(said: dict[str, str], reason: str) -> None:
    """The message names the setting of the vendor and what it must be."""
    with pytest.raises(MappingError) as caught:
        telling.parse("pardot", said)
    assert f"vendors.pardot.settings.{reason}" in str(caught.value)


def test_orders_are_counted_while_they_are_won(company: Company) -> None:
    """Alone an order makes no figures; with its invoice it is counted, reopened it is not."""
    company.connect()
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    assert company.party("Acme, Inc.")["finance"] is None
    company.result(of(commands, "quickbooks", "Customer"), "58", stored("Customer", "58"))
    company.result(of(commands, "quickbooks", "Invoice"), "145", stored("Invoice", "145"))
    assert figures(company)["order_count"] == 1
    company.record("salesforce", "Opportunity", opportunity(2, IsWon=False, IsClosed=False), at(2))
    assert figures(company)["order_count"] == 0


def test_a_payment_that_applies_a_credit_memo_reads_both_again(books: Company) -> None:
    """Neither invoice nor credit memo tells that it was used."""
    payment = document("Payment", "4", TotalAmt=0, Line=[applied(25, "Invoice", "1"), applied(25, "CreditMemo", "2")])
    commands = books.record("quickbooks", "Payment", payment, version(1))
    assert {(c.operation, c.object, c.remote_id) for c in commands} >= {
        ("FETCH", "Invoice", "1"),
        ("FETCH", "CreditMemo", "2"),
    }


def test_the_contact_that_is_the_customer_gets_the_figures_that_the_connection_names_for_it(company: Company) -> None:
    """Fields for contacts are named on their own; without any nothing is written, whatever accounts get."""
    vendors = dict.fromkeys(("salesforce", "quickbooks"), "1")
    names = {"DisplayName": "Ann Lee", "GivenName": "Ann", "FamilyName": "Lee", "Active": True}
    told: list[tuple[str, str | None, Any]] = []
    for number, said in (("1", {"invoice_count": "Invoices__c"}), ("2", {"contact.open_balance": "Open__c"})):
        company.take(ConnectionChanged(TENANT, int(number), vendors, "UTC", "USD", figures={"salesforce": said}))
        company.record("salesforce", "Contact", CONTACT, at(0))
        take(company, "Customer", {**envelope("58", 1), **names, "PrimaryEmailAddr": {"Address": CONTACT["Email"]}})
        commands = company.record("quickbooks", "Invoice", document("Invoice", number), version(1))
        told += [(c.object, c.remote_id, body(c)) for c in commands if c.vendor == "salesforce"]
    assert told == [("Contact", CONTACT["Id"], {"Open__c": Decimal(200)})]
