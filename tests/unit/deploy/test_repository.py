import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.settings import Settings


@pytest.fixture(scope="module")
def hooks(root: Path) -> list[dict[str, Any]]:
    """The pre-commit hooks."""
    loaded = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())
    return [hook for repo in loaded["repos"] for hook in repo["hooks"]]


def test_pre_commit_configuration_is_valid(root: Path) -> None:
    """pre-commit accepts its configuration."""
    tool = Path(sys.executable).with_name("pre-commit")
    done = subprocess.run(
        [tool, "validate-config", root / ".pre-commit-config.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_hooks_use_the_projects_own_tools(root: Path, hooks: list[dict[str, Any]]) -> None:
    """Every hook is local and runs a program of .venv: a commit needs no network."""
    loaded = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in loaded["repos"]] == ["local"]
    for hook in hooks:
        program = hook["entry"].split()[0]
        assert hook["language"] == "system"
        assert program.startswith(".venv/bin/")
        assert Path(sys.executable).with_name(Path(program).name).exists()


def test_hooks_cover_make_check(root: Path, hooks: list[dict[str, Any]]) -> None:
    """Whatever `make check` runs, a commit has run before."""
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", (root / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    checks = set(re.findall(r"\$\(BIN\)/(\S+)", recipe[1]))
    assert checks <= {Path(hook["entry"].split()[0]).name for hook in hooks}


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "deploy/README.md", "CHANGELOG.md"])
def test_documents_name_what_exists(root: Path, document: str) -> None:
    """Make targets, settings and relative links of the documents exist."""
    text = (root / document).read_text()
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)", text)) <= targets
    fields = Settings.model_fields
    for name in re.findall(r"SLUICEWAY_([A-Z_]*[A-Z])", text):
        assert name.lower().split("__")[0] in fields, name
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (root / document).parent.joinpath(link).exists(), link
