"""All settings, from the environment (`SLUICEWAY_` prefix, `__` for nesting), checked before anything starts."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = int


class Kafka(BaseModel):
    """How to reach the brokers. Security settings are librdkafka's own names, passed through."""

    bootstrap_servers: str = Field("127.0.0.1:9092", description="host:port, comma separated")
    properties: dict[str, str] = Field(
        default_factory=dict, description="further librdkafka settings, e.g. security.protocol"
    )
    partitions: int = Field(12, ge=1, description="of every topic; fixed when the topics are created")
    replication_factor: int = Field(3, ge=1)
    min_insync_replicas: int = Field(2, ge=1)


class Registry(BaseModel):
    """A schema registry with Confluent's API."""

    url: str = "http://127.0.0.1:8081/apis/ccompat/v7"
    username: str | None = None
    password: SecretStr | None = None


class Runtime(BaseModel):
    """How shards take, process and commit records (see streams/runtime/README.md)."""

    session_timeout_ms: int = Field(6000, ge=6000, le=9000)
    transaction_timeout_ms: int = Field(10000, ge=1000, le=10000)
    max_chunk: int = Field(4000, ge=1, description="records in one chunk at most")
    chunk_seconds: float = Field(0.5, gt=0, description="a chunk is sized to take no longer than this")
    stall_seconds: float = Field(
        60.0, gt=0, description="not caught up and no commit for so long: the watchdog ends the process"
    )
    breaker_consecutive: int = Field(50, ge=1, description="so many failed records in a row open the breaker")
    breaker_ratio: float = Field(
        0.5, gt=0, le=1, description="or this share of failed records among the last breaker_window"
    )
    breaker_window: int = Field(200, ge=10)
    max_record_bytes: int = Field(1_000_000, ge=10_000, description="of any record we write but dead letters")


class Tokens(BaseModel):
    """Where the connections' secrets are kept (see connectors/tokens/README.md)."""

    store: Literal["file", "postgres", "vault"] = Field(
        "file", description="file: processes of one host; postgres, vault: of many"
    )
    postgres: SecretStr | None = Field(None, description="libpq connection string or URL")
    vault_url: str = Field("https://127.0.0.1:8200", description="Vault's address")
    vault_mount: str = Field("secret", description="of a key-value engine of version 2")
    vault_path: str = Field("sluiceway", description="below which the secrets are")
    vault_token: SecretStr | None = Field(None, description="a token, or else role and secret id")
    vault_role_id: str = Field("", description="AppRole to log in with")
    vault_secret_id: SecretStr | None = None
    vault_ca_file: str = Field("", description="PEM file of a further certificate authority")


class Gateway(BaseModel):
    """How the gateway is reached (see streams/gateway/README.md)."""

    trusted_proxies: list[str] = Field(
        default_factory=list,
        description="addresses and CIDR ranges of the proxies in front, whose X-Forwarded-For is believed",
    )
    public_url: str = Field(
        "",
        description="how browsers and callers reach the gateway, e.g. for the OAuth callback; empty: its own address",
    )


class Ports(BaseModel):
    """Local addresses, all on 127.0.0.1 unless `host` says otherwise."""

    kafka: Port = 9092
    kafka_controller: Port = 9093
    registry: Port = 8081
    gateway: Port = 8000
    transform_metrics: Port = 9100
    connect_metrics: Port = 9101
    gateway_metrics: Port = 9102
    salesforce: Port = 8101
    salesforce_pubsub: Port = 8102
    pardot: Port = 8103
    quickbooks: Port = 8104
    woocommerce: Port = 8105
    shopify: Port = 8106
    stripe: Port = 8107


class Settings(BaseSettings):
    """Everything a role needs to start."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICEWAY_",
        env_nested_delimiter="__",
        extra="forbid",
        validate_default=True,
    )

    host: str = Field("127.0.0.1", description="what the roles' HTTP servers bind to")
    data_dir: Path = Field(Path(".sluiceway"), description="state, logs and the embedded stack's data")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    allow_hosts: list[str] = Field(
        default_factory=list, description="vendor hosts beyond the vendors' own, e.g. 127.0.0.1 for the sandboxes"
    )
    token_key: SecretStr | None = Field(
        None, description="32 bytes, base64: encrypts the token store; the embedded stack makes one"
    )
    tokens: Tokens = Field(default_factory=Tokens)
    gateway: Gateway = Field(default_factory=Gateway)
    kafka: Kafka = Field(default_factory=Kafka)
    registry: Registry = Field(default_factory=Registry)
    runtime: Runtime = Field(default_factory=Runtime)
    ports: Ports = Field(default_factory=Ports)

    @property
    def public_url(self) -> str:
        """Return how browsers and callers reach the gateway, without a slash at the end."""
        return (self.gateway.public_url or f"http://{self.host}:{self.ports.gateway}").rstrip("/")
