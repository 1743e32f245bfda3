"""Vault's key-value engine and AppRole as its API pages describe them, as far as the store of secrets asks."""

from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LEASE = 3600


@dataclass
class FakeVault:
    """One Vault with an engine at `secret/`; keeps every version, and who may come in."""

    tokens: set[str] = field(default_factory=lambda: {"root"})
    versions: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)
    logins: int = 0
    sealed: bool = False

    def app(self) -> Starlette:
        """Return the server."""
        return Starlette(
            routes=[
                Route("/v1/auth/approle/login", self._login, methods=["POST"]),
                Route("/v1/secret/data/{path:path}", self._data, methods=["GET", "POST"]),
                Route("/{path:path}", self._nowhere, methods=["GET", "POST"]),
            ]
        )

    def delete(self, path: str) -> None:
        """Delete the newest version, as `vault kv delete` does."""
        self.versions[path][-1] = None

    async def _login(self, request: Request) -> Response:
        body = await request.json()
        if body != {"role_id": "role", "secret_id": "s3cr3t"}:
            return _errors(400, "invalid role or secret ID")
        self.logins += 1
        token = f"hvs.{self.logins}"
        self.tokens = {token}
        return JSONResponse({"auth": {"client_token": token, "lease_duration": LEASE, "renewable": True}})

    async def _nowhere(self, request: Request) -> Response:
        return self._refusal(request) or _errors(404, f"no handler for route {request.url.path!r}.")

    def _refusal(self, request: Request) -> Response | None:
        if self.sealed:
            return _errors(503, "Vault is sealed")
        return None if request.headers.get("x-vault-token") in self.tokens else _errors(403, "permission denied")

    async def _data(self, request: Request) -> Response:
        if (refused := self._refusal(request)) is not None:
            return refused
        path = request.path_params["path"]
        return self._read(path) if request.method == "GET" else self._write(path, await request.json())

    def _read(self, path: str) -> Response:
        versions = self.versions.get(path)
        if not versions:
            return _errors(404)
        metadata = {"version": len(versions), "deletion_time": "", "destroyed": False}
        body = {"data": {"data": versions[-1], "metadata": metadata}}
        return JSONResponse(body, 404 if versions[-1] is None else 200)

    def _write(self, path: str, body: dict[str, Any]) -> Response:
        versions = self.versions.setdefault(path, [])
        if body["options"]["cas"] != len(versions):
            return _errors(400, "check-and-set parameter did not match the current version")
        versions.append(body["data"])
        return JSONResponse({"data": {"version": len(versions), "destroyed": False}})


def _errors(status: int, *errors: str) -> Response:
    return JSONResponse({"errors": errors}, status)
