"""What the roles are told."""

import json
from pathlib import Path

import pytest

from streams.local.environment import environment
from streams.local.errors import LocalError
from streams.settings import Kafka, Settings

STACK = ("kafka", "registry")


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """The token key survives restarts, in a file for the owner's eyes only."""
    settings = Settings(data_dir=tmp_path)
    first = environment(settings, STACK)
    assert environment(settings, STACK) == first
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600
    assert len(first["SLUICEWAY_TOKEN_KEY"]) == 44


def test_given_secrets_win(tmp_path: Path) -> None:
    """A token key in the settings is used as it is."""
    settings = Settings.model_validate({"data_dir": tmp_path, "token_key": "given"})
    assert environment(settings, STACK)["SLUICEWAY_TOKEN_KEY"] == "given"


def test_the_environment_is_valid_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the roles are told reads back as settings with our addresses and sizes for one broker."""
    for name, value in environment(Settings(data_dir=tmp_path, allow_hosts=["vendor.test"]), STACK).items():
        monkeypatch.setenv(name, value)
    told = Settings()
    assert told.kafka.bootstrap_servers == "127.0.0.1:9092"
    assert (told.kafka.partitions, told.kafka.replication_factor, told.kafka.min_insync_replicas) == (4, 1, 1)
    assert told.registry.url == "http://127.0.0.1:8081/apis/ccompat/v7"
    assert told.allow_hosts == ["127.0.0.1", "vendor.test"]


def test_partitions_may_be_chosen(tmp_path: Path) -> None:
    """An explicit number of partitions is kept."""
    env = environment(Settings(data_dir=tmp_path, kafka=Kafka(partitions=12)), STACK)
    assert env["SLUICEWAY_KAFKA__PARTITIONS"] == "12"


def test_another_kafka_is_left_alone(tmp_path: Path) -> None:
    """Without our broker and registry the settings' own addresses hold."""
    env = environment(Settings(data_dir=tmp_path), ["gateway"])
    assert not [name for name in env if "KAFKA__" in name or "REGISTRY__" in name]


def test_an_unreadable_file_is_not_overwritten(tmp_path: Path) -> None:
    """A damaged file stops the start: making a new key would lose the stored tokens."""
    (tmp_path / "env").write_text("SLUICEWAY_TOKEN_KEY='cut sho")
    with pytest.raises(LocalError, match="key of the stored tokens"):
        environment(Settings(data_dir=tmp_path), STACK)


def test_hosts_are_json(tmp_path: Path) -> None:
    """Allowed hosts are told as the JSON list that settings expect."""
    assert json.loads(environment(Settings(data_dir=tmp_path), STACK)["SLUICEWAY_ALLOW_HOSTS"]) == ["127.0.0.1"]
