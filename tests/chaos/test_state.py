"""Local state that is gone, damaged, too old or from another world is never trusted over the changelog."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rocksdict import Options, Rdict

from streams.runtime.store import META
from tests.chaos.harness import Harness


def deleted(folder: Path) -> None:
    """Remove the state."""
    shutil.rmtree(folder)


def truncated(folder: Path) -> None:
    """Cut every file of the database in half."""
    for path in folder.rglob("p*/*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_meta(folder: Path, **fields: object) -> None:
    """Edit what the databases say of themselves."""
    for path in folder.glob("p*"):
        database = Rdict(str(path), Options(raw_mode=True))
        database[META] = json.dumps(json.loads(database[META]) | fields).encode()
        database.close()


def newer(folder: Path) -> None:
    """Claim to be ahead of the changelog, and hold a wrong row."""
    change_meta(folder, offset=10**9)
    spoil(folder)


def foreign(folder: Path) -> None:
    """Claim to be of another cluster, and hold a wrong row."""
    change_meta(folder, cluster="another")
    spoil(folder)


def stale(folder: Path) -> None:
    """Claim to be too old to have seen every tombstone, and hold a wrong row."""
    change_meta(folder, written_at=0.0)
    spoil(folder)


def spoil(folder: Path) -> None:
    """Write a wrong count where the next record will look."""
    for path in folder.glob("p*"):
        database = Rdict(str(path), Options(raw_mode=True))
        database[f"count/k{path.name[1:]}-{path.name[1:]}".encode()] = b"7777"
        database.close()


async def stop_when_drained(relay: Harness) -> None:
    """Run one worker until everything is committed, then stop it."""
    worker = relay.start()
    await relay.drained()
    worker.terminate()
    await relay.until(lambda: worker.poll() is not None, 10)
    relay.workers.remove(worker)


@pytest.mark.parametrize("damage", [deleted, truncated, newer, foreign, stale])
async def test_damaged_state_is_rebuilt(relay: Harness, damage: Callable[[Path], None]) -> None:
    """After a restart on damaged local state the keyed counts go on exactly."""
    relay.send(2000)
    await stop_when_drained(relay)
    damage(relay.folder / "0")
    relay.send(2000)
    relay.start()
    await relay.drained()
    relay.check_exact()


async def test_older_state_catches_up(relay: Harness, tmp_path: Path) -> None:
    """State from before the last commits is caught up from the changelog."""
    relay.send(2000)
    await stop_when_drained(relay)
    old = tmp_path / "old"
    shutil.copytree(relay.folder / "0", old)
    relay.send(2000)
    await stop_when_drained(relay)
    shutil.rmtree(relay.folder / "0")
    shutil.copytree(old, relay.folder / "0")
    relay.send(2000)
    relay.start()
    await relay.drained()
    relay.check_exact()
    assert "4000 rows read" not in relay.log()
