"""OAuth 2 bookkeeping the vendors share: clients, access tokens, refresh tokens and their rotation (RFC 6749)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from connectors.sandbox.accounts import Accounts
from connectors.sandbox.clock import Clock
from connectors.sandbox.database import Database

ACCESS, REFRESH = "access", "refresh"


class InvalidGrantError(Exception):
    """The refresh token is unknown, rotated away or expired: `invalid_grant` of RFC 6749 §5.2."""


class InvalidTokenError(Exception):
    """No usable access token came with the call; `reason` is missing, unknown or expired (RFC 6750 §3.1)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"access token {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Grant:
    """A pair of tokens; lifetime of the access token in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class Tokens:
    """Tokens of all accounts; writes need an open transaction."""

    def __init__(self, database: Database, accounts: Accounts, clock: Clock, random: Random) -> None:
        self._database = database
        self._accounts = accounts
        self._clock = clock
        self._random = random

    def client(self, authorization: str | None, form: Mapping[str, str]) -> str | None:
        """The account whose client_id and client_secret came in a Basic header or in the body; None if wrong."""
        client_id, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        name = self._accounts.find("client_id", client_id)
        identity = self._accounts.get(name) if name else None
        return name if identity and identity["client_secret"] == secret else None

    def issue(self, account: str, lifetime: int, refresh_lifetime: int) -> Grant:
        """Hand out a new pair; earlier tokens stay valid."""
        refresh = self._add(account, REFRESH, refresh_lifetime)
        return Grant(self._add(account, ACCESS, lifetime), refresh, lifetime)

    def access(self, account: str, lifetime: int) -> str:
        """Hand out an access token alone."""
        return self._add(account, ACCESS, lifetime)

    def refresh(self, account: str, token: str, lifetime: int, *, rotate_to: int | None) -> Grant:
        """Exchange a refresh token; `rotate_to` is the lifetime of its successor, None keeps the old one.

        Raises InvalidGrantError.
        """
        found = self._find(token)
        if found is None or found[0] != account or found[1] != REFRESH or found[2] <= self._now():
            raise InvalidGrantError
        if rotate_to is not None:
            self._database.execute("DELETE FROM tokens WHERE token=?", (token,))
            token = self._add(account, REFRESH, rotate_to)
        return Grant(self._add(account, ACCESS, lifetime), token, lifetime)

    def bearer(self, authorization: str | None) -> str:
        """The account of an Authorization header. Raises InvalidTokenError."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() not in {"bearer", "oauth"} or not token:
            raise InvalidTokenError("missing")
        found = self._find(token.strip())
        if found is None or found[1] != ACCESS:
            raise InvalidTokenError("unknown")
        if found[2] <= self._now():
            raise InvalidTokenError("expired")
        return found[0]

    def owner(self, token: str) -> str | None:
        """The account a token was issued to, valid or not; for metering."""
        found = self._find(token)
        return found[0] if found else None

    def newest(self, account: str, kind: str) -> str | None:
        """The latest live token of a kind (`access` or `refresh`)."""
        rows = self._database.execute(
            "SELECT token FROM tokens WHERE account=? AND kind=? AND expires>? ORDER BY rowid DESC LIMIT 1",
            (account, kind, self._now()),
        )
        return rows[0][0] if rows else None

    def revoke(self, token: str) -> None:
        """End a token's grant: every token of its account dies; an unknown token is fine (RFC 7009 §2.2)."""
        found = self._find(token)
        if found is not None:
            self._database.execute("DELETE FROM tokens WHERE account=?", (found[0],))

    def expire(self, account: str) -> None:
        """Make every access token of an account expired; refresh tokens stay."""
        self._database.execute("UPDATE tokens SET expires=0 WHERE account=? AND kind=?", (account, ACCESS))

    def _add(self, account: str, kind: str, lifetime: int) -> str:
        token = f"{kind}-{account}-{self._random.getrandbits(160):040x}"
        self._database.execute(
            "INSERT INTO tokens(token, account, kind, expires) VALUES (?,?,?,?)",
            (token, account, kind, self._now() + lifetime),
        )
        return token

    def _find(self, token: str) -> tuple[str, str, float] | None:
        rows = self._database.execute("SELECT account, kind, expires FROM tokens WHERE token=?", (token,))
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password
