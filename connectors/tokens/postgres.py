"""Secrets in one table of PostgreSQL, encrypted before they get there, for the processes of many hosts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, LiteralString, TypeVar

from psycopg import AsyncConnection, Error, InterfaceError, OperationalError
from psycopg.errors import InsufficientPrivilege, UndefinedTable
from psycopg.rows import TupleRow

from connectors.errors import FatalError, RetryableError
from connectors.ports import Secret
from connectors.tokens.envelope import Envelope

T = TypeVar("T")
Link = AsyncConnection[TupleRow]

SCHEMA = """
CREATE TABLE IF NOT EXISTS sluiceway_secret (
    tenant  text   NOT NULL,
    vendor  text   NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    sealed  bytea  NOT NULL,
    PRIMARY KEY (tenant, vendor)
)
"""
READ = "SELECT version, sealed FROM sluiceway_secret WHERE tenant = %s AND vendor = %s"
INSERT = "INSERT INTO sluiceway_secret (tenant, vendor, version, sealed) VALUES (%s, %s, 1, %s) ON CONFLICT DO NOTHING"
UPDATE = """
UPDATE sluiceway_secret SET version = version + 1, sealed = %s WHERE tenant = %s AND vendor = %s AND version = %s
"""
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 10.0
DURABLE = "-c synchronous_commit=on"


class PostgresTokenStore:
    """Keeps each connection's secret in a row; the database sees tenant, vendor and version, and ciphertext.

    One connection is opened with the first call and again when it is lost. A write whose answer was lost is settled by
    reading: the ciphertext is other each time it is made, so a row with ours was written by us.

    Args:
        conninfo: a connection string or URL of libpq, e.g. `host=db user=sluiceway dbname=sluiceway
            sslmode=verify-full`.
        key: 32 bytes (`SLUICEWAY_TOKEN_KEY`).

    Raises (all calls):
        RetryableError: the database does not answer.
        FatalError: it refuses us, the table is not there, or a row does not open with the key.
    """

    def __init__(self, conninfo: str, key: bytes) -> None:
        self._conninfo = conninfo
        self._envelope = Envelope(key)
        self._link: Link | None = None
        self._turn = asyncio.Lock()

    async def get(self, tenant: str, vendor: str) -> Secret | None:
        """Return the current secret, or None for an unknown connection."""

        async def read(link: Link) -> TupleRow | None:
            return await _one(link, READ, (tenant, vendor))

        row = await self._do(read)
        return None if row is None else self._envelope.open(tenant, vendor, row[1], "its row in sluiceway_secret")

    async def compare_and_set(self, tenant: str, vendor: str, secret: Secret, *, expected_version: int) -> bool:
        """Store `secret` durably as version `expected_version + 1` unless someone else did."""
        sealed = self._envelope.seal(tenant, vendor, secret, expected_version + 1)

        async def write(link: Link) -> bool:
            if expected_version:
                cursor = await link.execute(UPDATE, (sealed, tenant, vendor, expected_version))
            else:
                cursor = await link.execute(INSERT, (tenant, vendor, sealed))
            if cursor.rowcount == 1:
                return True
            row = await _one(link, READ, (tenant, vendor))
            return row is not None and row[1] == sealed

        return await self._do(write)

    async def make_table(self) -> None:
        """Make the table unless it is there."""

        async def make(link: Link) -> None:
            await link.execute(SCHEMA)

        await self._do(make)

    async def check(self) -> None:
        """Return if the database answers and has the table."""
        await self.get("", "")

    async def aclose(self) -> None:
        """Close the connection."""
        async with self._turn:
            await self._drop()

    async def _do(self, work: Callable[[Link], Awaitable[T]]) -> T:
        """Run `work`, twice if the connection turns out to be lost."""
        async with self._turn:
            known = self._link is not None
            try:
                return await self._once(work)
            except (OperationalError, InterfaceError, TimeoutError) as error:
                await self._drop()
                if not known:
                    raise _unanswered(error) from error
            try:
                return await self._once(work)
            except (OperationalError, InterfaceError, TimeoutError) as error:
                await self._drop()
                raise _unanswered(error) from error

    async def _once(self, work: Callable[[Link], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                if self._link is None:
                    self._link = await self._connect()
                return await work(self._link)
        except UndefinedTable as error:
            raise FatalError("PostgreSQL has no table sluiceway_secret; `sluiceway tokens apply` makes it") from error
        except InsufficientPrivilege as error:
            raise FatalError(f"PostgreSQL: {error.diag.message_primary}; grant it on sluiceway_secret") from error
        except (OperationalError, InterfaceError):
            raise
        except Error as error:
            raise FatalError(f"PostgreSQL refuses: {error.diag.message_primary or type(error).__name__}") from error

    async def _connect(self) -> Link:
        return await AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS, options=DURABLE
        )

    async def _drop(self) -> None:
        if self._link is not None:
            link, self._link = self._link, None
            await link.close()


async def _one(link: Link, statement: LiteralString, values: Sequence[Any]) -> TupleRow | None:
    cursor = await link.execute(statement, values)
    return await cursor.fetchone()


def _unanswered(error: Exception) -> RetryableError:
    """Say why; libpq's text names host, user and database, never the password."""
    reason = " ".join(str(error).split()) or "no answer in time"
    return RetryableError(f"PostgreSQL does not answer: {reason}; see SLUICEWAY_TOKENS__POSTGRES")
