"""A template as one function says what the template says field by field."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import connectors
from connectors.errors import MappingError
from connectors.wire import loads
from streams.stages.mapping import Templates, inbound, outbound, paths, schema
from streams.stages.mapping.model import Template
from streams.stages.mapping.paths import Tree
from streams.stages.mapping.template import parse
from streams.stages.mapping.templates import files

GOLDEN = Path(__file__).parents[2] / "golden"
FOLDER = Path(connectors.__file__).parent
TEMPLATES = Templates.load(FOLDER)
SETTINGS = {"zone": "America/New_York", "currency": "USD", "item": "Services", "income_account": "Sales"}
DATED = ("At", "Date", "Time", "Modstamp", "_on", "changed_at")
COUNTED = ("Amt", "Amount", "Price", "Quantity", "Balance", "Tax", "total", "amount", "price", "quantity", "score")


def leaf(name: str) -> st.SearchStrategy[Any]:
    """What a field of this name may hold, and now and then what it must not."""
    if name.endswith(DATED):
        fit = ["2026-03-01", "2026-03-01T10:00:00+00:00"]
    elif name.endswith(COUNTED):
        fit = ["12.30", "0", "7"]
    else:
        fit = [" a  b ", "ann@example.com", "+14155550100", "Acme\nInc", "US", "PERSON", "INVOICE", "OPEN", "Voided"]
    return st.sampled_from([*fit, *fit, *fit, None, "", True, 4, "A\0b", {"y": 1}, ["x"]])


def records(tree: Tree | None, name: str = "") -> st.SearchStrategy[Any]:
    """Records of which some have no fault."""
    if tree is None:
        return leaf(name)
    if paths.ITEMS in tree:
        return st.lists(records(tree[paths.ITEMS], name), max_size=2)
    below = {key: records(child, key) for key, child in tree.items()}
    return st.fixed_dictionaries({}, optional=below) | st.fixed_dictionaries(below)


def by_field(template: Template, given_: dict[str, Any]) -> Any:
    """What the template says field by field, None if the record has a fault; as text, which shows order and types."""
    try:
        if template.direction == "outbound":
            return repr(outbound.by_field(template, given_))
        found = inbound.by_field(template, given_["source"], SETTINGS)
    except MappingError:
        return None
    return repr((found.ref.id, found.fields, found.custom, found.links, found.same_as))


def at_once(template: Template, given_: dict[str, Any]) -> Any:
    """What its function says, None if it leaves the record to the fields."""
    assert template.flat is not None
    try:
        return repr(template.flat(given_))
    except Exception:  # noqa: BLE001  whatever it is
        return None


@pytest.mark.parametrize("name", files(FOLDER))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_shipped_templates_say_the_same_at_once(name: str, data: st.DataObject) -> None:
    """Value by value, in the same order; a record with a fault is left to the fields."""
    template = TEMPLATES.named(name)
    drawn = {variable: data.draw(records(tree)) for variable, tree in template.sources.items()}
    given_ = {role: {**(schema.as_role(role, None) if role in schema.ROLES else {}), **drawn[role]} for role in drawn}
    given_["settings"] = SETTINGS
    found = by_field(template, given_)
    assert at_once(template, given_) in (found, None)


@pytest.mark.parametrize("name", sorted(files(FOLDER)))
def test_usual_records_need_no_engine(name: str) -> None:
    """What vendors send, and what we send them, is mapped at once."""
    template = TEMPLATES.named(name)
    given_ = loads((GOLDEN / name / "in.json").read_bytes())
    if template.direction == "inbound":
        values = {"source": given_, "settings": SETTINGS}
    else:
        values = {role: schema.as_role(role, given_.get(role)) for role in template.sources if role in schema.ROLES}
        values["settings"] = SETTINGS
    assert at_once(template, values) is not None


def test_an_expression_of_another_shape_leaves_the_template_to_the_fields() -> None:
    """The engine is asked for that field, as the function cannot be made."""
    text = (FOLDER / "salesforce/mapping/product2.yaml").read_text()
    template = parse("x.yaml", text.replace("text(source.Family)", """ "source.Family.matches('x') ? 'y' : 'z'" """))
    assert template.flat is None
    assert inbound.draft(template, {"Id": "1", "Name": "Desk", "Family": "xx"}, SETTINGS).fields["family"] == "y"


CUSTOMER = {"id": 5, "email": "ann@x.example", "first_name": "Ann", "last_name": "Lee", "billing": {"country": "US"}}


@pytest.mark.parametrize("wrong", [{"y": 1}, ["x"]])
@pytest.mark.parametrize(
    ("template", "given_", "field", "named"),
    [
        ("woocommerce/customer", CUSTOMER, "id", "id"),
        ("woocommerce/customer", CUSTOMER, "first_name", "name"),
        ("salesforce/contact", {"Id": "003A", "LastName": "Lee"}, "Email", "emails"),
        ("woocommerce/refund", {"id": 7, "parent_id": 5, "amount": "1.00"}, "parent_id", "same_as"),
        ("woocommerce/refund", {"id": 7, "parent_id": 5, "amount": "1.00"}, "reason", "refunds/0/reason"),
        ("salesforce/contact", {"Id": "003A", "LastName": "Lee", "AccountId": "001A"}, "AccountId", "organisation_id"),
    ],
)
def test_a_list_or_map_where_a_text_belongs_is_refused(
    template: str, given_: dict[str, Any], field: str, named: str, wrong: Any
) -> None:
    """Never its Python spelling: the error names the field; without the fault the record is read."""
    found = TEMPLATES.named(template)
    inbound.draft(found, given_, SETTINGS)
    with pytest.raises(MappingError) as error:
        inbound.draft(found, {**given_, field: wrong}, SETTINGS)
    assert error.value.field == named


def test_nul_is_left_out_of_texts() -> None:
    """No vendor takes it; the rest of the text stays, at once and field by field."""
    found = TEMPLATES.named("woocommerce/customer")
    given_ = {**CUSTOMER, "first_name": "A\0nn", "email": "ann@x.example\0"}
    for made in (inbound.draft(found, given_, SETTINGS), inbound.by_field(found, given_, SETTINGS)):
        assert (made.fields["name"], made.fields["emails"]) == ("Ann Lee", ["ann@x.example"])
