"""The open connectors of a process: one per tenant and vendor, reopened when its connection changes."""

import asyncio
import logging
from dataclasses import dataclass

from connectors.catalogue import VENDORS
from connectors.kafka.records import VendorConnection
from connectors.ports import Account, Connector, Tools
from streams.delivery.tools import Directory

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A connector and what it was opened for."""

    settings: VendorConnection
    connector: Connector


class Pool:
    """Opens connectors on demand.

    Args:
        directory: who is connected.
        tools: what connectors may use.
    """

    def __init__(self, directory: Directory, tools: Tools) -> None:
        self._directory = directory
        self._tools = tools
        self._open: dict[tuple[str, str], Opened] = {}
        self._closing: set[asyncio.Future[None]] = set()

    def get(self, tenant: str, vendor: str) -> Connector | None:
        """Return the open connector, None if the tenant has no such connection.

        Raises:
            FatalError: a setting of the connection is missing or wrong.
        """
        connection = self._directory.get(tenant)
        wanted = connection.vendors.get(vendor) if connection else None
        opened = self._open.get((tenant, vendor))
        if opened is not None and opened.settings == wanted:
            return opened.connector
        if opened is not None:
            del self._open[tenant, vendor]
            self._close(opened)
        if wanted is None or vendor not in VENDORS:
            return None
        account = Account(tenant, vendor, wanted.base_url, wanted.account, wanted.settings)
        connector = VENDORS[vendor].open(account, self._tools)
        self._open[tenant, vendor] = Opened(wanted, connector)
        return connector

    def _close(self, opened: Opened) -> None:
        task = asyncio.ensure_future(opened.connector.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """Close all."""
        await asyncio.gather(*(opened.connector.aclose() for opened in self._open.values()), return_exceptions=True)
        self._open.clear()
