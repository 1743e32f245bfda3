"""The one table of what runs locally, in which order, where it listens and how it is asked whether it is ready."""

import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connectors.kafka.embedded.kafka import kafka
from connectors.kafka.embedded.process import Program
from connectors.kafka.embedded.registry import registry, registry_url
from streams.local.errors import LocalError
from streams.settings import Settings

Say = Callable[[str], None]
SANDBOXES = ("salesforce", "pardot", "quickbooks", "woocommerce", "shopify", "stripe")


@dataclass(frozen=True, slots=True)
class Step:
    """One process. It starts once all of `after` are ready (or, being a one-off, done) and stops before them.

    `ports` are those it binds, by their name in the settings; `address` is what a person opens or connects to.
    `lasting` is False for a one-off, which must end with 0.
    """

    name: str
    prepare: Callable[[], Awaitable[Program]]
    after: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = ""
    lasting: bool = True


def plan(settings: Settings, env: Mapping[str, str], say: Say) -> list[Step]:
    """Return every step, prerequisites first; `env` is what our own commands get on top of our environment."""
    ports, data = settings.ports, settings.data_dir

    def ours(name: str, *argv: str, ready: Sequence[str] = ()) -> Callable[[], Awaitable[Program]]:
        async def prepare() -> Program:
            command = (sys.executable, "-m", "streams.cli", *argv)
            return Program(name, command, data / "logs" / f"{name}.log", tuple(ready), env)

        return prepare

    def url(port: int, path: str = "") -> str:
        return f"http://{settings.host}:{port}{path}"

    vendors: dict[str, int] = {name: getattr(ports, name) for name in SANDBOXES}
    contracts = ("topics", "schemas")
    return [
        Step(
            "kafka",
            lambda: kafka(data, port=ports.kafka, controller_port=ports.kafka_controller, say=say),
            ports={"kafka": ports.kafka, "kafka_controller": ports.kafka_controller},
            address=f"127.0.0.1:{ports.kafka}",
        ),
        Step(
            "registry",
            lambda: registry(data, port=ports.registry, bootstrap_servers=f"127.0.0.1:{ports.kafka}", say=say),
            after=("kafka",),
            ports={"registry": ports.registry},
            address=registry_url(ports.registry),
        ),
        Step("topics", ours("topics", "topics", "apply"), after=("kafka",), lasting=False),
        Step("schemas", ours("schemas", "schemas", "apply"), after=("registry",), lasting=False),
        Step(
            "sandbox",
            ours("sandbox", "sandbox", ready=[url(port, "/__sandbox/health") for port in vendors.values()]),
            ports={**vendors, "salesforce_pubsub": ports.salesforce_pubsub},
            address="  ".join(url(port) for port in vendors.values()),
        ),
        Step(
            "gateway",
            ours("gateway", "gateway", ready=[url(ports.gateway_metrics, "/readyz")]),
            after=contracts,
            ports={"gateway": ports.gateway, "gateway_metrics": ports.gateway_metrics},
            address=url(ports.gateway),
        ),
        Step(
            "transform",
            ours("transform", "transform", ready=[url(ports.transform_metrics, "/readyz")]),
            after=contracts,
            ports={"transform_metrics": ports.transform_metrics},
            address=url(ports.transform_metrics, "/metrics"),
        ),
        Step(
            "connect",
            ours("connect", "connect", ready=[url(ports.connect_metrics, "/readyz")]),
            after=(*contracts, "sandbox"),
            ports={"connect_metrics": ports.connect_metrics},
            address=url(ports.connect_metrics, "/metrics"),
        ),
    ]


def names(settings: Settings) -> list[str]:
    """Return the names of all steps, prerequisites first."""
    return [step.name for step in plan(settings, {}, print)]


def select(steps: Sequence[Step], only: Collection[str]) -> list[Step]:
    """Return the named steps, waiting only for one another; what they need besides is taken to be there.

    Raises:
        LocalError: a name is in no step.
    """
    needs: dict[str, set[str]] = {}
    for step in steps:
        needs[step.name] = {*step.after}.union(*(needs[name] for name in step.after))
    for name in only:
        if name not in needs:
            raise LocalError(f"--only: there is no {name!r}; known are {', '.join(needs)}")
    return [replace(step, after=tuple(needs[step.name] & {*only})) for step in steps if step.name in only]
