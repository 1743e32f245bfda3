"""Every shipped template has golden files: what goes in, and what comes out to the letter.

`in.json` was written to meet many turns of the template; `sent.json` is what the vendor's sandbox sends today, see
`test_recorded.py`. `edited.json` is an order that was changed and given back in part.
"""

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
PAIRS = (("in.json", "out.json"), ("sent.json", "sent.out.json"), ("edited.json", "edited.out.json"))
CASES = [(name, *pair) for name in sorted(SHIPPED) for pair in PAIRS if (HERE / name / pair[0]).exists()]
SETTINGS = json.loads((HERE / "settings.json").read_text())


@pytest.fixture(scope="module")
def templates() -> Templates:
    """The shipped templates."""
    return Templates.load(Path(connectors.__file__).parent)


@pytest.mark.parametrize(("name", "given", "expected"), CASES)
def test_a_template_does_what_its_golden_file_says(
    templates: Templates, name: str, given: str, expected: str, update_golden: bool
) -> None:
    """A change of a template is seen, field by field, in the diff of its golden file."""
    folder = HERE / name
    found = output(templates.named(name), loads((folder / given).read_bytes()), SETTINGS)
    if update_golden:
        (folder / expected).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    assert found == json.loads((folder / expected).read_text())


def test_every_template_has_golden_files_and_every_golden_file_a_template(templates: Templates) -> None:
    """A template without them goes unnoticed; a folder without a template tests nothing."""
    assert {str(path.parent.relative_to(HERE)) for path in HERE.glob("*/*/in.json")} == set(SHIPPED)
    read = {name for name in SHIPPED if templates.named(name).direction == "inbound" and not name.startswith("api/")}
    assert {str(path.parent.relative_to(HERE)) for path in HERE.glob("*/*/sent.json")} == read
