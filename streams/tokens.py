"""The store of the connections' secrets, as the settings choose it."""

import base64
import ipaddress
from typing import TYPE_CHECKING

import httpx

from connectors.clock import SystemClock
from connectors.errors import FatalError
from connectors.http import Reach, open_http
from connectors.ports import TokenStore
from connectors.tokens import FileTokenStore
from connectors.tokens.vault import REQUEST_SECONDS, AppRole, VaultTokenStore
from streams.settings import Settings, Tokens

if TYPE_CHECKING:
    from connectors.tokens.postgres import PostgresTokenStore

MAKE_KEY = 'make one with: python3 -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"'


def open_tokens(settings: Settings) -> TokenStore:
    """Return the store of secrets; nothing is asked of it yet.

    Raises:
        FatalError: a setting is missing or wrong; names it and says what to do.
    """
    if settings.tokens.store == "vault":
        return _vault(settings.tokens)
    if settings.tokens.store == "postgres":
        return open_postgres(settings)
    return FileTokenStore(settings.data_dir / "tokens", _key(settings))


def open_postgres(settings: Settings) -> "PostgresTokenStore":
    """Return the store in PostgreSQL.

    Raises:
        FatalError: a setting is missing or wrong; names it.
    """
    from connectors.tokens.postgres import PostgresTokenStore  # noqa: PLC0415  few need its client, which loads slowly

    if settings.tokens.postgres is None:
        raise FatalError("SLUICEWAY_TOKENS__POSTGRES is not set; it is libpq's connection string or URL")
    return PostgresTokenStore(settings.tokens.postgres.get_secret_value(), _key(settings))


def _key(settings: Settings) -> bytes:
    if settings.token_key is None:
        raise FatalError(f"SLUICEWAY_TOKEN_KEY is not set; it encrypts the connections' secrets — {MAKE_KEY}")
    try:
        return base64.b64decode(settings.token_key.get_secret_value(), validate=True)
    except ValueError:
        raise FatalError(f"SLUICEWAY_TOKEN_KEY is not base64 — {MAKE_KEY}") from None


def _vault(tokens: Tokens) -> VaultTokenStore:
    url = httpx.URL(tokens.vault_url)
    if url.scheme != "https" and not (url.scheme == "http" and _loopback(url.host)):
        raise FatalError("SLUICEWAY_TOKENS__VAULT_URL must be an https address (plain http: on this host alone)")
    if tokens.vault_token is not None:
        access: str | AppRole = tokens.vault_token.get_secret_value()
    elif tokens.vault_role_id and tokens.vault_secret_id is not None:
        access = AppRole(tokens.vault_role_id, tokens.vault_secret_id.get_secret_value())
    else:
        raise FatalError("set SLUICEWAY_TOKENS__VAULT_TOKEN, or …__VAULT_ROLE_ID and …__VAULT_SECRET_ID")
    reach = Reach((), frozenset({url.host.lower()}))
    http = open_http("vault", reach, timeout_seconds=REQUEST_SECONDS, ca_file=tokens.vault_ca_file)
    return VaultTokenStore(http, tokens.vault_url, access, tokens.vault_mount, tokens.vault_path, SystemClock())


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
