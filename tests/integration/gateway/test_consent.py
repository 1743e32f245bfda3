"""A person connects QuickBooks: the command's link, the vendor's page, the gateway's callback; and a removal."""

import asyncio
import os
import sys
import uuid
from base64 import b64encode
from pathlib import Path

import httpx
import yaml

from connectors.kafka.embedded.ports import free_ports
from connectors.sandbox.server import serve
from streams.commands.connection_apply import apply, console
from streams.commands.connection_file import ConnectionFile
from streams.gateway.role import Gateway
from streams.settings import Gateway as GatewaySettings
from streams.settings import Ports, Settings
from streams.tokens import open_tokens


async def sluiceway(settings: Settings, *argv: str) -> str:
    """Run a command as an operator would; return what it prints."""
    environ = {
        "SLUICEWAY_DATA_DIR": str(settings.data_dir),
        "SLUICEWAY_TOKEN_KEY": b64encode(b"k" * 32).decode(),
        "SLUICEWAY_ALLOW_HOSTS": '["127.0.0.1"]',
        "SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "SLUICEWAY_KAFKA__PARTITIONS": str(settings.kafka.partitions),
        "SLUICEWAY_REGISTRY__URL": settings.registry.url,
        "SLUICEWAY_GATEWAY__PUBLIC_URL": settings.gateway.public_url,
    }
    command = (sys.executable, "-c", "from streams.cli import main; main()", *argv)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environ}, stdout=pipe)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip()


async def test_a_link_a_click_and_the_company_is_connected(settings: Settings, tmp_path: Path) -> None:
    """The realm was not known before; afterwards connection and token store have all; removed, neither has."""
    [port] = free_ports(1)
    made = settings.model_copy(
        update={
            "allow_hosts": ["127.0.0.1"],
            "gateway": GatewaySettings(public_url=f"http://127.0.0.1:{port}"),
            "ports": Ports(gateway=port, gateway_metrics=0),
        }
    )
    tenant = f"t-{uuid.uuid4().hex[:8]}"
    served = await serve(["quickbooks"], tmp_path / "sandbox", {"quickbooks": 0})
    gateway = Gateway(made)
    browser = httpx.AsyncClient(follow_redirects=True, trust_env=False, timeout=60)
    try:
        url = served.url("quickbooks")
        given = (await browser.get(f"{url}/__sandbox/credentials", params={"account": tenant})).json()
        vendor = {
            "base_url": given["base_url"],
            "settings": {"token_url": given["token_url"], "authorize_url": f"{url}/connect/oauth2"},
            "credentials": {name: given[name] for name in ("client_id", "client_secret")},
        }
        entry = {"tenant": tenant, "zone": "UTC", "currency": "USD", "vendors": {"quickbooks": vendor}}
        path = tmp_path / "connections.yaml"
        path.write_text(yaml.safe_dump({"tenants": [entry]}))
        async with console(made) as view:
            await apply(view, ConnectionFile(path))
        await gateway.start()
        link = await sluiceway(made, "connections", "authorize", tenant, "quickbooks")
        page = await browser.get(link)
        assert (page.status_code, "quickbooks is connected" in page.text) == (200, True)
        assert (await browser.get(str(page.url))).status_code == 400
        secret = await open_tokens(made).get(tenant, "quickbooks")
        assert secret is not None
        assert {"access_token", "refresh_token"} <= set(secret.values)
        async with console(made) as view:
            assert view.connection(tenant).vendors["quickbooks"].account == given["realm"]
            [line] = await apply(view, ConnectionFile(path))
        assert "unchanged" in line
        assert await sluiceway(made, "connections", "remove", tenant, "--yes") == f"{tenant}: removed"
        async with console(made) as view:
            assert view.directory.get(tenant) is None
            [again] = await apply(view, ConnectionFile(path))
        assert "connected, revision 1" in again
        assert "access_token" not in (await open_tokens(made).get(tenant, "quickbooks") or secret).values
    finally:
        await browser.aclose()
        await gateway.stop()
        await served.aclose()
