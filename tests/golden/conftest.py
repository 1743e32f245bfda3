"""The option that writes the golden files anew: `pytest tests/golden --update-golden`, then review the diff."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the option; pytest knows it when this folder is named."""
    parser.addoption("--update-golden", action="store_true", help="write out.json from what the templates do now")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether the golden files are to be written."""
    return bool(request.config.getoption("--update-golden", default=False))
