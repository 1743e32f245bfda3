"""Templates are checked before they are used; every error names file, line and field."""

from decimal import Decimal
from pathlib import Path

import pytest

from connectors.errors import MappingError
from streams.stages.mapping import SHIPPED, Ref, TemplateError, Templates, check
from streams.stages.mapping.inbound import Draft, draft
from streams.stages.mapping.outbound import body
from streams.stages.mapping.template import parse

INBOUND = """\
name: shop/customer
version: 1
direction: inbound
object: Customer
entity: party
source: [Id, Name, Owner.Name, "Lines[].Price", Since, Points]
id: source.Id
fields:
  kind: "'ORGANISATION'"
  name: {value: text(source.Name), required: true}
"""
OUTBOUND = """\
name: shop/to_customer
version: 1
direction: outbound
object: Customer
entity: party
source: {customer: [name, emails, finance.open_balance]}
fields:
  Name: customer.name
"""
SETTINGS = {"zone": "America/New_York", "currency": "USD"}


def mapped(fields: str, **source: object) -> Draft:
    """Map a record with more fields in the template."""
    return draft(parse("x.yaml", INBOUND + fields), {"Id": 1, "Name": "Acme", **source}, SETTINGS)


def test_the_shipped_templates_are_in_order() -> None:
    """What is shipped passes the check that users run."""
    assert check(SHIPPED) == []


