"""API keys from the command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.commands.failures import Commands


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A store of the test's own."""
    monkeypatch.setenv("SLUICEWAY_TOKEN_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    monkeypatch.setenv("SLUICEWAY_DATA_DIR", str(tmp_path))


def keys(*argv: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(Commands(), ["keys", *argv])


def test_a_key_from_issue_to_revocation(tmp_path: Path) -> None:
    """It is printed once; the list has id, times and name; after a rotation both are there, after a revocation one."""
    first = keys("issue", "acme", "--name", "shop", "--days", "30").output.strip()
    _, key_id, secret = first.split("_")
    assert [line.split()[0] for line in keys("list", "acme").output.splitlines()] == [key_id]
    assert "shop" in keys("list", "acme").output
    assert all(secret.encode() not in path.read_bytes() for path in tmp_path.rglob("*.token"))
    second = keys("rotate", "acme", key_id, "--hours", "1").output.strip()
    assert len(keys("list", "acme").output.splitlines()) == 2
    assert keys("revoke", "acme", key_id).exit_code == 0
    assert [line.split()[0] for line in keys("list", "acme").output.splitlines()] == [second.split("_")[1]]


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_an_unknown_key_is_told_with_those_that_are(verb: str) -> None:
    """One line, no traceback."""
    result = keys(verb, "acme", "nonsense")
    assert (result.exit_code, result.output) == (2, "error: tenant acme has no key nonsense — there are: none\n")
