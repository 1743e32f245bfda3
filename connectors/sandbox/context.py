"""What the framework gives a vendor, and what a vendor gives back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.accounts import Accounts
from connectors.sandbox.authority import Authority
from connectors.sandbox.clock import Clock
from connectors.sandbox.database import Database
from connectors.sandbox.faults import Faults
from connectors.sandbox.limits import Limits
from connectors.sandbox.meter import Meter
from connectors.sandbox.oauth import Tokens
from connectors.sandbox.webhooks import Webhooks

SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class SandboxContext:
    """Everything a vendor's app may use; built once per vendor by `server.serve`.

    `ports` holds the port numbers asked for, by name, for vendors that serve a second protocol;
    `host` and `port` are where the vendor's own app listens.
    """

    vendor: str
    host: str
    port: int
    ports: Mapping[str, int]
    data_dir: Path
    clock: Clock
    random: Random
    authority: Authority
    database: Database
    accounts: Accounts
    faults: Faults
    meter: Meter
    limits: Limits
    tokens: Tokens
    webhooks: Webhooks

    @property
    def base_url(self) -> str:
        """The plain HTTP address of this vendor, without a final slash."""
        return f"http://{self.host}:{self.port}"

    @property
    def https_url(self) -> str:
        """The same address over TLS."""
        return f"https://{self.host}:{self.port}"

    def setting(self, account: str, name: str, default: Any) -> Any:
        """A vendor's switch as an admin set it for an account, else the default."""
        return (self.database.value(account, SETTINGS) or {}).get(name, default)

    def wrote(self, account: str, name: str) -> None:
        """Count a write to an object on the meter, once the open transaction is committed."""
        self.database.after_commit(lambda: self.meter.write(account, name))


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's app and the answers only the vendor knows.

    The framework calls `open_account`, `furnish`, `credentials` and `seed` inside a transaction.
    `settings` are the switches admins may set per account, with their defaults.
    """

    app: Starlette
    open_account: Callable[[str], dict[str, Any]]
    """Account name -> its identity, at least client_id and client_secret; the same at every call."""
    furnish: Callable[[str], None]
    """Fill an empty account with what every new company has; also called after a reset."""
    credentials: Callable[[str, str], dict[str, Any]]
    """(account, https or http address as the caller sees it) -> what a client needs to connect."""
    account_of: Callable[[Request], str | None]
    """The account a call is about, for meter and faults; None if it cannot be told."""
    operation_of: Callable[[Request], str]
    """A short stable name for the call, such as `create Customer`; `request.state.body` has the body."""
    throttled: Callable[[Request], Response]
    """The vendor's answer to a caller that is too fast."""
    records: Callable[[str, str], list[dict[str, Any]]]
    """(account, object) -> what is stored."""
    seed: Callable[[str, int, int], dict[str, int]]
    """(account, size, seed) -> number of records made by object; same arguments, same records."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    concurrency: Callable[[Request, str], int | None] = lambda _request, _account: None
    """(call, its account) -> how many of the account's calls may be under way at once, this one included; the others
    get `throttled`. None: this call does not count."""


Build = Callable[[SandboxContext], Vendor]
"""A vendor's factory, named in `vendors.VENDORS`."""

OPERATION_NUMBER = re.compile(r"/[0-9]+(?=/|$)")


def plain_operation(request: Request) -> str:
    """Name a call by method and path, ids left out."""
    return f"{request.method} {OPERATION_NUMBER.sub('/*', request.url.path)}"
