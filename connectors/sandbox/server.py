"""Runs any of the vendors in one process, a port each."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom

from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.sandbox.accounts import Accounts
from connectors.sandbox.admin import PREFIX, Admin
from connectors.sandbox.authority import LOCAL_NAMES, Authority
from connectors.sandbox.clock import Clock, SystemClock, VendorClock
from connectors.sandbox.context import Build, SandboxContext, Vendor
from connectors.sandbox.database import Database
from connectors.sandbox.exchange import Exchange
from connectors.sandbox.faults import Faults
from connectors.sandbox.limits import Limits
from connectors.sandbox.listener import Listener, bind
from connectors.sandbox.meter import Meter
from connectors.sandbox.oauth import Tokens
from connectors.sandbox.vendors import VENDORS
from connectors.sandbox.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """The running vendors; `ports` are the bound ones by vendor, `ca_file` the certificate to trust for https."""

    host: str
    ports: Mapping[str, int]
    ca_file: Path
    contexts: Mapping[str, SandboxContext]
    _stack: AsyncExitStack

    def url(self, vendor: str, scheme: str = "http") -> str:
        """The address of one vendor, without a final slash."""
        return f"{scheme}://{self.host}:{self.ports[vendor]}"

    async def aclose(self) -> None:
        """Stop all of them; their state stays in the data folder."""
        await self._stack.aclose()


async def serve(
    vendors: Sequence[str],
    data_dir: Path,
    ports: Mapping[str, int],
    host: str = "127.0.0.1",
    *,
    table: Mapping[str, tuple[int, Build]] = VENDORS,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Sandboxes:
    """Start these vendors and return once they accept calls.

    `ports` overrides default ports by vendor name; 0 takes any free one. Raises ValueError for an unknown vendor and
    PortTakenError, with nothing left running.
    """
    for name in vendors:
        if name not in table:
            raise ValueError(f"unknown vendor {name!r}; known: {', '.join(sorted(table))}")
    clock, random = clock or SystemClock(), random or SystemRandom()
    authority = Authority(data_dir)
    tls = authority.server_context(*dict.fromkeys((host, *LOCAL_NAMES)))
    contexts: dict[str, SandboxContext] = {}
    async with AsyncExitStack() as stack:
        for name in vendors:
            port, build = table[name]
            address = bind(host, ports.get(name, port), f"the {name} sandbox")
            stack.callback(address.close)
            listener = Listener(address, tls)
            ctx = _context(
                vendor=name,
                host=host,
                port=listener.port,
                ports=ports,
                data_dir=data_dir,
                clock=clock,
                random=random,
                authority=authority,
            )
            stack.callback(ctx.database.close)
            await _start(ctx, build(ctx), listener, stack)
            contexts[name] = ctx
        bound = {name: ctx.port for name, ctx in contexts.items()}
        return Sandboxes(host, bound, authority.ca_file, contexts, stack.pop_all())


def _context(
    *,
    vendor: str,
    host: str,
    port: int,
    ports: Mapping[str, int],
    data_dir: Path,
    clock: Clock,
    random: Random,
    authority: Authority,
) -> SandboxContext:
    # Limits, tokens and deliveries count by one clock: a vendor's own is wrong for all of them alike.
    vendors = VendorClock(clock)
    database = Database(data_dir / f"{vendor}.sqlite", vendors)
    accounts, faults, meter = Accounts(database), Faults(), Meter(clock)
    return SandboxContext(
        vendor=vendor,
        host=host,
        port=port,
        ports=ports,
        data_dir=data_dir,
        clock=vendors,
        random=random,
        authority=authority,
        database=database,
        accounts=accounts,
        faults=faults,
        meter=meter,
        limits=Limits(database, clock, meter),
        tokens=Tokens(database, accounts, clock, random),
        webhooks=Webhooks(database, clock, faults),
    )


async def _start(ctx: SandboxContext, vendor: Vendor, listener: Listener, stack: AsyncExitStack) -> None:
    await stack.enter_async_context(vendor.app.router.lifespan_context(vendor.app))
    ctx.webhooks.start()
    stack.push_async_callback(ctx.webhooks.aclose)
    exchange = Exchange(ctx, vendor)
    stack.push_async_callback(exchange.aclose)
    # Accepting stops before anything that requests use is taken away.
    stack.push_async_callback(listener.aclose)
    listener.start(_dispatch(Admin(ctx, vendor).app(), exchange))


def _dispatch(admin: ASGIApp, exchange: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        inner = admin if scope["path"].startswith(f"{PREFIX}/") else exchange
        await inner(scope, receive, send)

    return app
