"""Business rules: tried in order, checked before they hold."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from connectors.errors import MappingError
from connectors.kafka.records import ReviewItem
from connectors.kafka.topics import REVIEW
from streams.stages.mapping import TemplateError
from streams.stages.merge import fresh
from streams.stages.rules import check_rules, judge, parse_rules
from tests.unit.stages.kit import LINES, TENANT, Company, at, body, of, snapshot

ORDER = {**fresh("order", TENANT, "1"), "total": Decimal("1250.50"), "lead_source": "Web"}


def test_all_rules_that_fit_apply_in_order() -> None:
    """A later rule overrides what an earlier one set; the names tell which applied."""
    rules = parse_rules(
        """
        defaults: {terms: Net 30, item: Services, department: Berlin}
        rules:
          - {name: big, when: order.total > 1000, then: {discount_percent: 5, memo: Thanks}}
          - {name: huge, when: order.total > 100000, then: {hold: true}}
          - {name: web, when: order.lead_source == 'Web', then: {class_name: Web, discount_percent: 7.5}}
        """
    )
    verdict = judge(rules, ORDER, None, None)
    assert verdict.fields["applied_rules"] == ["big", "web"]
    assert verdict.fields["discount_percent"] == Decimal("7.5")
    assert (verdict.fields["terms"], verdict.fields["department"]) == ("Net 30", "Berlin")
    assert (verdict.fields["memo"], verdict.fields["class_name"], verdict.fields["hold"]) == ("Thanks", "Web", False)
    assert rules.defaults.values == {"item": "Services"}


def test_a_rule_that_no_longer_fits_leaves_nothing_behind(company: Company) -> None:
    """Rules judge each snapshot anew, with the rules that hold then."""
    company.connect(rules="rules: [{name: big, when: order.total > 1000, then: {discount_percent: 5}}]")
    company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    assert company.only("order")["discount_percent"] == 5
    company.connect(revision=2)
    company.record("salesforce", "OpportunitySnapshot", snapshot(2), at(2), remote_id="006A")
    assert (company.only("order")["discount_percent"], company.only("order")["applied_rules"]) == (None, [])


@pytest.mark.parametrize(
    ("effect", "path", "written"),
    [
        ("discount_percent: 5", ["Line", 2, "DiscountLineDetail", "DiscountPercent"], 5),
        ("class_name: Web", ["ClassRef", "value", "$lookup", "name"], "Web"),
        ("class_name: Web", ["Line", 0, "SalesItemLineDetail", "ClassRef", "value", "$lookup", "name"], "Web"),
        ("department: Berlin", ["DepartmentRef", "value", "$lookup", "name"], "Berlin"),
        ("terms: Net 15", ["SalesTermRef", "value", "$lookup", "name"], "Net 15"),
        ("tax_code: TAX", ["Line", 0, "SalesItemLineDetail", "TaxCodeRef", "value", "$lookup", "name"], "TAX"),
        ("item: Consulting", ["Line", 1, "SalesItemLineDetail", "ItemRef", "value", "$lookup", "name"], "Consulting"),
        ("memo: Thanks", ["CustomerMemo", "value"], "Thanks"),
    ],
)
def test_an_effect_is_seen_in_the_document(
    company: Company, effect: str, path: Sequence[str | int], written: object
) -> None:
    """What a rule decides stands where the accounts have it; the rule's name stands in the order."""
    company.connect(rules=f"rules: [{{name: it, when: 'true', then: {{{effect}}}}}]")
    lines = [LINES[0], {**LINES[1], "Product2Id": None, "Product2": None}]
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(Lines=lines), at(1), remote_id="006A")
    found = body(of(commands, "quickbooks", "Invoice"))
    for step in path:
        found = found[step]
    assert found == written
    assert company.only("order")["applied_rules"] == ["it"]


