"""A real PostgreSQL for tests: the machine's, or Debian's package unpacked into a cache; on a socket of its own.

`SLUICEWAY_TEST_POSTGRES=unpacked` passes the machine's own over, to try the other way:
`SLUICEWAY_TEST_POSTGRES=unpacked .venv/bin/python -m pytest tests/contract/connectors/test_token_stores.py`
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg

ROOT, NOBODY = 0, 65534
# The server refuses to run as root, and whom it then runs as may not enter root's home.
CACHE = (
    Path("/var/cache") / "sluiceway-postgresql"
    if os.getuid() == ROOT
    else Path.home() / ".cache" / "sluiceway-postgresql"
)
UNWANTED = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
STARTING = 30.0


@asynccontextmanager
async def postgres() -> AsyncIterator[str]:
    """Run a server until the end of the block; gives the folder of its socket, where user `postgres` is trusted."""
    programs = await asyncio.to_thread(find)
    # Beside pytest's folders, which only their owner may enter: the server refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="sluiceway-postgres-"))
    if os.getuid() == ROOT:
        os.chown(folder, NOBODY, NOBODY)
    data = folder / "data"
    try:
        made = await _run(programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
        assert await made.wait() == 0
        server = await _run(programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=")
        try:
            await _answers(folder, server)
            yield str(folder)
        finally:
            server.terminate()  # "smart" would wait for clients
            await server.wait()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


def find() -> Path:
    """Return the folder of `initdb` and `postgres`, unpacking Debian's package if there is none.

    Debian's lists of packages must be there (`apt-get update`).
    """
    installed = os.environ.get("SLUICEWAY_TEST_POSTGRES") != "unpacked"
    places = [
        *CACHE.glob("usr/lib/postgresql/*/bin"),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin") if installed else ()),
    ]
    if known := [place for place in places if (place / "initdb").is_file() and (place / "postgres").is_file()]:
        return known[-1]
    if installed and (found := shutil.which("initdb")):
        return Path(found).resolve().parent
    unpack(CACHE)
    return next(iter(CACHE.glob("usr/lib/postgresql/*/bin")))


def unpack(to: Path) -> None:
    """Bring Debian's server, and what it needs that is not installed, into a folder without installing anything."""
    known = {line.partition(":")[0] for line in _said("dpkg-query", "-W", "-f=${Package}\n")}
    server = next(name for name in _depends("postgresql") if name.startswith("postgresql-") and name[11:].isdigit())
    wanted = [server, f"postgresql-client-{server[11:]}", "libpq5"]
    wanted += [name for name in _depends(server) if name not in known and name not in wanted]
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _said("apt-get", "download", *wanted, cwd=folder)
        for package in Path(folder).glob("*.deb"):
            _said("dpkg", "-x", str(package), str(to))


def _depends(package: str) -> list[str]:
    """Return a package and all it depends on, virtual ones left out."""
    lines = _said("apt-cache", "depends", "--recurse", *(f"--no-{kind}" for kind in UNWANTED), package)
    return [line for line in lines if line[0].isalnum()]


def _said(*command: str, cwd: str | None = None) -> list[str]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command[:3])}: {done.stderr}"
    return [line for line in done.stdout.splitlines() if line]


async def _run(program: Path, *arguments: str | Path) -> asyncio.subprocess.Process:
    libraries = [str(path) for path in CACHE.glob("usr/lib/*-linux-gnu")]
    environment: Mapping[str, str] = {"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}
    other: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == ROOT else {}
    command: Sequence[str | Path] = (program, *arguments)
    silent = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *command, stdout=silent, stderr=silent, cwd="/", env={"PATH": "/usr/bin:/bin", **environment}, **other
    )


async def _answers(socket: Path, server: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(STARTING):
        while True:
            assert server.returncode is None
            try:
                link = await psycopg.AsyncConnection.connect(f"host={socket} user=postgres dbname=postgres")
            except psycopg.OperationalError:
                await asyncio.sleep(0.05)
            else:
                await link.close()
                return
