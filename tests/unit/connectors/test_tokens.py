import stat
from pathlib import Path

import pytest

from connectors.errors import FatalError
from connectors.ports import Secret
from connectors.tokens import FileTokenStore

KEY = bytes(range(32))


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A store with acme's secret."""
    await FileTokenStore(tmp_path, KEY).compare_and_set(
        "acme", "quickbooks", Secret({"refresh_token": "s3cr3t"}), expected_version=0
    )
    return tmp_path


async def test_files_are_the_owners_alone_and_unreadable(folder: Path) -> None:
    """Mode 600, and no part of the secret in clear."""
    file = folder / "acme@quickbooks.token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"s3cr3t" not in file.read_bytes()
    assert b"refresh" not in file.read_bytes()


async def test_every_changed_byte_is_noticed(folder: Path) -> None:
    """Mark, version, nonce, text or tag: a file that was touched does not open, and the message says what to do."""
    file = folder / "acme@quickbooks.token"
    data = file.read_bytes()
    for position in range(len(data)):
        file.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        with pytest.raises(FatalError, match=r"tenant acme, quickbooks: .*SLUICEWAY_TOKEN_KEY"):
            await FileTokenStore(folder, KEY).get("acme", "quickbooks")


@pytest.mark.parametrize("length", [0, 4, 12, 24, 30])
async def test_a_cut_file_is_noticed(folder: Path, length: int) -> None:
    """A file that lost its end does not open."""
    file = folder / "acme@quickbooks.token"
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(FatalError, match="SLUICEWAY_TOKEN_KEY"):
        await FileTokenStore(folder, KEY).get("acme", "quickbooks")


async def test_a_secret_moved_to_another_tenant_does_not_open(folder: Path) -> None:
    """The file is bound to its connection."""
    (folder / "acme@quickbooks.token").rename(folder / "other@quickbooks.token")
    with pytest.raises(FatalError, match="tenant other, quickbooks"):
        await FileTokenStore(folder, KEY).get("other", "quickbooks")


async def test_another_key_does_not_open(folder: Path) -> None:
    """A wrong key is told apart from no secret, and never overwrites one."""
    store = FileTokenStore(folder, bytes(32))
    with pytest.raises(FatalError, match="SLUICEWAY_TOKEN_KEY"):
        await store.get("acme", "quickbooks")
    with pytest.raises(FatalError, match="SLUICEWAY_TOKEN_KEY"):
        await store.compare_and_set("acme", "quickbooks", Secret({}), expected_version=0)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_wrong_length_is_refused(tmp_path: Path, length: int) -> None:
    """Only AES-256 keys are taken."""
    with pytest.raises(FatalError, match=f"32 bytes.*{length}"):
        FileTokenStore(tmp_path, bytes(length))