@pytest.mark.parametrize(
    ("effect", "asked", "questions"),
    [
        ("document: SALES_RECEIPT", ["Customer", "Item", "Item", "SalesReceipt"], []),
        ("document: SALES_RECEIPT, payment_method: Visa", ["Customer", "Item", "Item", "SalesReceipt"], []),
        ("skip: true", [], []),
        ("hold: true", [], ["held by rule it"]),
        ("hold: true, assigned_to: Joan", [], ["held by rule it (for Joan)"]),
        ("hold: true, skip: true", [], []),
    ],
)
def test_an_effect_decides_what_is_sent(company: Company, effect: str, asked: list[str], questions: list[str]) -> None:
    """The kind of document, nothing at all, or a question to whom the order is assigned."""
    company.connect(rules=f"rules: [{{name: it, when: 'true', then: {{{effect}}}}}]")
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    assert [command.object for command in commands] == asked
    asking = [emit.value for emit in company.emits if emit.topic is REVIEW]
    assert [item.reason for item in asking if isinstance(item, ReviewItem) and item.kind == "hold"] == questions
    if "Visa" in effect:
        method = body(of(commands, "quickbooks", "SalesReceipt"))["PaymentMethodRef"]
        assert method == {"value": {"$lookup": {"name": "Visa", "object": "PaymentMethod"}}}


def test_rules_read_customer_and_contact() -> None:
    """Absent parties read as empty fields."""
    rules = parse_rules("rules: [{name: shop, when: customer.industry == 'Retail', then: {class_name: Shop}}]")
    retail = {**fresh("party", TENANT, "2"), "industry": "Retail"}
    assert judge(rules, ORDER, retail, None).fields["class_name"] == "Shop"
    assert judge(rules, ORDER, None, None).fields["class_name"] is None


@pytest.mark.parametrize(
    ("condition", "of_gold", "of_others"),
    [
        ("customer.custom.Tier == 'Gold'", True, False),
        ("customer.custom['Tier'] != 'Gold'", False, True),
        ("'Points' in customer.custom && customer.custom.Points > 5", True, False),
        ("has(customer.custom.Points) && customer.custom.Points > 5", True, False),
        ("customer.custom.Tier == 'Gold' && customer.custom.exists(name, name == 'Points')", True, False),
        ("'Tier' in order.custom || customer.custom.Tier == 'Gold'", True, False),
        ("customer.custom.size() > 0", True, False),
        ("customer.custom.exists(n, n == 'exists')", False, False),
        ("customer.billing_address.country == 'US'", True, False),
        ("customer.refs.exists(r, r.vendor == 'pardot')", False, False),
    ],
)
def test_what_a_record_lacks_reads_as_null(condition: str, *, of_gold: bool, of_others: bool) -> None:
    """Custom fields and parts too: an order must not wait because its customer has no tier, or no address."""
    text = f'rules: [{{name: it, when: "{condition}", then: {{hold: true}}}}]'
    gold = {
        **fresh("party", TENANT, "2"),
        "custom": {"Tier": "Gold", "Points": Decimal(6)},
        "billing_address": {"country": "US"},
    }
    assert check_rules(text) == []
    judged = [judge(parse_rules(text), ORDER, customer, None) for customer in (gold, fresh("party", TENANT, "3"), None)]
    assert [verdict.fields["hold"] for verdict in judged] == [of_gold, of_others, of_others]


