"""Sessions: the framework's tokens with the org's id before a `!`, and the user they act as after it."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.oauth import InvalidTokenError
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.orgs import Orgs

SESSION_SECONDS = "session_seconds"
SETTINGS: Mapping[str, Any] = {SESSION_SECONDS: 7200}
_SHORT = 15


class Sessions:
    """Issues and checks sessions."""

    def __init__(self, ctx: SandboxContext, orgs: Orgs) -> None:
        self._ctx = ctx
        self._orgs = orgs

    def caller(self, session: str) -> tuple[str, str]:
        """Account and user of a session; raises INVALID_SESSION_ID."""
        org, user, token = _parts(session)
        try:
            account = self._ctx.tokens.bearer(f"Bearer {token}")
        except InvalidTokenError:
            account = ""
        if not account or org != self._orgs.org_id(account)[:_SHORT]:
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid")
        found = next(
            (row["Id"] for row in self._orgs.org(account).table("User").values() if row["Id"][:_SHORT] == user), ""
        )
        if not found:
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid")
        return account, str(found)

    def owner(self, session: str) -> str | None:
        """The account a session was issued to, valid or not; for metering."""
        return self._ctx.tokens.owner(_parts(session)[2])

    def begin(self, account: str, user: str = "") -> str:
        """A new session, of the integration user unless another is named."""
        return self.named(account, self._ctx.tokens.access(account, self.seconds(account)), user)

    def seconds(self, account: str) -> int:
        """How long sessions last."""
        found: int = self._ctx.setting(account, SESSION_SECONDS, SETTINGS[SESSION_SECONDS])
        return found

    def named(self, account: str, token: str, user: str = "") -> str:
        """A framework's token as a session id."""
        user = user or self._orgs.org(account).user["Id"]
        return f"{self._orgs.org_id(account)[:_SHORT]}!{user[:_SHORT]}.{token}"

    def revoke(self, token: str) -> bool:
        """End the grant of a session or refresh token; False when it is unknown."""
        known = _parts(token)[2] if "!" in token else token
        if self._ctx.tokens.owner(known) is None:
            return False
        self._ctx.tokens.revoke(known)
        return True


def bearer(authorization: str | None) -> str:
    """The session of an Authorization header, empty without one."""
    return (authorization or "").partition(" ")[2].strip()


def _parts(session: str) -> tuple[str, str, str]:
    org, _, rest = session.partition("!")
    user, _, token = rest.partition(".")
    return org, user, token
