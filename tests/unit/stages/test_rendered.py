"""What is not rendered again would have become the same body."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import connectors
from connectors.errors import MappingError
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import Command
from streams.stages import rendered
from streams.stages.mapping import Templates, outbound, schema
from streams.stages.mapping.templates import files
from streams.stages.merge import fresh
from streams.stages.pipeline import Pipeline
from tests.unit.stages.kit import ACCOUNT, CONTACT, LINES, TENANT, Company, at, snapshot, stored
from tests.unit.stages.replay import encoded
from tests.unit.stages.test_flat import records

FOLDER = Path(connectors.__file__).parent
TEMPLATES = Templates.load(FOLDER)
OUTBOUND = [name for name in sorted(files(FOLDER)) if TEMPLATES.named(name).direction == "outbound"]
SETTINGS = {"zone": "America/New_York", "currency": "USD", "figures": {}}
Records = dict[str, dict[str, Any]]


def _body(name: str, given_: Records) -> str | None:
    try:
        return repr(outbound.body(TEMPLATES.named(name), {**given_, "settings": SETTINGS}))
    except MappingError:
        return None


@pytest.mark.parametrize("name", OUTBOUND)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_another_body_is_made_of_other_values(name: str, data: st.DataObject) -> None:
    """Whichever field of whichever record becomes another; one that the template does not read makes no difference."""
    template = TEMPLATES.named(name)
    trees = {role: tree for role, tree in template.sources.items() if role in schema.ROLES}
    given_, others = (
        {role: {**fresh(schema.ROLES[role], TENANT, who), **data.draw(records(tree))} for role, tree in trees.items()}
        for who in ("1", "2")
    )
    made_of, body = rendered.said(template, "", given_), _body(name, given_)
    for at_, field in ((role, field) for role in trees for field in given_[role]):
        changed = {**given_, at_: {**given_[at_], field: others[at_][field]}}
        same = rendered.said(template, "", changed) == made_of
        assert _body(name, changed) == body if same else field in trees[at_]


RULES = """
defaults: {{income_account: Sales {n}}}
rules: [{{name: r, when: customer.industry == 'Retail', then: {{memo: Hi}}}}]
"""
STEPS = ["connect", "account", "contact", "lines", "account of another name", "nobody's", "answers", "read", "product"]


def _told(codec: Codec, steps: list[tuple[str, int]], *, remembering: bool) -> tuple[list[bytes], Any]:
    """Return what a company's records lead to, and its rows; a step's number varies what is said."""
    company = Company(Pipeline(codec, TEMPLATES))
    company.connect()
    for second, (step, n) in enumerate(steps, 1):
        if not remembering:
            rendered._LAST.clear()
        try:
            _tell(company, step, n, second)
        except MappingError:
            continue  # a dead letter leaves no rows, but may have been rendered
    return encoded(codec, company.emits), company.state.rows


def _tell(company: Company, step: str, n: int, second: int) -> None:
    account = {**ACCOUNT, "Phone": f"(415) 555-267{n}", "Name": "Bolt Ltd" if step.endswith("name") and n else "Acme"}
    contact = {**CONTACT, "Email": f"ann{n}@acme.example"}
    lines = [{**LINES[0], "UnitPrice": n + 1}, *LINES[1:]]
    if step == "connect":
        company.connect(revision=second + 1, rules=RULES.format(n=n) if n else "")
    elif step.startswith("account"):
        company.record("salesforce", "Account", account, at(second))
    elif step == "contact":
        company.record("salesforce", "Contact", contact, at(second))
    elif step == "lines":
        company.record("salesforce", "OpportunitySnapshot", snapshot(second, Lines=lines), at(second), remote_id="006A")
    elif step == "nobody's":
        more = {"Lines": lines, "Account": {**account, "Industry": None}, "ContactRoles": []}
        won = {**snapshot(second)["Opportunity"], "AccountId": "001A" if n else None}
        told = snapshot(second, Opportunity=won, **more)
        company.record("salesforce", "OpportunitySnapshot", told, at(second), remote_id="006A" if n else "006B")
    elif step == "read":
        company.record("quickbooks", "Customer", stored("Customer", "58", second), f"{at(second)}/{second:010d}")
    elif step == "product":
        company.record(
            "salesforce",
            "Product2",
            {"Id": "01tA", "Name": f"Widget {n}", "ProductCode": "W-1", "IsActive": True},
            at(second),
        )
    else:
        asked = [emit.value for emit in company.emits if isinstance(emit.value, Command)]
        for command in {one.object_key: one for one in asked if one.operation == "PUT"}.values():
            if command.vendor == "quickbooks":
                company.result(command, f"{58 + n}", stored(command.object, f"{58 + n}", second))


@settings(max_examples=40, deadline=None)
@example(steps=[("connect", 1), ("lines", 0)])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2)), max_size=14))
def test_without_memory_the_same_is_asked(steps: list[tuple[str, int]]) -> None:
    """Commands, records and rows to the byte, whatever came before, for other companies and in dead letters too."""
    codec, steps = Codec(LocalIds()), [("lines", 0), *steps]
    assert _told(codec, steps, remembering=True) == _told(codec, steps, remembering=False)
