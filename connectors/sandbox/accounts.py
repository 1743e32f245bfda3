"""Accounts: each is a separate company, org or business unit with credentials of its own."""

import hashlib
import re
from typing import Any

from connectors.sandbox.database import Database
from connectors.sandbox.json_text import dumps, loads

DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")


class Accounts:
    """The accounts of one vendor: name -> identity (a JSON object such as realm, client_id, client_secret)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> dict[str, Any] | None:
        """The identity of an account, or None where nobody has opened it."""
        rows = self._database.execute("SELECT body FROM accounts WHERE name=?", (name,))
        return loads(rows[0][0]) if rows else None

    def put(self, name: str, identity: dict[str, Any]) -> None:
        """Open an account."""
        self._database.execute("INSERT OR REPLACE INTO accounts(name, body) VALUES (?,?)", (name, dumps(identity)))

    def names(self) -> list[str]:
        """Every open account, sorted."""
        return [row[0] for row in self._database.execute("SELECT name FROM accounts ORDER BY name")]

    def find(self, field: str, value: str) -> str | None:
        """The name of the account whose identity has this value, such as its realm."""
        rows = self._database.execute(
            "SELECT name FROM accounts WHERE json_extract(body, '$.' || ?)=? ORDER BY name", (field, value)
        )
        return rows[0][0] if rows else None


def derive(vendor: str, account: str, purpose: str, length: int = 32) -> str:
    """Lower-case hex made from the names, so that a restart or an emptied data folder gives the same credentials."""
    return hashlib.sha256(f"{vendor}/{account}/{purpose}".encode()).hexdigest()[:length]


def derive_digits(vendor: str, account: str, purpose: str, length: int) -> str:
    """As `derive`, decimal digits without a leading zero."""
    number = int(derive(vendor, account, purpose, 64), 16)
    return str(10 ** (length - 1) + number % (9 * 10 ** (length - 1)))
