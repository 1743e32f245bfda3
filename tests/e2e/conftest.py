"""The whole of Sluiceway on free ports, as `sluiceway up --detach` starts it, for all end-to-end tests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.kafka.embedded.ports import free_ports
from streams.demo.addresses import Addresses
from streams.settings import Ports, Settings


@dataclass(frozen=True, slots=True)
class Running:
    """A running stack and its command line."""

    env: dict[str, str]
    addresses: Addresses

    def sluiceway(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as an operator would."""
        env_file = self.addresses.data_dir / "env"
        before = ["--env-file", str(env_file)] if env_file.exists() else []
        command = [sys.executable, "-m", "streams.cli", *before, *argv]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=False, timeout=240)

    def status(self) -> dict[str, dict[str, Any]]:
        """Return what runs, by name."""
        found = json.loads(self.sluiceway("status", "--json").stdout)
        return {service["name"]: service for service in found["services"]}

    def kill(self, role: str) -> None:
        """End a role's process at once; the supervisor starts it anew."""
        os.kill(self.status()[role]["pid"], signal.SIGKILL)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Start everything once; whatever happens, nothing is left running."""
    folder = tmp_path_factory.mktemp("up")
    names = list(Ports.model_fields)
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    env = os.environ | {f"SLUICEWAY_PORTS__{name.upper()}": str(port) for name, port in ports.items()}
    env["SLUICEWAY_DATA_DIR"] = str(folder)
    running = Running(env, Addresses.of(Settings(data_dir=folder, ports=Ports(**ports))))
    started = running.sluiceway("up", "--detach")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield running
    finally:
        running.sluiceway("down")