def test_a_condition_without_an_answer_names_the_rule() -> None:
    """Comparing nothing with a number is neither true nor false."""
    rules = parse_rules("rules: [{name: big, when: order.total > 1000, then: {discount_percent: 5}}]")
    with pytest.raises(MappingError, match=r"rules\.big: has a value of the wrong type"):
        judge(rules, {**ORDER, "total": None}, None, None)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("rules:\n  - {name: a, when: order.amount > 5, then: {hold: true}}", 2, "order.amount does not exist"),
        ("rules:\n  - {name: a, when: 'true', then: {hold: true}}\n  - {name: a, when: 'true', then: {skip: true}}",
         3, "the name a stands twice"),
        ("rules:\n  - {name: a, when: order.name + 'x', then: {hold: true}}", 2, "a condition is true or false"),
        ("rules:\n  - {name: a, when: order.total >, then: {hold: true}}", 2, "is not a valid expression"),
        ("rules:\n  - {name: a, when: 'true', then: {discount: 5}}", 2, "key discount is unknown"),
        ("rules:\n  - {name: a, when: 'true', then: {discount_percent: 150}}", 2, "at most 100"),
        ("rules:\n  - {name: a, when: 'true', then: {document: BILL}}", 2, "is not one of INVOICE, SALES_RECEIPT"),
        ("rules:\n  - {name: a, when: 'true', then: {}}", 2, "has no effect"),
        ("rules:\n  - {when: 'true', then: {hold: true}}", 2, "key name is missing"),
        ("rules:\n  - {name: a, when: 'order.lines.exists(l, l.skuu == \"x\")', then: {hold: true}}", 2, "reads skuu"),
        ("rules:\n  - {name: a, when: customer.billing_address.zip == '1', then: {hold: true}}",
         2, "customer.billing_address.zip does not exist; customer.billing_address has city, "),
        ("rules:\n  - {name: a, when: order.total > '1000', then: {hold: true}}", 2, "of the wrong type (_>_(double"),
        ("rules:\n  - {name: a, when: order.payment_status == 'paid', then: {hold: true}}",
         2, "order.payment_status is never 'paid'; it is one of UNKNOWN, "),
        ("rules:\n  - {name: a, when: '\"paid\" == order.payment_status', then: {hold: true}}",
         2, "order.payment_status is never 'paid'; it is one of UNKNOWN, "),
        ("rules:\n  - {name: a, when: \"order.status in ['OPEN', 'Won']\", then: {hold: true}}", 2, "is never 'Won'"),
        ("rules:\n  - {name: a, when: order.total == '100', then: {hold: true}}", 2, "is never the text '100'; it is"),
        ("rules:\n  - {name: a, when: order.number == 7, then: {hold: true}}", 2, "number is never 7; it is a text"),
        ("rules:\n  - {name: a, when: customer.opted_out != 'true', then: {hold: true}}", 2, "it is true or false, "),
        ("rules:\n  - {name: a, when: customer.emails == 'a@b.c', then: {hold: true}}", 2, "write 'a@b.c' in cust"),
        ("rules:\n  - {name: a, when: order.closed_on > '31.01.2026', then: {hold: true}}", 2, "is kept as 2026-01-31"),
        ("rules:\n  - {name: a, when: customer.billing_address.country == 'Germany', then: {hold: true}}",
         2, "customer.billing_address.country is never 'Germany'; it is kept as 'DE'"),
        ("rules:\n  - {name: a, when: order.currency == 'EURO', then: {hold: true}}", 2, "kept as three letters"),
        ("rules:\n  - {name: a, when: order.total, then: {hold: true}}", 2, "yields a floating point number; a c"),
        ("rules:\n  - {name: a, when: lower(order.name), then: {hold: true}}", 2, "yields STRING; a condition is true"),
        ("rules:\n  - {name: a, when: 1 > 2, then: {hold: true}}", 2, "is false for every record; correct it"),
        ("rules:\n  - {name: a, when: int('x') == 1, then: {hold: true}}", 2, "cannot convert string to int"),
        ("rules:\n  - {name: a, when: 'true', then: {discount_percent: 0.12345678901}}", 2, "more than 10 digits"),
        ("defaults: {term: Net 30}", 1, "key term is unknown"),
        ("rules: [", 1, "is not YAML"),
    ],
)  # fmt: skip
def test_bad_rules_are_told_with_line_and_reason(text: str, line: int, reason: str) -> None:
    """A mistake is found when the rules are saved, not when an order comes."""
    (error,) = check_rules(text)
    assert (error.file, error.line) == ("rules", line)
    assert reason in str(error)


@pytest.mark.parametrize("name", ["007", "no", "1_0", "1:30", "1.50", "30"])
def test_names_are_what_is_written(name: str) -> None:
    """YAML would make `7` of the class 007, and `false` of the class no."""
    found = parse_rules(
        f"defaults: {{item: {name}}}\nrules: [{{name: {name}, when: 'true', then: {{class_name: {name}}}}}]"
    )
    assert (found.rules[0].name, found.rules[0].effects["class_name"], found.defaults.values["item"]) == (name,) * 3


def test_a_percentage_is_what_is_written() -> None:
    """YAML takes 010 for eight."""
    (rule,) = parse_rules("rules: [{name: a, when: 'true', then: {discount_percent: 010}}]").rules
    assert rule.effects["discount_percent"] == 10


def test_bad_settings_leave_the_former_ones(company: Company) -> None:
    """A connection with wrong rules, mapping or zone is refused whole."""
    company.connect(rules="defaults: {terms: Net 30}")
    before = dict(company.state.rows)
    with pytest.raises(TemplateError):
        company.connect(revision=2, rules="rules: 5")
    with pytest.raises(TemplateError):
        company.connect(revision=2, mappings={"salesforce/account": "name: x"})
    with pytest.raises(MappingError, match="zone: time zone 'Mars/Olympus' is unknown"):
        company.connect(revision=2, zone="Mars/Olympus")
    assert company.state.rows == before
    company.connect(revision=1)
    assert company.state.rows == before
