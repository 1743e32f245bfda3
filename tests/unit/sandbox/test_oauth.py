import base64
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connectors.sandbox.accounts import Accounts
from connectors.sandbox.database import Database
from connectors.sandbox.oauth import REFRESH, InvalidGrantError, InvalidTokenError, Tokens


@pytest.fixture
def tokens(tmp_path: Path, clock: Any) -> Iterator[Tokens]:
    """The tokens of two open accounts."""
    database = Database(tmp_path / "x.sqlite", clock)
    accounts = Accounts(database)
    for name in "ab":
        accounts.put(name, {"client_id": f"id-{name}", "client_secret": f"secret:{name}"})
    yield Tokens(database, accounts, clock, Random(1))  # noqa: S311 - repeatable
    database.close()


def test_client_is_known_by_header_or_body(tokens: Tokens) -> None:
    """Client id and secret count in a Basic header or in the form; a wrong secret is nobody."""
    basic = base64.b64encode(b"id-a:secret:a").decode()
    assert tokens.client(f"Basic {basic}", {}) == "a"
    assert tokens.client(None, {"client_id": "id-b", "client_secret": "secret:b"}) == "b"
    assert tokens.client(None, {"client_id": "id-b", "client_secret": "secret:a"}) is None
    assert tokens.client("Basic !!!", {}) is None


async def test_access_token_expires(tokens: Tokens, clock: Any) -> None:
    """A bearer token names its account until its lifetime ends."""
    grant = tokens.issue("a", 60, 600)
    assert tokens.bearer(f"Bearer {grant.access_token}") == "a"
    await clock.sleep(60)
    with pytest.raises(InvalidTokenError, match="expired"):
        tokens.bearer(f"Bearer {grant.access_token}")


@pytest.mark.parametrize(("header", "reason"), [(None, "missing"), ("Basic x", "missing"), ("Bearer x", "unknown")])
def test_unusable_authorization_has_a_reason(tokens: Tokens, header: str | None, reason: str) -> None:
    """No token and a strange token are told apart."""
    with pytest.raises(InvalidTokenError, match=reason):
        tokens.bearer(header)


def test_rotated_refresh_token_dies(tokens: Tokens) -> None:
    """After a rotation only the successor refreshes."""
    first = tokens.issue("a", 60, 600)
    second = tokens.refresh("a", first.refresh_token, 60, rotate_to=600)
    assert tokens.newest("a", REFRESH) == second.refresh_token != first.refresh_token
    with pytest.raises(InvalidGrantError):
        tokens.refresh("a", first.refresh_token, 60, rotate_to=600)
    kept = tokens.refresh("a", second.refresh_token, 60, rotate_to=None)
    assert kept.refresh_token == second.refresh_token


def test_tokens_of_another_account_or_kind_do_not_refresh(tokens: Tokens) -> None:
    """A refresh token works for its own client only, an access token never."""
    grant = tokens.issue("a", 60, 600)
    for account, token in (("b", grant.refresh_token), ("a", grant.access_token)):
        with pytest.raises(InvalidGrantError):
            tokens.refresh(account, token, 60, rotate_to=None)


def test_expire_and_revoke(tokens: Tokens) -> None:
    """Expired access leaves the refresh token alive; revoking ends the whole grant of that account alone."""
    grant, other = tokens.issue("a", 60, 600), tokens.issue("b", 60, 600)
    tokens.expire("a")
    with pytest.raises(InvalidTokenError, match="expired"):
        tokens.bearer(f"Bearer {grant.access_token}")
    tokens.refresh("a", grant.refresh_token, 60, rotate_to=None)
    tokens.revoke(grant.refresh_token)
    with pytest.raises(InvalidGrantError):
        tokens.refresh("a", grant.refresh_token, 60, rotate_to=None)
    assert tokens.bearer(f"Bearer {other.access_token}") == "b"
