import base64
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streams.local.plan import SANDBOXES
from streams.settings import Ports, Settings

Services = dict[str, Any]
PORTS = Ports()
# What each long-running service listens on for this machine, by compose name.
PUBLISHED = {
    "kafka": {PORTS.kafka},
    "registry": {PORTS.registry},
    "gateway": {PORTS.gateway},
    "sandbox": {PORTS.salesforce_pubsub, *(getattr(PORTS, name) for name in SANDBOXES)},
    "prometheus": {9090},
    "grafana": {3000},
}
READY = {
    "transform": f"{PORTS.transform_metrics}/readyz",
    "connect": f"{PORTS.connect_metrics}/readyz",
    "gateway": f"{PORTS.gateway_metrics}/readyz",
    "sandbox": f"{PORTS.salesforce}/__sandbox/health",
}


def test_follows_the_compose_specification(root: Path) -> None:
    """The file satisfies the Compose Specification's schema."""
    tool = Path(sys.executable).with_name("check-jsonschema")
    command: list[str | Path] = [tool, "--builtin-schema", "vendor.compose-spec", root / "docker-compose.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_has_every_part(services: Services) -> None:
    """Kafka, registry, initialisation, all four roles, Prometheus and Grafana are there, and nothing else."""
    assert set(services) == {
        *("kafka", "registry", "init"),
        *("transform", "connect", "gateway", "sandbox"),
        *("prometheus", "grafana"),
    }


def test_pins_images(services: Services) -> None:
    """Every image names one version with at least three numbers."""
    for name, service in services.items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), f"{name}: {service['image']}"


def test_confines_every_container(services: Services) -> None:
    """No container runs as root, writes to its root file system, keeps a capability or may gain one."""
    for name, service in services.items():
        assert str(service["user"]).split(":")[0] not in {"", "0", "root"}, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name


def test_restarts_and_checks_health(services: Services) -> None:
    """Every lasting service comes back by itself and says whether it is healthy; init runs once, with a few tries."""
    for name, service in services.items():
        if name == "init":
            assert service["restart"].startswith("on-failure:")
            continue
        assert service["restart"] == "unless-stopped", name
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"]), name


def test_asks_each_role_on_its_own_port(roles: Services) -> None:
    """A role's health check asks the port that the settings give it."""
    asked = {name: role["healthcheck"]["test"] for name, role in roles.items() if name != "init"}
    assert asked == {name: ["CMD", "ready", address] for name, address in READY.items()}


def test_publishes_on_loopback_only(services: Services) -> None:
    """Ports are published on 127.0.0.1 alone, under the addresses that the settings document."""
    published: dict[str, set[int]] = {}
    for name, service in services.items():
        for port in service.get("ports", []):
            host, outside, _inside = port.split(":")
            assert host == "127.0.0.1", f"{name}: {port}"
            published.setdefault(name, set()).add(int(outside))
    assert published == PUBLISHED


def test_sets_only_settings_that_exist(roles: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each role's environment makes valid settings, and every variable of ours in it changes a declared field."""
    for name, role in roles.items():
        environment = {key: _value(value) for key, value in role["environment"].items()}
        with monkeypatch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            settings = Settings()
        for key in environment:
            part: Any = settings
            for field in key.removeprefix("SLUICEWAY_").lower().split("__"):
                assert field in type(part).model_fields, f"{name}: {key}"
                part = getattr(part, field)
        assert settings.host == "0.0.0.0"  # noqa: S104  inside the container


def test_one_broker_holds_one_replica(roles: Services) -> None:
    """Topics ask for no more replicas than there are brokers."""
    for role in roles.values():
        assert role["environment"]["SLUICEWAY_KAFKA__REPLICATION_FACTOR"] == 1
        assert role["environment"]["SLUICEWAY_KAFKA__MIN_INSYNC_REPLICAS"] == 1


def test_insists_on_the_token_key(roles: Services) -> None:
    """Compose refuses to start without the token key, says how to make one, and gives it to those who need it alone."""
    holders = {name for name, role in roles.items() if "SLUICEWAY_TOKEN_KEY" in role["environment"]}
    assert holders == {"connect", "gateway"}
    for name in holders:
        assert re.fullmatch(
            r"\$\{SLUICEWAY_TOKEN_KEY:\?.*\.env.*deploy/README\.md.*\}",
            roles[name]["environment"]["SLUICEWAY_TOKEN_KEY"],
        )


def test_documents_what_a_user_sets(root: Path, compose: dict[str, Any]) -> None:
    """Every variable that the file takes from outside is in env.example."""
    example = (root / "deploy/env.example").read_text()
    taken = {*re.findall(r"\$\{(\w+)", (root / "docker-compose.yml").read_text())}
    taken |= {key for service in compose["services"].values() for key, value in _environment(service) if value is None}
    assert taken
    assert {name for name in taken if f"{name}=" not in example} == set()


def test_starts_in_order(services: Services) -> None:
    """Roles wait until topics and schemas are applied, which waits for broker and registry."""
    for name in ("transform", "connect", "gateway"):
        assert services[name]["depends_on"] == {"init": {"condition": "service_completed_successfully"}}
    assert set(services["init"]["depends_on"]) == {"kafka", "registry"}
    assert services["init"]["command"] == ["sluiceway topics apply && sluiceway schemas apply"]


def test_keeps_state_in_declared_volumes(compose: dict[str, Any], roles: Services) -> None:
    """All volumes are declared or folders of this repository, and each role's data folder is one."""
    sources = {
        volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])
    }
    named = {source for source in sources if not source.startswith("./")}
    assert named == set(compose["volumes"])
    for name, role in roles.items():
        if name != "init":
            target = role["volumes"][0].split(":")[1]
            assert target == role["environment"]["SLUICEWAY_DATA_DIR"], name


def _environment(service: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(service.get("environment", {}).items())


def _value(value: object) -> str:
    """What compose would put in place of a variable."""
    if value is None or str(value).startswith("${SLUICEWAY_TOKEN_KEY"):
        return base64.b64encode(bytes(32)).decode()
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value))
