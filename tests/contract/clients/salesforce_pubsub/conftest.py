"""An org behind TLS, as a plain grpcio client sees it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from connectors.pubsub_api.pubsub_api_pb2_grpc import PubSubStub
from connectors.sandbox.server import serve
from tests.contract.clients.kit.pubsub import MovedClock, Org, open_channel


@pytest.fixture
async def org(tmp_path: Path) -> AsyncIterator[Org]:
    """Org `acme` of a sandbox on free ports."""
    clock = MovedClock()
    sandbox = await serve(["salesforce"], tmp_path, {"salesforce": 0}, clock=clock)
    async with httpx.AsyncClient(base_url=sandbox.url("salesforce")) as http:
        known = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
        http.headers["Authorization"] = f"Bearer {known['access_token']}"
        metadata = [
            ("accesstoken", known["access_token"]),
            ("instanceurl", known["instance_url"]),
            ("tenantid", known["org_id"]),
        ]
        async with open_channel(sandbox, known) as channel:
            yield Org(http, PubSubStub(channel), metadata, clock, known)
    await sandbox.aclose()
