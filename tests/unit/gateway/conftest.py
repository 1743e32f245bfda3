"""A gateway's webhooks for two tenants."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.gateway.kit.stage import REALMS, Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Two tenants, one app: both hold the app's verifier token."""
    made = Stage(tmp_path)
    for tenant in REALMS:
        await made.secret(tenant, "app")
    async with made.client:
        yield made
