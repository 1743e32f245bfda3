"""`sluiceway mapping test|explain` and `rules check`, as a person at the keyboard meets them."""

import errno
import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.commands.failures import Commands
from streams.stages.merge import fresh

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
    record = json.loads(CONTACT.read_text()) | {"FirstName": None, "LastName": None, "AccountId": ["0015"]}
    del record["LeadSource"]
    file = tmp_path / "contact.json"
    file.write_text(json.dumps(record))
    shown = say("mapping", "explain", "salesforce/contact", file).output
    assert "lead_source\n    text(source.LeadSource)\n    not in the record: nothing is said of it\n" in shown
    assert "name: is required, but the record has nothing for it" in shown
    assert "organisation_id (salesforce Account): is a list where an id belongs" in shown


def test_explain_shows_lists_item_by_item() -> None:
    """Each item has its own lines; what a condition leaves out says so."""
    shown = say("mapping", "explain", "quickbooks/to_invoice", GOLDEN / "quickbooks" / "to_invoice" / "in.json").output
    assert "Line/0/Amount = " in shown
    assert "Line/1/Amount = " in shown


def test_cases_may_say_what_their_company_is_like() -> None:
    """The golden files are cases like any other: their settings stand beside them."""
    found = say("mapping", "test", GOLDEN)
    assert found.exit_code == 0, found.output
    assert "53 of 53 cases" in found.output


def test_an_unknown_zone_is_refused() -> None:
    """Else every date would fail for a reason that nobody sees."""
    found = say("mapping", "explain", "salesforce/contact", CONTACT, "--zone", "Mars/Olympus")
    assert found.exit_code == 2
    assert "time zone 'Mars/Olympus' is unknown; use an IANA name" in found.output


def test_an_unknown_currency_is_refused() -> None:
    """Amounts would be rounded to two digits, whatever it was meant to be."""
    found = say("mapping", "explain", "salesforce/contact", CONTACT, "--currency", "EURO")
    assert (found.exit_code, "'EURO' is no ISO 4217 currency" in found.output) == (2, True)


def test_a_template_of_another_ending_is_told(tmp_path: Path) -> None:
    """It would not be read, and those beside it be called right."""
    folder = tmp_path / "salesforce" / "mapping"
    folder.mkdir(parents=True)
    (folder / "account.yml").write_text("name: salesforce/account\n")
    found = say("mapping", "check", tmp_path)
    assert (found.exit_code, "account.yml: is not read; rename it to account.yaml" in found.output) == (2, True)


def test_what_is_expected_is_utf_8(cases: Path) -> None:
    """Whatever the editor made of it: told, and no traceback."""
    (cases / "salesforce" / "contact" / "out.json").write_bytes(b"{\n\xff}")
    found = say("mapping", "test", cases)
    assert (found.exit_code, "out.json:2: (top): is not UTF-8 text; save it as UTF-8" in found.output) == (2, True)


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


def test_rules_that_have_no_answer_for_an_order_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order that would be dead-lettered is named, the others are tried; wrong rules are refused before Kafka is."""
    orders = {
        name: {**fresh("order", "acme", name), "status": "WON", "name": name, "total": total}
        for name, total in (("empty", None), ("big", Decimal(2000)))
    }
    found = {"order": orders, "party": {}}
    monkeypatch.setattr("streams.commands.rules.latest", lambda _, __, entity, ___: found[entity])
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  - {name: big, when: order.total > 1000.0, then: {discount_percent: 5}}\n")
    tried = say("rules", "test", file, "--tenant", "acme")
    assert tried.exit_code == 1
    assert "empty: rules.big: has a value of the wrong type" in tried.stderr
    assert 'big: big\n    discount_percent: null → "5"' in tried.stdout
    file.write_text("rules:\n  - {name: big, when: order.total > '1000', then: {discount_percent: 5}}\n")
    assert f"error: {file}:2: rules[0].when: has a value" in say("rules", "test", file, "--tenant", "acme").stderr


def test_a_reader_that_has_enough_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`| head` closes the pipe; nobody wants to hear of it."""

    def closed(*_: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("streams.commands.mapping.explain", closed)
    found = say("mapping", "explain", "salesforce/contact", CONTACT)
    assert (found.exit_code, found.output) == (1, "")


def test_rules_are_checked_with_line_and_field(tmp_path: Path) -> None:
    """Right rules are counted, wrong ones named."""
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  - {name: big, when: order.total > 1000.0, then: {discount_percent: 5}}\n")
    assert say("rules", "check", file).output == "1 rules are right\n"
    file.write_text("rules:\n  - {name: big, when: order.sum > 1000.0, then: {discount_percent: 5}}\n")
    found = say("rules", "check", file)
    assert found.exit_code == 1
    assert f"{file}:2: rules[0].when: order.sum does not exist" in found.output
