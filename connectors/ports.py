"""What a connector offers and what it is given. Each protocol is the whole contract; `errors.py` has the other half."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from connectors.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Raw:
    """One vendor object as received.

    Attributes:
        object: the vendor's name of the type, e.g. `Opportunity`.
        remote_id: the vendor's id of the object.
        version: orders versions of this object within the vendor (`x-source-version`); see the connector's README.
        body: the JSON as received, UTF-8; `{}` for a deletion.
        deleted: the vendor says the object is gone.
        hint: only the id is known (a webhook without content); the object must be fetched.
        merged_into: the id of the object that this one was merged into, which is why it is gone; `""`: it was not.
        undeleted: it was deleted and is back, so that it follows its deletion even where both have one version.
        ours: the vendor says that this very connection made the change.
    """

    object: str
    remote_id: str
    version: str
    body: bytes
    deleted: bool = False
    hint: bool = False
    merged_into: str = ""
    undeleted: bool = False
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """A page of records and the cursor from which to resume once they are in Kafka.

    Attributes:
        caught_up: with this page there was nothing newer; said by a source whose `read` does not end by itself.
    """

    records: Sequence[Raw]
    cursor: str
    caught_up: bool = False


@dataclass(frozen=True, slots=True)
class RemoteRef:
    """Where an object lives at the vendor; `sync_token` is what an update must present (QuickBooks), else `""`."""

    id: str
    sync_token: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One write of one vendor object.

    Attributes:
        object: the vendor's name of the type, e.g. `Invoice`.
        object_key: our name of the object, stable for its life, e.g. `order/<id>/1`.
        operation: `put` (create, or update when `remote` is set), `void` or `delete`.
        body: the full desired state in the vendor's shape, references already filled in with vendor ids.
        request_id: idempotency key, at most 50 characters, equal for every repeat of the same content.
        remote: the object at the vendor; None asks for a create.
        attempted_at: when the attempt was first recorded; bounds what `find` must look through. None: no attempt of
            ours is known, the object may be of any age.
        former_ids: the vendor's ids that the object had and has no more. `find` may return such an object where it is
            in the way of a create; it is never taken for ours.
    """

    object: str
    object_key: str
    operation: str
    body: Mapping[str, Any]
    request_id: str
    remote: RemoteRef | None
    attempted_at: datetime | None
    former_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call: either `remote` and the vendor's stored object, or the error.

    Attributes:
        version: of the stored object, comparable with `Raw.version`; a hint no newer than it is our own echo. `""`
            where the vendor's answer does not tell.
    """

    remote: RemoteRef | None = None
    body: bytes = b"{}"
    error: ConnectorError | None = None
    version: str = ""


class Source(Protocol):
    """Reads changes of one vendor account.

    `read` is called by the owner of the tenant, one call at a time, again and again: it yields pages from just after
    `cursor` (None: from the beginning) and ends when there is nothing newer. A page's cursor is stored together with
    its records; reading again from any stored cursor must miss nothing and may repeat. It keeps no state of its own.

    Raises:
        ConnectorError: any of the tree; the owner waits, pauses or alerts, and calls again from the stored cursor.
    """

    name: str

    def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield pages from just after `cursor` until there is nothing newer."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """An extra ability of a source: its `read` waits for the vendor's events and does not end by itself.

    While it waits it holds no permit: the first request after a page takes one, further ones take theirs beside it, so
    that it must yield (an empty batch will do) before it waits again. It asks `pacing.room` before each page of a
    backfill, goes on with what is live meanwhile, and says `caught_up`. Closing it ends the waiting.
    """

    streaming: bool


class Fetcher(Protocol):
    """Reads named objects in full, for hints and snapshots."""

    async def fetch(self, object_type: str, ids: Sequence[str]) -> Sequence[Raw]:
        """Return one Raw per id, in any order; an object that is gone comes back with `deleted`.

        Raises:
            ConnectorError: nothing was read.
        """
        ...


class Sink(Protocol):
    """Writes objects of one vendor account. Never retries by itself: the delivery layer decides.

    `write` is called with at most `max_batch` calls and returns as many outcomes in the same order; it raises nothing
    but programming errors. `find` is asked only when a call is in doubt, or before a first create when no id is known:
    it looks for the object at the vendor and returns its outcome, or None when it is surely not there.

    Raises (find only):
        ConnectorError: the look-up itself failed; ask again.
    """

    name: str
    max_batch: int

    async def write(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        """Carry out the calls; the answer has the same order and length."""
        ...

    async def find(self, call: Call) -> Outcome | None:
        """Look for the object of `call` at the vendor."""
        ...


@runtime_checkable
class Lookup(Protocol):
    """An extra ability of a sink: knows the vendor's ids of objects that are not ours, such as classes and terms."""

    async def lookup(self, object_type: str, name: str) -> str | None:
        """Return the id of the object with that name, None if the vendor has none; one call to the vendor.

        Raises:
            ConnectorError: the look-up failed, or RejectedError: objects of that type cannot be looked up.
        """
        ...


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of a vendor's object, as the vendor describes it.

    Attributes:
        name: what records and a connection's `custom_fields` call it: API name, QuickBooks' DefinitionId.
        label: what people see.
        type: string, number, boolean, date, instant, picklist, texts (several of a list), or `other`: it fits anything.
        length: longest text, in characters; 0: the vendor does not say.
        writable: the API may set it.
        values: of a list, those that may be chosen; empty: the vendor does not say.
        restricted: other values than `values` are refused.
        custom: the company made it; else the vendor did.
    """

    name: str
    label: str
    type: str
    length: int = 0
    writable: bool = True
    values: Sequence[str] = ()
    restricted: bool = False
    custom: bool = True


class Describer(Protocol):
    """Tells which fields a company has, its custom ones above all; asked by commands only."""

    @property
    def objects(self) -> Sequence[str]:
        """The types that may have some."""
        ...

    def describes(self, name: str) -> bool:
        """Tell whether a field of this name, if there is one, is among those that `fields` returns."""
        ...

    async def fields(self, object_type: str) -> Sequence[FieldInfo]:
        """Return the fields of a type, in order of name; one or two calls to the vendor.

        Raises:
            ConnectorError: they could not be read.
        """
        ...


class WebhookReader(Protocol):
    """Turns one vendor's webhook requests into records. Header names are lower case, the body is the raw bytes."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """Tell whether the body was signed with one of the live secrets, and lately where the vendor signs a time."""
        ...

    def delivery_id(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the vendor's id of this delivery, the same when it is sent again; None when it has none.

        Asked only about verified requests; a body that cannot be read has none.
        """
        ...

    def parse(self, headers: Mapping[str, str], body: bytes) -> Mapping[str, Sequence[Raw]]:
        """Return the records by the vendor's account id (QuickBooks realm, shop domain, …), as `Account` has it.

        `""` stands for the account of a request that names none: its records are taken only at an address with the
        tenant, `/webhooks/{vendor}/{tenant}`.

        Raises:
            DecodeError: the body is not what the vendor documents.
        """
        ...


class Clock(Protocol):
    """Time as the callers see it; tests pass one that they move."""

    def now(self) -> datetime:
        """Return the current instant, aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True)
