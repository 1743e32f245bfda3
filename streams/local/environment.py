"""What the roles are told: addresses, sizes for one broker, and a secret made once and kept.

All of it is also written to `.sluiceway/env`, mode 0600, so that a shell can take it over: `set -a; . .sluiceway/env`.
"""

import base64
import json
import os
import secrets
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

from connectors.kafka.embedded.registry import registry_url
from streams.local.errors import LocalError
from streams.settings import Settings

_PARTITIONS = 4
_TOKEN_KEY = "SLUICEWAY_TOKEN_KEY"  # noqa: S105  a name


def environment(settings: Settings, selected: Collection[str]) -> dict[str, str]:
    """Return the environment of the roles and write it to the data directory.

    Kafka's and the registry's addresses are ours only where they are `selected`, else the settings' hold.

    Raises:
        LocalError: the file written last time cannot be read; losing its token key would lose the stored tokens.
    """
    kept = _read(settings.data_dir / "env")
    env = {
        "SLUICEWAY_DATA_DIR": str(settings.data_dir.resolve()),
        "SLUICEWAY_HOST": settings.host,
        "SLUICEWAY_LOG_LEVEL": settings.log_level,
        "SLUICEWAY_ALLOW_HOSTS": json.dumps(sorted({*settings.allow_hosts, "127.0.0.1"})),
        _TOKEN_KEY: _secret(settings.token_key) or kept.get(_TOKEN_KEY) or _new_key(),
        **_nested("PORTS", settings.ports),
        **_nested("RUNTIME", settings.runtime),
    }
    if "kafka" in selected:
        chosen = "partitions" in settings.kafka.model_fields_set
        env |= {
            "SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{settings.ports.kafka}",
            "SLUICEWAY_KAFKA__PARTITIONS": str(settings.kafka.partitions if chosen else _PARTITIONS),
            "SLUICEWAY_KAFKA__REPLICATION_FACTOR": "1",
            "SLUICEWAY_KAFKA__MIN_INSYNC_REPLICAS": "1",
        }
    if "registry" in selected:
        env["SLUICEWAY_REGISTRY__URL"] = registry_url(settings.ports.registry)
    _write(settings.data_dir / "env", env)
    return env


def _nested(group: str, model: BaseModel) -> dict[str, str]:
    return {f"SLUICEWAY_{group}__{name.upper()}": str(value) for name, value in model.model_dump().items()}


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        words = shlex.split(path.read_text(), comments=True)
        return dict(word.split("=", 1) for word in words)
    except ValueError as error:
        raise LocalError(
            f"{path} cannot be read ({error}). It holds the key of the stored tokens: restore it, or remove it and "
            "authorise the connections anew."
        ) from error


def _write(path: Path, env: Mapping[str, str]) -> None:
    new = path.with_name("env.new")
    new.unlink(missing_ok=True)
    lines = [f"{name}={shlex.quote(value)}" for name, value in env.items()]
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(["# Written by `sluiceway up` at every start; the secret is kept.", *lines, ""]))
    new.replace(path)
