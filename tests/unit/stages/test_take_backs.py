"""What an order's source takes back, with the accounts connected or not, and what they did not hear of meanwhile."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connectors.errors import MappingError
from connectors.kafka.records import Command, Decision
from tests.unit.stages.kit import AT, TENANT, Company
from tests.unit.stages.shop import VENDORS, kinds, order, refund, tell

Told = tuple[Any, ...]
"""A record, its type and whether it is gone."""


def hear(company: Company, version: str, record: Any, kind: str = "order", gone: bool = False) -> list[Command]:
    """Let the shop tell of something, be it that it is gone."""
    found = company.record("woocommerce", kind, record, version, deleted=gone)
    return [c for c in found if c.operation != "FETCH"]


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
    id_ = "nobody" if vendors == VENDORS else company.only("order")["id"]
    with pytest.raises(MappingError, match=said):
        company.take(Decision(TENANT, "send", AT, order=id_))


UNPAID = order(date_paid_gmt=None)
GIVEN = refund("5.00")
MEANWHILE: Mapping[str, tuple[Sequence[Told], Sequence[Told], Sequence[str]]] = {
    "cancelled": ([(order(),)], [(order("cancelled"),)], ["VOID SalesReceipt"]),
    "cancelled with a payment": (
        [(UNPAID,), (order("completed"),)],
        [(order("cancelled", date_paid_gmt=None),)],
        ["VOID Payment", "VOID Invoice"],
    ),
    "gone": ([(order(),)], [({"id": 7}, "order", True)], ["VOID SalesReceipt"]),
    "cancelled and credited": (
        [(UNPAID,), (GIVEN, "refund")],
        [(order("cancelled", date_paid_gmt=None),)],
        ["VOID Invoice", "VOID CreditMemo"],
    ),
    "payment": ([(UNPAID,), (order("completed"),)], [(UNPAID,)], ["VOID Payment"]),
    "payment, and back": ([(UNPAID,), (order("completed"),)], [(UNPAID,), (order("completed"),)], []),
    "refund": ([(order(),), (GIVEN, "refund")], [({"id": 70}, "refund", True)], ["VOID RefundReceipt"]),
    "a refund that kept the document": (
        [(order(),), (GIVEN, "refund"), (order("cancelled"),)],
        [({"id": 70}, "refund", True)],
        ["VOID RefundReceipt", "VOID SalesReceipt"],
    ),
    "not paid any more": ([(order(),)], [(UNPAID,)], ["VOID SalesReceipt", "PUT Invoice"]),
    "cancelled and agreed anew": ([(order(),)], [(order("cancelled"),), (order(),)], []),
    "given back": ([(order(),)], [(GIVEN, "refund")], ["PUT RefundReceipt"]),
    "given back, then cancelled": ([(order(),)], [(GIVEN, "refund"), (order("cancelled"),)], ["PUT RefundReceipt"]),
    "another sum": (
        [(order(),)],
        [(order(shipping_total="6.00", total="18.40"),)],
        ["PUT SalesReceipt"],
    ),
    "never booked": ([(order("on-hold", date_paid_gmt=None),)], [(order("cancelled"),)], []),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_what_the_accounts_did_not_hear_of_is_made_up_for_once(company: Company, what: str) -> None:
    """A person says so, as of what was agreed meanwhile; what was told again since is not taken back."""
    before, meanwhile, made_up = MEANWHILE[what]
    company.connect(*VENDORS)
    for number, told in enumerate(before):
        hear(company, f"1{number}", *told)
    company.connect("woocommerce", revision=2)
    assert [c for number, told in enumerate(meanwhile) for c in hear(company, f"2{number}", *told)] == []
    assert company.connect(*VENDORS, revision=3) == []
    asked = company.take(Decision(TENANT, "send", AT))
    assert kinds(asked) == made_up
    assert company.take(Decision(TENANT, "send", AT)) == []
    # It is as if they had been connected all the time: the next word of the shop finds nothing to do.
    assert hear(company, "30", *meanwhile[-1]) == []


@pytest.mark.parametrize("first", ["command", "word"])
def test_what_is_owed_is_void_with_the_next_word_as_well(company: Company, first: str) -> None:
    """The shop tells of a cancelled order anew, before the command or after it: one void."""
    company.connect(*VENDORS)
    tell(company, UNPAID, "1")
    tell(company, order("completed"), "2")
    company.connect("woocommerce", revision=2)
    tell(company, UNPAID, "3")
    company.connect(*VENDORS, revision=3)
    asked = company.take(Decision(TENANT, "send", AT)) if first == "command" else []
    asked += tell(company, order("cancelled", date_paid_gmt=None), "4")
    asked += company.take(Decision(TENANT, "send", AT))
    assert sorted(kinds(asked)) == ["VOID Invoice", "VOID Payment"]
