"""What people get wrong: each a message that names field or file and remedy, none a traceback."""

import time
from pathlib import Path

import httpx
import pytest
import yaml

from streams.demo.company import Company
from tests.e2e.conftest import Running


def _refused(stack: Running, *argv: str) -> str:
    result = stack.sluiceway(*argv)
    said = result.stdout + result.stderr
    assert result.returncode != 0, said
    assert "Traceback" not in said
    return said


def test_a_settings_file_that_is_not_there(stack: Running) -> None:
    """The message names the file."""
    assert "/nowhere/settings.env" in _refused(stack, "--env-file", "/nowhere/settings.env", "check")


def test_a_settings_file_with_a_typo(stack: Running, tmp_path: Path) -> None:
    """The message names file, the wrong name and the nearest right one."""
    file = tmp_path / "settings.env"
    file.write_text("SLUICEWAY_KAFKA__BOOTSTRAP_SERVRES=127.0.0.1:9092\n")
    said = _refused(stack, "--env-file", str(file), "check")
    assert str(file) in said
    assert "SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS" in said


def test_an_unknown_tenant(stack: Running) -> None:
    """The message names the tenant and those that exist."""
    said = _refused(stack, "connections", "show", "nobody")
    assert "nobody" in said
    assert "connected are" in said


def test_a_mapping_file_with_a_typo(stack: Running, tmp_path: Path) -> None:
    """The message names file, line and field."""
    folder = tmp_path / "salesforce" / "mapping"
    folder.mkdir(parents=True)
    shipped = Path(__file__).parents[2] / "connectors" / "salesforce" / "mapping" / "account.yaml"
    text = shipped.read_text().replace("source.Industry", "source.Industri")
    assert text != shipped.read_text()
    (folder / "account.yaml").write_text(text)
    said = _refused(stack, "mapping", "check", str(tmp_path))
    assert "account.yaml" in said
    assert "Industri" in said
    assert "industry" in said


def test_a_connection_file_with_a_typo(stack: Running, tmp_path: Path) -> None:
    """The message names file and field, and nothing is connected."""
    file = tmp_path / "connections.yaml"
    entry = {"tenant": "dora", "zone": "Europe/Berlin", "currency": "EURO", "vendors": {}}
    file.write_text(yaml.safe_dump({"tenants": [entry]}))
    said = _refused(stack, "connections", "apply", str(file))
    assert str(file) in said
    assert "currency" in said
    assert "dora" not in stack.sluiceway("connections", "list").stdout


def test_a_malformed_webhook(stack: Running) -> None:
    """An unsigned request is refused without detail; the gateway goes on."""
    answer = httpx.post(f"{stack.addresses.gateway}/webhooks/quickbooks", content=b"{not json")
    assert answer.status_code == 401
    assert stack.status()["gateway"]["ready"]


@pytest.mark.timeout(120)
def test_a_wrong_client_secret(stack: Running, tmp_path: Path) -> None:
    """The connection pauses and the log says whose, which vendor and what to do, without a traceback or the secret."""
    company = Company.found("eagle", stack.addresses)
    entry = company.connection()
    entry["vendors"]["salesforce"]["credentials"]["client_secret"] = "not-the-secret-at-all"
    file = tmp_path / "connections.yaml"
    file.write_text(yaml.safe_dump({"tenants": [entry]}))
    assert stack.sluiceway("connections", "apply", str(file)).returncode == 0
    log = stack.addresses.data_dir / "logs" / "connect.log"
    deadline = time.monotonic() + 60
    while "eagle" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.2)
    said = [line for line in log.read_text().splitlines() if "eagle" in line]
    assert any("salesforce" in line and "client_secret" in line for line in said), said
    assert "Traceback" not in log.read_text()
    assert "not-the-secret-at-all" not in log.read_text()
    metrics = httpx.get(f"http://127.0.0.1:{_metrics_port(stack)}/metrics").text
    paused = [line for line in metrics.splitlines() if line.startswith("sluiceway_connections_paused{")]
    assert any('vendor="salesforce"' in line and line.endswith(" 1.0") for line in paused), paused


def _metrics_port(stack: Running) -> str:
    return stack.env["SLUICEWAY_PORTS__CONNECT_METRICS"]
