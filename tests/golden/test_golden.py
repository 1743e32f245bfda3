"""Every shipped template has a golden file: what goes in, and what comes out to the letter."""

import json
from pathlib import Path

import pytest

import connectors
from connectors.wire import loads
from streams.stages.mapping import Templates
from streams.stages.mapping.explain import output
from streams.stages.mapping.templates import files

HERE = Path(__file__).parent
SHIPPED = files(Path(connectors.__file__).parent)
FIGURES = {"overdue_amount": "Overdue__c", "subscription_status": "Subscription__c", "subscription_plan": "Plan__c"}
SETTINGS = {"zone": "America/New_York", "currency": "USD", "item": "Services", "figures": FIGURES}


@pytest.fixture(scope="module")
def templates() -> Templates:
    """The shipped templates."""
    return Templates.load(Path(connectors.__file__).parent)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_template_does_what_its_golden_file_says(templates: Templates, name: str, update_golden: bool) -> None:
    """A change of a template is seen, field by field, in the diff of its golden file."""
    folder = HERE / name
    found = output(templates.named(name), loads((folder / "in.json").read_bytes()), SETTINGS)
    if update_golden:
        (folder / "out.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    assert found == json.loads((folder / "out.json").read_text())


def test_no_golden_file_is_left_over() -> None:
    """A folder without a template tests nothing."""
    assert {str(path.parent.relative_to(HERE)) for path in HERE.glob("*/*/in.json")} == set(SHIPPED)
