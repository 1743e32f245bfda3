"""Local state that is gone, damaged, behind or from another world is never trusted over the changelog."""

import json
import shutil
from pathlib import Path

from rocksdict import Options, Rdict

from streams.runtime.store import META
from tests.chaos.harness import Harness


def deleted(folder: Path) -> None:
    """Remove the state."""
    shutil.rmtree(folder)


def truncated(folder: Path) -> None:
    """Cut every file of the database in half."""
    for path in folder.iterdir():
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_meta(folder: Path, **fields: object) -> None:
    """Edit what the database says of itself, and write a wrong count where the next record will look."""
    database = Rdict(str(folder), Options(raw_mode=True))
    meta = database[META]
    assert meta is not None
    database[META] = json.dumps(json.loads(meta) | fields).encode()
    for key in range(100):
        database[f"count/k{folder.name[1:]}-{key}".encode()] = b"7777"
    database.close()


def newer(folder: Path) -> None:
    """Claim to be ahead of the changelog."""
    change_meta(folder, offset=10**9)


def foreign(folder: Path) -> None:
    """Claim to be of another cluster."""
    change_meta(folder, cluster="another")


async def stop_when_drained(relay: Harness) -> None:
    """Run one worker until everything is committed, then stop it."""
    worker = relay.start()
    await relay.drained()
    await relay.stop(worker)


async def test_damaged_state_is_rebuilt(relay: Harness) -> None:
    """After a restart on local state damaged in a different way in each partition the keyed counts go on exactly."""
    relay.send(2000)
    await stop_when_drained(relay)
    damages = [deleted, truncated, newer, foreign]
    for partition, damage in enumerate(relay.dice.sample(damages, len(damages))):
        damage(relay.folder / "0" / f"p{partition}")
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
