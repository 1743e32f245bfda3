"""`sluiceway mapping test|explain` and `rules check`, as a person at the keyboard meets them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.commands.failures import Commands

GOLDEN = Path(__file__).parents[2] / "golden"
CONTACT = GOLDEN / "salesforce" / "contact" / "in.json"


def say(*words: object) -> Result:
    """Run a command line."""
    return CliRunner().invoke(Commands("sluiceway"), [str(word) for word in words])


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """One case, not yet told what to expect."""
    folder = tmp_path / "salesforce" / "contact"
    folder.mkdir(parents=True)
    (folder / "in.json").write_bytes(CONTACT.read_bytes())
    return tmp_path


def test_explain_shows_value_expression_and_what_it_read() -> None:
    """Value by value, in the order of the template."""
    shown = say("mapping", "explain", "salesforce/contact", CONTACT).output
    assert (
        'phones = ["+14155552672", "+442079460958"]\n'
        "    phones([source.Phone, source.MobilePhone], source.MailingCountry)\n"
        '    with source.Phone = "415-555-2672", source.MobilePhone = "+44 20 7946 0958", '
        'source.MailingCountry = "USA"\n'
    ) in shown


def test_explain_says_why_there_is_no_value(tmp_path: Path) -> None:
    """Absent, conditional and failing fields are lines too."""
    record = json.loads(CONTACT.read_text()) | {"FirstName": None, "LastName": None}
    del record["LeadSource"]
    file = tmp_path / "contact.json"
    file.write_text(json.dumps(record))
    shown = say("mapping", "explain", "salesforce/contact", file).output
    assert "lead_source\n    text(source.LeadSource)\n    not in the record: nothing is said of it\n" in shown
    assert "name: is required, but the record has nothing for it" in shown


def test_explain_shows_lists_item_by_item() -> None:
    """Each item has its own lines; what a condition leaves out says so."""
    shown = say("mapping", "explain", "quickbooks/to_invoice", GOLDEN / "quickbooks" / "to_invoice" / "in.json").output
    assert "Line/0/Amount = " in shown
    assert "Line/1/Amount = " in shown


def test_cases_are_written_compared_and_told_apart(cases: Path) -> None:
    """--update writes what is expected; a later difference is shown and ends with exit code 1."""
    assert say("mapping", "test", cases, "--update").exit_code == 0
    assert say("mapping", "test", cases).output == "1 of 1 cases are as expected\n"
    expected = cases / "salesforce" / "contact" / "out.json"
    expected.write_text(expected.read_text().replace('"Ann"', '"Anne"'))
    found = say("mapping", "test", cases)
    assert found.exit_code == 1
    assert '-    "given_name": "Anne"' in found.output
    assert '+    "given_name": "Ann"' in found.output


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is not JSON"), ("[]", "should be one JSON object"), ('{"Id": null}', "is required")],
)
def test_a_case_that_cannot_be_tried_names_file_and_remedy(cases: Path, content: str, message: str) -> None:
    """No traceback, whatever stands in the file."""
    (cases / "salesforce" / "contact" / "in.json").write_text(content)
    found = say("mapping", "test", cases)
    assert found.exit_code == 2
    assert "salesforce/contact/in.json" in found.output
    assert message in found.output


def test_no_cases_and_unknown_templates_are_told(tmp_path: Path) -> None:
    """Both name what was looked for."""
    assert "no <vendor>/<template>/in.json" in say("mapping", "test", tmp_path).output
    assert (
        "there is no mapping template salesforce/none" in say("mapping", "explain", "salesforce/none", CONTACT).output
    )


def test_rules_are_checked_with_line_and_field(tmp_path: Path) -> None:
    """Right rules are counted, wrong ones named."""
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  - {name: big, when: order.total > 1000.0, then: {discount_percent: 5}}\n")
    assert say("rules", "check", file).output == "1 rules are right\n"
    file.write_text("rules:\n  - {name: big, when: order.sum > 1000.0, then: {discount_percent: 5}}\n")
    found = say("rules", "check", file)
    assert found.exit_code == 1
    assert f"{file}:2: rules[0].when: order.sum does not exist" in found.output
