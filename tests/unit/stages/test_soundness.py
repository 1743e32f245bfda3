"""What would go wrong with every record is found before a template is used; each error names file, line and field."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from streams.stages.mapping import SHIPPED, Templates, check

INBOUND = """\
name: shop/customer
version: 1
direction: inbound
object: Customer
entity: party
source: [Id, Name, "Lines[].Price", Points]
id: source.Id
fields:
  kind: "'ORGANISATION'"
  name: {value: text(source.Name), required: true}
"""
ORDER = INBOUND.replace("entity: party", "entity: order").partition("fields:")[0]
OUTBOUND = """\
name: shop/customer
version: 1
direction: outbound
object: Customer
entity: party
source: {customer: [name, finance.open_balance, "refs[].id", custom.Tier]}
fields:
  Name: customer.name
"""


def told(folder: Path, text: str | bytes, name: str = "shop/customer") -> Sequence[str]:
    """Return what the check says of one file, without its path."""
    path = folder / name.replace("/", "/mapping/")
    path.parent.mkdir(parents=True)
    path.with_suffix(".yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    shipped = list(Templates.load(SHIPPED)) if name != "shop/customer" else []
    return [str(error).removeprefix(f"{path}.yaml:") for error in check(folder, shipped)]


@pytest.mark.parametrize("text", [INBOUND, OUTBOUND, INBOUND + "  website: \"source['Größe']\"\n"])
def test_what_is_right_is_not_refused(tmp_path: Path, text: str) -> None:
    """Custom fields have any name."""
    assert told(tmp_path, text.replace("Points]", "Points, Größe]")) == []


def test_the_shipped_templates_stand_in_for_themselves() -> None:
    """None is used twice, none leads nowhere."""
    assert check(SHIPPED, list(Templates.load(SHIPPED))) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (INBOUND.replace("ORGANISATION", "FIRM"), "9: fields.kind: is 'FIRM', not one of UNKNOWN, PERSON, "),
        (INBOUND + "  opted_out: text(source.Name)\n", "11: fields.opted_out: yields STRING, but the field is boolean"),
        (INBOUND + "  emails: email(source.Name)\n", "11: fields.emails: yields STRING, but the field is a list of"),
        (INBOUND + "  website: 'emails([source.Name])'\n", "11: fields.website: yields LIST<STRING>, but the field"),
        (INBOUND + "  website: {value: source.Name, default: 'emails([])'}\n", "11: fields.website.default: yields"),
        (INBOUND + "  website: {value: source.Name, when: text(source.Id)}\n", "11: fields.website.when: yields STR"),
        (INBOUND + "  website: {value: source.Name, when: \"'a' == 'b'\"}\n", "11: fields.website.when: is false for"),
        (INBOUND + "custom: {Tier: {type: long, value: text(source.Name)}}\n", "11: custom.Tier.value: yields STRING"),
        (ORDER + "fields: {closed_on: \"'gestern'\"}\n", "8: fields.closed_on: is not a date like 2026-01-31"),
        (ORDER + "fields: {total: \"'abc'\"}\n", "8: fields.total: the text is not a number"),
        (INBOUND + "links: {name: {object: Customer, id: source.Id}}\n", "11: links.name: holds no canonical id"),
        (INBOUND + "links: {organisation_id: {object: Acount, id: source.Id}}\n",
         "11: links.organisation_id: no template reads shop/Acount; correct the name, or add one"),
        (INBOUND + "same_as: [{vendor: sap, object: Contact, id: source.Id}]\n", "11: same_as: no template reads sap/"),
        (INBOUND + "parts: {Adress: .}\n", "11: parts.Adress: no template reads shop/Adress"),
        (OUTBOUND.replace("open_balance", "balance"), "6: source.customer: customer.finance.balance does not exist; "),
        (OUTBOUND.replace("[].id", ".id"), "6: source.customer: customer.refs is a list; write customer.refs[]"),
        (OUTBOUND.replace("[].id", "[].key"), "6: source.customer: customer.refs.key does not exist; customer.refs h"),
        (OUTBOUND.replace("[name,", "[name.first,").replace("customer.name", "'1'"),
         "6: source.customer: customer.name has no parts; write customer.name"),
        (OUTBOUND + "  Ok: {value: text(customer.name), type: boolean}\n", "9: fields.Ok.value: yields STRING, but"),
        (OUTBOUND + "  N: {value: \"'x'\", type: number}\n", "9: fields.N.value: the text is not a number"),
        (ORDER + "fields: {status: \"case(source.Name, {'paid': 'WON', 'void': 'CANCELED'}, 'OPEN')\"}\n",
         "8: fields.status: is 'CANCELED', not one of UNKNOWN, OPEN, "),
        (INBOUND.replace("'ORGANISATION'", "source.Points != null ? 'PERSON' : dyn('FIRM')"),
         "9: fields.kind: is 'FIRM', not one of UNKNOWN, PERSON, "),
        (ORDER + "fields: {closed_on: \"date(source.Name, 'Europe/Bonn')\"}\n", "8: fields.closed_on: date() "),
        (INBOUND + "  website: {value: source.Name, when: \"line(source.Name, '1') != null\"}\n",
         "11: fields.website.when: line() takes a whole number of at least 1, not '1'"),
        (INBOUND + "  website: cut(source.Name, -5)\n", "11: fields.website: cut() takes a whole number of at least 1"),
        (INBOUND + "  website: round(source.Points, 'EURO')\n", "11: fields.website: round() knows no currency 'EURO'"),
        (INBOUND + "  phones: \"phones([source.Name, ','], 'Atlantis')\"\n", "11: fields.phones: phones() knows no "),
        (OUTBOUND + "  Name.First: customer.name\n", "9: fields.Name.First: is part of Name, which is written as a w"),
        (OUTBOUND + "  Items: [{for_each: customer.refs, fields: {id: item.id}}]\n  Items.Total: \"'1'\"\n",
         "10: fields.Items.Total: is part of Items, which is written as a whole"),
        (OUTBOUND + "  .First: customer.name\n", "9: fields..First: is no target; write names with dots"),
        (OUTBOUND + '  "{settings.figures.refunded": customer.name\n', "9: fields.{settings.figures.refunded: is no"),
    ],
)  # fmt: skip
def test_what_no_record_would_pass_is_told(tmp_path: Path, wrong: str, message: str) -> None:
    """A wrong type, a constant that does not fit, a name that nothing has: nobody waits for the first dead letter."""
    (found,) = told(tmp_path, wrong)
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: (top): key direction is missing; add it"),
        (INBOUND + "  website: !mine x\n", "11: fields.website: is no !mine; put a text in quotes"),
        (INBOUND + "  website: 2026-13-45\n", "11: fields.website: is no timestamp; put a text in quotes"),
        (INBOUND + "  website: &a [*a]\n", "11: fields.website: is nested deeper than 32 levels; does an alias"),
        (INBOUND + f"  website: {'[' * 3000}{']' * 3000}\n", "1: (top): is nested deeper than 32 levels"),
        (INBOUND + "  website: 'a\x01b'\n", "11: (top): is not YAML: the character 0x0001 may not stand in it; remove"),
        ((INBOUND + "  website: \"'Zürich'\"\n").encode("latin-1"), "11: (top): is not UTF-8 text; save it as UTF-8"),
        (INBOUND + "  website: cut(source.Name)\n", "11: fields.website: is not a valid expression: undeclared"),
        (INBOUND + "  website: {value: source.Name, when: source.Name = 'x'}\n", "11: fields.website.when: is not a"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_of(tmp_path: Path, text: str | bytes, message: str) -> None:
    """Whatever stands in it: no traceback, and what to do."""
    (found,) = told(tmp_path, text)
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("expression", "remedy"),
    [
        ("cut(source.Name)", "; cut takes 2 values"),
        ("upper(Customer)", "; a text stands in quotes, functions are those of streams/stages/mapping/README.md"),
        ("source.Name = 'x'", "; == compares"),
        ("source.Name == 'x' and source.Id == 'y'", "; write &&"),
        ("source.Größe", "; a name with other letters than A-Z stands in brackets, source['Größe']"),
    ],
)
def test_usual_mistakes_in_expressions_are_told_with_their_remedy(tmp_path: Path, expression: str, remedy: str) -> None:
    """What the engine says of them would not help."""
    (found,) = told(tmp_path, INBOUND.replace("Points]", "Points, Größe]") + f'  website: "{expression}"\n')
    assert found.startswith("11: fields.website: is not a valid expression: ")
    assert found.endswith(remedy)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("salesforce/account", "object: Account", "object: Acount", "is Acount; the shipped salesforce/account, which"),
        ("salesforce/account", "name: {value: text(source.Name), required: true}", "name: text(source.Name)",
         "fields: required target name of the shipped template is not required here"),
        ("quickbooks/to_customer", "name: quickbooks/to_customer", "name: quickbooks/to_client", "name: is never used"),
        ("salesforce/account", "name: salesforce/account", "name: salesforce/firm",
         "object: Account is read by salesforce/account as well; give both the same name to replace it"),
    ],
)  # fmt: skip
def test_what_replaces_a_shipped_template_does_its_work(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    """Its records would not be read any more, or be sent without what the vendor requires."""
    text = (SHIPPED / name.replace("/", "/mapping/")).with_suffix(".yaml").read_text()
    assert old in text
    wanted = new.removeprefix("name: ") if new.startswith("name: ") and "/" in new else name
    found = told(tmp_path, text.replace(old, new), wanted)
    assert any(message in line for line in found), found
