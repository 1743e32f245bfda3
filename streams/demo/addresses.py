"""Where the demo finds what it needs."""

from dataclasses import dataclass
from pathlib import Path

from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Addresses:
    """Of the running stack; no final slashes."""

    salesforce: str
    pardot: str
    quickbooks: str
    gateway: str
    kafka: str
    registry: str
    data_dir: Path

    @classmethod
    def of(cls, settings: Settings) -> "Addresses":
        """Return the addresses of a stack started with these settings."""
        ports = settings.ports
        return cls(
            salesforce=f"http://{settings.host}:{ports.salesforce}",
            pardot=f"http://{settings.host}:{ports.pardot}",
            quickbooks=f"http://{settings.host}:{ports.quickbooks}",
            gateway=f"http://{settings.host}:{ports.gateway}",
            kafka=f"127.0.0.1:{ports.kafka}",
            registry=f"http://127.0.0.1:{ports.registry}/apis/ccompat/v7",
            data_dir=settings.data_dir,
        )
