"""Who tells tenants that their business day begins: once a day each, whatever happens in between."""

import asyncio
import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.kafka.records import Connection, Tick, VendorConnection
from streams.delivery.midnight import Midnight
from streams.delivery.tools import DeliveryTools
from tests.unit.delivery.kit.shard import Disk, MemoryShard
from tests.unit.delivery.kit.virtual import EPOCH, VirtualClock, virtual
from tests.unit.delivery.kit.world import CODEC, Connections

ZONES = {"auckland": "Pacific/Auckland", "new-york": "America/New_York"}


class Company:
    """A directory of tenants and the disk of their partition."""

    def __init__(self) -> None:
        self.directory = Connections()
        self.disk = Disk()
        for tenant, zone in ZONES.items():
            self.connect(tenant, zone)

    def connect(self, tenant: str, zone: str) -> None:
        """Connect a tenant, or move it to another zone."""
        vendors = {"acme": VendorConnection("http://127.0.0.1", "realm")}
        self.directory.tenants[tenant] = Connection(tenant, 1, vendors, zone, "EUR")

    def own(self) -> tuple[Midnight, "asyncio.Task[None]"]:
        """Begin a term as owner."""
        tools = DeliveryTools(CODEC, VirtualClock(), lambda *_: None, self.directory, random.Random(1), 1)  # noqa: S311  unused
        midnight = Midnight(MemoryShard(self.disk), tools, lambda: sorted(self.directory.tenants))
        return midnight, asyncio.ensure_future(midnight.run())

    @property
    def ticks(self) -> list[tuple[str, date]]:
        """Every day that was told."""
        return [(tick.tenant, tick.on) for tick in (CODEC.decode_as(o.value or b"", Tick) for o in self.disk.outputs)]


def test_a_day_is_told_once_at_midnight_in_the_company_s_zone() -> None:
    """Each tenant's day is told at its own midnight; owners that come and go, and hours without one, repeat nothing."""

    async def story() -> Company:
        company = Company()
        for hours in (1, 3, 30, 0.5):
            _, term = company.own()
            await asyncio.sleep(hours * 3600)
            term.cancel()
            await asyncio.gather(term, return_exceptions=True)
        return company

    found = virtual(story()).ticks
    assert len(set(found)) == len(found)
    for tenant, zone in ZONES.items():
        days = [on for name, on in found if name == tenant]
        assert days == sorted(days)
        assert days[0] == _today(zone, EPOCH)
        assert days[-1] == _today(zone, EPOCH + timedelta(hours=34.5))


def test_days_without_an_owner_are_left_out() -> None:
    """After three days of silence only the day that it is then is told."""

    async def story() -> Company:
        company = Company()
        for rest in (72, 0):
            _, term = company.own()
            await asyncio.sleep(1)
            term.cancel()
            await asyncio.gather(term, return_exceptions=True)
            await asyncio.sleep(rest * 3600)
        return company

    assert len(virtual(story()).ticks) == 2 * len(ZONES)


def test_a_tenant_that_is_new_is_told_at_once() -> None:
    """It need not wait for the next midnight of another; a zone whose day is over already repeats none."""

    async def story() -> Company:
        company = Company()
        midnight, term = company.own()
        await asyncio.sleep(1)
        company.connect("berlin", "Europe/Berlin")
        company.connect("auckland", "America/Los_Angeles")
        midnight.wake()
        await asyncio.sleep(1)
        term.cancel()
        await asyncio.gather(term, return_exceptions=True)
        return company

    found = virtual(story()).ticks
    assert [tenant for tenant, _ in found] == ["auckland", "new-york", "berlin"]


def _today(zone: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(zone)).date()