@pytest.mark.parametrize(
    ("wrong", "line", "field", "reason"),
    [
        ("  website: source.Webseite\n", 11, "fields.website", "unknown source field source.Webseite"),
        ("  website: source.Owner.Mail\n", 11, "fields.website", "unknown source field source.Owner.Mail"),
        ("  website: 'first(source.Lines.map(l, l.Cost))'\n", 11, "fields.website", "unknown source field Cost"),
        ("  webseite: source.Name\n", 11, "fields.webseite", "unknown target field webseite; the schema has"),
        ("  billing_address: source.Name\n", 11, "fields.billing_address", "map its parts"),
        ("  billing_address.zip: source.Name\n", 11, "fields.billing_address.zip", "unknown target field"),
        ("  version: '1'\n", 11, "fields.version", "unknown target field version"),
        ("  opted_out: \"'no'\"\n", 11, "fields.opted_out", "yields STRING, but the field is boolean"),
        ("  emails: \"'a@b.example'\"\n", 11, "fields.emails", "yields STRING, but the field is a list of texts"),
        ("  website: source.Name +\n", 11, "fields.website", "is not a valid expression"),
        ("  website: wrong(source.Name)\n", 11, "fields.website", "undeclared reference to 'wrong'"),
        ("  website: customer.name\n", 11, "fields.website", "undeclared reference to 'customer"),
        ("  website: {value: source.Name, wenn: 'true'}\n", 11, "fields.website.wenn", "key wenn is unknown"),
        ("  website: {required: true}\n", 11, "fields.website", "key value is missing"),
        ("  website: {value: source.Name, when: source.Name + 'x'}\n", 11, "fields.website.when", "a condition is"),
        ("  name: source.Name\n", 11, "fields.name", "stands twice"),
        ("custom:\n  Tier: {type: text, value: source.Name}\n", 12, "custom.Tier.type", "is not one of string"),
        ("links:\n  parent_id: {object: Account, id: source.Id}\n", 12, "links.parent_id", "unknown target field"),
        ("absent: maybe\n", 11, "absent", "should be empty or unknown"),
        ("parts: {Line: 'lines[0]'}\n", 11, "parts.Line", "is no path; write names with dots"),
        ("parts: {Customer: .}\n", 11, "parts.Customer", "is the record's own type"),
        ("colour: red\n", 11, "colour", "key colour is unknown"),
        (" website: x\n", 11, "(top)", "is not YAML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_field(wrong: str, line: int, field: str, reason: str) -> None:
    """Nobody has to search for the place, nor run anything to find the mistake."""
    with pytest.raises(TemplateError) as found:
        parse("connectors/shop/mapping/customer.yaml", INBOUND + wrong)
    assert str(found.value).startswith(f"connectors/shop/mapping/customer.yaml:{line}: {field}: ")
    assert reason in str(found.value)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (OUTBOUND.replace("[name, ", "[nam, "), "customer has no field nam"),
        (OUTBOUND.replace("customer: [", "client: ["), "key client is unknown"),
        (OUTBOUND.replace("direction: outbound", "direction: sideways"), "should be inbound or outbound"),
        (OUTBOUND.replace("entity: party", "entity: person"), "is not one of party"),
        (OUTBOUND + "  Rate: {value: '1.5', type: number}\n", "floating point loses digits"),
        (OUTBOUND.replace("version: 1\n", ""), "key version is missing"),
    ],
)
def test_outbound_templates_are_checked_against_the_schemas(wrong: str, reason: str) -> None:
    """What they read must be there."""
    with pytest.raises(TemplateError, match=reason):
        parse("to_customer.yaml", wrong)


def test_templates_that_hold_each_other_are_a_cycle(tmp_path: Path) -> None:
    """The check names file, line and field of both; a tenant's own template is refused as well."""
    one = INBOUND.partition("fields:")[0] + "parts: {Buyer: .}\nfields: {name: source.Name}\n"
    other = one.replace("Buyer: .", "Customer: .").replace("object: Customer", "object: Buyer")
    texts = {"shop/customer": one, "shop/buyer": other.replace("shop/customer", "shop/buyer")}
    for name, text in texts.items():
        path = tmp_path / name.replace("/", "/mapping/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".yaml").write_text(text)
    line = one[: one.index("parts:")].count("\n") + 1
    told = f"mapping/customer.yaml:{line}: parts.Buyer: is a cycle: Customer → Buyer → Customer"
    assert [told in str(error) for error in check(tmp_path)] == [False, True]
    with pytest.raises(TemplateError, match=r"shop/buyer\.yaml:\d+: parts\.Customer: is a cycle"):
        Templates([]).replaced(texts)


def test_a_list_lacking_a_required_field_is_refused() -> None:
    """An order line without quantity could never be written."""
    text = INBOUND.replace("entity: party", "entity: order").partition("fields:")[0] + (
        "fields:\n  lines: {for_each: source.Lines, as: l, fields: {id: l.Price, unit_price: l.Price}}\n"
    )
    with pytest.raises(TemplateError, match=r"fields\.lines: required target quantity is missing"):
        parse("x.yaml", text)


def test_absent_source_fields_read_as_null_at_any_depth() -> None:
    """No expression has to ask whether something is there."""
    found = mapped("  website: source.Owner.Name\n  lead_source: lower(source.Owner.Name)\n")
    assert (found.fields["website"], found.fields["lead_source"]) == (None, None)
    assert found.ref == Ref("shop", "Customer", "1")


def test_absent_fields_say_nothing_where_the_vendor_sends_what_was_asked() -> None:
    """`absent: unknown` keeps fields that the body does not have out of the draft; a null in it is a null."""
    template = parse("x.yaml", INBOUND + "  website: source.Owner.Name\n  lead_source: source.Since\nabsent: unknown\n")
    found = draft(template, {"Id": 1, "Name": "Acme", "Since": None}, SETTINGS)
    assert "website" not in found.fields
    assert found.fields["lead_source"] is None


def test_numbers_keep_their_digits() -> None:
    """JSON numbers reach expressions as text, never as floating point."""
    text = INBOUND.replace("entity: party", "entity: payment").partition("fields:")[0]
    template = parse("x.yaml", text + "fields: {amount: 'mul(source.Points, 3)'}\n")
    assert draft(template, {"Id": 1, "Points": Decimal("0.1")}, SETTINGS).fields["amount"] == Decimal("0.3")
    with pytest.raises(MappingError, match=r"amount: .*is no exact number"):
        draft(template, {"Id": 1, "Points": 0.1}, SETTINGS)
    with pytest.raises(MappingError, match="amount: has too many digits"):
        draft(template, {"Id": 1, "Points": Decimal("1E+400")}, SETTINGS)
    longest = Decimal("333333333333333.3333")
    assert draft(template, {"Id": 1, "Points": longest}, SETTINGS).fields["amount"] == longest * 3
    with pytest.raises(MappingError, match="amount: has more than 15 digits before the point"):
        draft(template, {"Id": 1, "Points": 10**15}, SETTINGS)


def test_a_required_field_without_value_is_refused() -> None:
    """The reason names the target field."""
    with pytest.raises(MappingError, match="name: is required, but the record has nothing for it"):
        mapped("", Name="  ")


def test_a_value_of_the_wrong_type_is_refused_without_repeating_it() -> None:
    """The reason may be read by people who must not see the data."""
    with pytest.raises(MappingError, match=r"website: is a number, not a text; wrap it in text\(\)"):
        mapped("  website: source.Points\n", Points=4711)


def test_conditions_and_defaults() -> None:
    """A field whose condition is false is not spoken of; a default stands in for nothing."""
    found = mapped(
        "  website: {value: source.Since, when: source.Points != null}\n"
        "  industry: {value: source.Since, default: \"'none'\"}\n"
    )
    assert "website" not in found.fields
    assert found.fields["industry"] == "none"


def test_custom_fields_are_typed() -> None:
    """A custom field has the type its template states."""
    custom = "custom:\n  Points: {type: long, value: source.Points}\n  Tier: {type: string, value: source.Name}\n"
    found = mapped(custom, Points=5)
    assert found.custom == {"Points": 5, "Tier": "Acme"}


def test_a_tenants_own_template_replaces_the_shipped_one(templates: Templates) -> None:
    """The name decides; a mistake in it is told as for shipped ones."""
    own = templates.replaced({"shop/customer": INBOUND})
    assert own.inbound("shop", "Customer") is not None
    assert templates.inbound("shop", "Customer") is None
    with pytest.raises(TemplateError, match=r"shop/client\.yaml:1: name: is shop/customer"):
        templates.replaced({"shop/client": INBOUND})


def test_outbound_leaves_out_what_is_empty_unless_told() -> None:
    """Absent leaves a vendor's field alone, null clears it."""
    text = OUTBOUND + "  Mail: first(customer.emails)\n  Note: {value: first(customer.emails), keep_null: true}\n"
    assert body(parse("x.yaml", text), {"customer": None}) == {"Note": None}


def test_an_unfillable_body_names_its_field() -> None:
    """A required vendor field without value is refused."""
    text = OUTBOUND + "  Mail: {value: first(customer.emails), required: true}\n"
    with pytest.raises(MappingError, match="Mail: is required"):
        body(parse("x.yaml", text), {"customer": None})


LET = """\
let:
  priced: source.Lines.filter(l, l.Price != null)
  sum: "sum(let.priced.map(l, l.Price))"
  share: "div(let.sum, source.Points)"
"""


def test_expressions_may_have_names() -> None:
    """They stand for their text, as one value, in lists and in texts that only look like them not."""
    found = mapped(
        "  website: \"let.share + ' let.share'\"\n  industry: \"text(size(let.priced) == 2 ? let.sum : 'none')\"\n"
        + LET,
        Lines=[{"Price": 1}, {"Price": None}, {"Price": 2}],
        Points=2,
    )
    assert (found.fields["website"], found.fields["industry"]) == ("1.5 let.share", "3")


@pytest.mark.parametrize(
    ("fields", "let", "reason"),
    [
        ("  website: let.total\n", LET, ":11: fields.website: unknown name let.total; add it under let"),
        ("  website: let.a\n", "let: {a: let.b, b: source.Name}\n", ":12: let.a: unknown name let.b"),
        ("  website: let.a\n", "let: {a: source.Nam}\n", ":11: fields.website: unknown source field source.Nam"),
        ("", "let: {a: source.Name}\n", ":11: let.a: is used nowhere; remove it"),
    ],
)
def test_a_mistake_in_a_name_is_told(fields: str, let: str, reason: str) -> None:
    """A name is checked where it is used; so one that nothing uses is refused, and one that is not there above."""
    with pytest.raises(TemplateError, match=reason.replace(".", r"\.")):
        parse("x.yaml", INBOUND + fields + let)
