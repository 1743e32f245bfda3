"""Secrets in Vault's key-value engine, version 2 (Vault's page "KV secrets engine, version 2, API").

Its check-and-set parameter is our compare-and-set: `cas` must be the version that is current, 0: none was ever stored.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from connectors.errors import FatalError, InDoubtError, RetryableError
from connectors.http import Http
from connectors.ports import Clock, Secret
from connectors.tokens.envelope import plain, secret_of
from connectors.wire import loads

OK, NOT_FOUND, BAD_REQUEST, FORBIDDEN, SERVER_ERROR = 200, 404, 400, 403, 500
MISMATCH = "check-and-set parameter did not match"
REQUEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class AppRole:
    """How a process proves who it is (Vault's page "AppRole auth method")."""

    role_id: str
    secret_id: str

    def __repr__(self) -> str:
        return "AppRole(***)"


class VaultTokenStore:
    """Keeps each connection's secret at `<mount>/<path>/<tenant>@<vendor>`; Vault encrypts it.

    Args:
        http: the stack without auth layer; reaches Vault alone.
        url: Vault's address, without path.
        access: a token, or the role to log in with; a login is renewed at half of its life.
        mount: where the engine is mounted.
        path: below which our secrets are.
        clock: tells when a login is half over.

    Raises (all calls):
        RetryableError: Vault does not answer, is sealed, or standing by.
        FatalError: it refuses us, or the engine is not there.
    """

    def __init__(self, http: Http, url: str, access: str | AppRole, mount: str, path: str, clock: Clock) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._access = access
        self._data = f"{self._url}/v1/{mount.strip('/')}/data/{path.strip('/')}"
        self._clock = clock
        self._token = access if isinstance(access, str) else ""
        self._renew_at: datetime | None = None

    async def get(self, tenant: str, vendor: str) -> Secret | None:
        """Return the current secret, or None for an unknown connection."""
        response = await self._ask("GET", self._address(tenant, vendor), None)
        data = _found(response)
        if data is None:
            return None
        version = int(data["metadata"]["version"])
        # Deleted by hand: Vault goes on counting, and so must who connects the account again.
        return secret_of(json.loads(data["data"]["secret"]), version) if data["data"] else Secret({}, version=version)

    async def compare_and_set(self, tenant: str, vendor: str, secret: Secret, *, expected_version: int) -> bool:
        """Store `secret` durably as version `expected_version + 1` unless someone else did."""
        body = {"options": {"cas": expected_version}, "data": {"secret": json.dumps(plain(secret))}}
        response = await self._ask("POST", self._address(tenant, vendor), body)
        if response.status_code == BAD_REQUEST and any(MISMATCH in line for line in _errors(response)):
            return False
        return bool(_answer(response)["data"]["version"] == expected_version + 1)

    async def check(self) -> None:
        """Return if Vault lets us read where our secrets are."""
        _found(await self._ask("GET", f"{self._data}/-", None))

    async def aclose(self) -> None:
        """End all connections."""
        await self._http.aclose()

    def _address(self, tenant: str, vendor: str) -> str:
        # Quoted twice: what Vault unquotes is still one segment without a slash.
        name = f"{quote(tenant, safe='')}@{quote(vendor, safe='')}"
        return f"{self._data}/{quote(name, safe='@')}"

    async def _ask(self, method: str, url: str, body: Mapping[str, Any] | None) -> httpx.Response:
        if isinstance(self._access, AppRole) and (self._renew_at is None or self._clock.now() >= self._renew_at):
            await self._log_in(self._access)
        response = await self._send(method, url, body, self._token)
        if response.status_code == FORBIDDEN and isinstance(self._access, AppRole):
            await self._log_in(self._access)
            response = await self._send(method, url, body, self._token)
        if response.status_code == FORBIDDEN:
            raise FatalError(
                "Vault refuses us (403): the token or role of SLUICEWAY_TOKENS__VAULT is wrong, expired, or its policy "
                f"does not allow create, read and update on {url.removeprefix(self._url).rpartition('/')[0]}/*"
            )
        return response

    async def _log_in(self, role: AppRole) -> None:
        body = {"role_id": role.role_id, "secret_id": role.secret_id}
        response = await self._send("POST", f"{self._url}/v1/auth/approle/login", body, "")
        if response.status_code in {BAD_REQUEST, FORBIDDEN}:
            raise FatalError("Vault refuses the role; correct SLUICEWAY_TOKENS__VAULT_ROLE_ID and …_SECRET_ID")
        auth = _answer(response)["auth"]
        self._token = str(auth["client_token"])
        self._renew_at = self._clock.now() + timedelta(seconds=float(auth["lease_duration"]) / 2)

    async def _send(self, method: str, url: str, body: Mapping[str, Any] | None, token: str) -> httpx.Response:
        headers = {"Content-Type": "application/json", "X-Vault-Request": "true"}
        if token:
            headers["X-Vault-Token"] = token
        content = None if body is None else json.dumps(body).encode()
        try:
            response = await self._http.request(
                "secret", method, url, reads=method == "GET", headers=headers, content=content
            )
        except InDoubtError as error:
            raise RetryableError(str(error)) from error
        if response.status_code >= SERVER_ERROR or response.is_redirect:
            raise RetryableError(f"Vault is not ready to answer (HTTP {response.status_code}): sealed or standing by")
        return response


def _found(response: httpx.Response) -> dict[str, Any] | None:
    """Return the secret and its metadata; None: Vault knows the engine but not the secret."""
    if response.status_code != NOT_FOUND:
        return dict(_answer(response)["data"])
    if _errors(response):
        return dict(_answer(response))
    body = loads(response.content) if response.content else {}
    return body.get("data") if isinstance(body, dict) else None


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.status_code != OK:
        said = "; ".join(_errors(response)) or "no explanation"
        raise FatalError(
            f"Vault refuses (HTTP {response.status_code}: {said}); see SLUICEWAY_TOKENS__VAULT_URL and …_MOUNT, which "
            "must be a key-value engine of version 2"
        )
    return dict(loads(response.content))


def _errors(response: httpx.Response) -> list[str]:
    try:
        answer = loads(response.content)
    except ValueError:
        return []
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return [str(line) for line in errors] if isinstance(errors, list) else []
