"""Bad input ends in one line that names field or file and what to do, never in a traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from streams.commands.environment import PREFIX


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings from outside."""
    import os  # noqa: PLC0415  only here

    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def sluiceway(*arguments: str, **environ: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(main, arguments, env=environ)


def test_a_misspelt_setting_is_named_with_the_nearest_one() -> None:
    """A typo does not leave a default in force silently."""
    result = sluiceway("topics", "list", SLUICEWAY_KAFKA__BOOTSTRAP_SERVER="x")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: SLUICEWAY_KAFKA__BOOTSTRAP_SERVER is not a setting — did you mean SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS?\n"
    )


def test_every_wrong_setting_is_named_at_once() -> None:
    """One line per setting, named as in the environment, without its value."""
    result = sluiceway("topics", "list", SLUICEWAY_KAFKA__PARTITIONS="many", SLUICEWAY_LOG_LEVEL="LOUD")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert any(line.startswith("error: SLUICEWAY_LOG_LEVEL: ") for line in lines)
    assert any(line.startswith("SLUICEWAY_KAFKA__PARTITIONS: ") for line in lines)
    assert "many" not in result.stderr


def test_librdkafkas_own_settings_pass() -> None:
    """Below PROPERTIES any name goes; the command gets as far as its own arguments."""
    result = sluiceway("dlq", "show", "x", **{"SLUICEWAY_KAFKA__PROPERTIES__security.protocol": "SSL"})
    assert "x is no place of a dead letter" in result.stderr


def test_an_unreadable_settings_file_is_named(tmp_path: Path) -> None:
    """A file that is not there, or is no text."""
    missing = sluiceway("--env-file", str(tmp_path / "none"), "topics", "list")
    assert (missing.exit_code, "none: no such file" in missing.stderr) == (2, True)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    binary = sluiceway("--env-file", str(tmp_path / "binary"), "topics", "list")
    assert (binary.exit_code, "binary: not UTF-8" in binary.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("SLUICEWAY_LOG_LEVEL\n", "line 1: 'SLUICEWAY_LOG_LEVEL' is not NAME=value"),
        ("# fine\n\nSLUICEWAY_LOG_LEVLE=INFO\n", "did you mean SLUICEWAY_LOG_LEVEL?"),
    ],
)
def test_a_wrong_line_of_a_settings_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    """The message has the file and what is wrong in it."""
    (tmp_path / "settings").write_text(text)
    result = sluiceway("--env-file", str(tmp_path / "settings"), "topics", "list")
    assert result.exit_code == 2
    assert str(tmp_path / "settings") in result.stderr
    assert named in result.stderr


def test_a_template_with_a_typo_is_named(tmp_path: Path) -> None:
    """`mapping check` names file and line, and ends with 1."""
    folder = tmp_path / "salesforce" / "mapping"
    folder.mkdir(parents=True)
    (folder / "account.yaml").write_text("name: salesforce/account\ndirection: inbound\nversoin: 1\n")
    result = sluiceway("mapping", "check", str(tmp_path))
    assert result.exit_code == 1
    assert "account.yaml:3: versoin" in result.stderr


def test_a_folder_without_templates_is_refused(tmp_path: Path) -> None:
    """Nothing checked is not everything right."""
    result = sluiceway("mapping", "check", str(tmp_path))
    assert (result.exit_code, "no <vendor>/mapping/*.yaml below it" in result.stderr) == (2, True)


def test_the_shipped_templates_are_right() -> None:
    """`mapping check` alone checks what we ship."""
    result = sluiceway("mapping", "check")
    assert result.exit_code == 0, result.stderr
