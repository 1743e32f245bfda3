"""Which store of secrets the settings choose."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connectors.errors import FatalError
from streams.commands.failures import Commands
from streams.settings import Settings, Tokens
from streams.tokens import open_tokens

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
VAULT = {"store": "vault", "vault_url": "https://vault.test"}
ROLE = {"store": "vault", "vault_url": "http://localhost:8200", "vault_role_id": "r", "vault_secret_id": "s"}


def settings(tmp_path: Path, key: str | None = KEY, **tokens: Any) -> Settings:
    """Make settings."""
    return Settings(data_dir=tmp_path, token_key=key, tokens=Tokens(**tokens))


@pytest.mark.parametrize(
    ("tokens", "kind"),
    [
        ({}, "FileTokenStore"),
        ({"store": "postgres", "postgres": "host=db"}, "PostgresTokenStore"),
        ({**VAULT, "vault_token": "t"}, "VaultTokenStore"),
        (
            {**VAULT, "vault_url": "http://localhost:8200", "vault_role_id": "r", "vault_secret_id": "s"},
            "VaultTokenStore",
        ),
    ],
)
async def test_a_setting_chooses_the_store(tokens: dict[str, str], kind: str, tmp_path: Path) -> None:
    """File without any setting; the others by name."""
    store = open_tokens(settings(tmp_path, **tokens))
    assert type(store).__name__ == kind
    await store.aclose()


@pytest.mark.parametrize(
    ("key", "tokens", "named"),
    [
        (None, {}, "SLUICEWAY_TOKEN_KEY is not set"),
        ("ä", {}, "SLUICEWAY_TOKEN_KEY is not base64"),
        ("AAAA", {"store": "postgres", "postgres": "host=db"}, "SLUICEWAY_TOKEN_KEY must be 32 bytes"),
        (KEY, {"store": "postgres"}, "SLUICEWAY_TOKENS__POSTGRES is not set"),
        (None, VAULT, "VAULT_TOKEN"),
        (None, {**VAULT, "vault_url": "http://vault.test", "vault_token": "t"}, "VAULT_URL must be an https address"),
        (None, {**VAULT, "vault_token": "t", "vault_ca_file": "nowhere.pem"}, "nowhere.pem"),
    ],
)
def test_what_is_missing_is_named(key: str | None, tokens: dict[str, str], named: str, tmp_path: Path) -> None:
    """Each store says which setting it lacks."""
    with pytest.raises(FatalError, match=named):
        open_tokens(settings(tmp_path, key, **tokens))


def test_apply_says_that_files_need_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only PostgreSQL has a table to make."""
    monkeypatch.setenv("SLUICEWAY_TOKEN_KEY", KEY)
    monkeypatch.setenv("SLUICEWAY_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(Commands(), ["tokens", "apply"])
    assert (result.exit_code, result.output) == (0, "the store file needs nothing\n")


def test_a_database_that_is_away_is_an_error_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No traceback, and the password is not shown."""
    monkeypatch.setenv("SLUICEWAY_TOKEN_KEY", KEY)
    monkeypatch.setenv("SLUICEWAY_TOKENS__STORE", "postgres")
    monkeypatch.setenv("SLUICEWAY_TOKENS__POSTGRES", f"host={tmp_path} password=s3cr3t")
    result = CliRunner().invoke(Commands(), ["tokens", "apply"])
    assert result.exit_code == 2
    assert result.output.startswith("error: PostgreSQL does not answer")
    assert "s3cr3t" not in result.output