class Secret:
    """What a connection must keep secret. Never printed: its repr is masked.

    Attributes:
        values: e.g. client_id, client_secret, access_token, refresh_token, webhook_secret.
        expires_at: when `access_token` ends, if known.
        refreshing_since: a refresh was begun at that instant and its outcome is not stored yet.
        version: counts up with every change; `compare_and_set` guards on it.
    """

    values: Mapping[str, str]
    expires_at: datetime | None = None
    refreshing_since: datetime | None = None
    version: int = 0

    def __repr__(self) -> str:
        return f"Secret({', '.join(sorted(self.values))}, version={self.version})"


class TokenStore(Protocol):
    """Keeps the secrets of connections; never in Kafka, logs or errors.

    Raises (all calls):
        RetryableError: the store does not answer; what was to be stored may have been.
        FatalError: it cannot be used so: address, rights or key are wrong.
    """

    async def get(self, tenant: str, vendor: str) -> Secret | None:
        """Return the current secret, or None for an unknown connection."""
        ...

    async def compare_and_set(self, tenant: str, vendor: str, secret: Secret, *, expected_version: int) -> bool:
        """Store `secret` durably as version `expected_version + 1` unless someone else did; 0 means: not there yet."""
        ...

    async def check(self) -> None:
        """Return if the store can be read."""
        ...

    async def aclose(self) -> None:
        """End its connections."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """One tenant's connection to one vendor, as `connection.v1` has it: no secrets.

    Attributes:
        account: the vendor's id of the company: QuickBooks realm, Salesforce org, Pardot business unit.
        settings: what the connector's README lists, e.g. `token_url`, `in_doubt_seconds`, `poll_seconds`.
    """

    tenant: str
    vendor: str
    base_url: str
    account: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` calls in any `seconds` seconds (sliding)."""

    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor allows one account.

    Attributes:
        windows: all hold at once.
        concurrency: calls under way at the same time.
        in_doubt_seconds: after so long a lost call has surely been carried out or not, and reads show it.
        poll_seconds: how long a source rests between two reads, unless the connection says so itself.
    """

    windows: Sequence[Window]
    concurrency: int
    in_doubt_seconds: float
    poll_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Connector:
    """The parts of one open connection; absent parts are None. `aclose` ends its HTTP connections."""

    limits: Limits
    source: Source | None
    fetcher: Fetcher | None
    sink: Sink | None
    aclose: Callable[[], Awaitable[None]]
    describer: Describer | None = None


@dataclass(frozen=True, slots=True)
class Tools:
    """What a connector may use of the process it runs in."""

    clock: Clock
    tokens: TokenStore
    allow_hosts: frozenset[str]


class Vendor(Protocol):
    """A vendor's entry in `connectors/catalogue.py`."""

    name: str
    webhook: WebhookReader | None

    def open(self, account: Account, tools: Tools) -> Connector:
        """Build the connection; nothing is sent yet.

        Raises:
            FatalError: a setting is missing or wrong; the message names it.
        """
        ...
