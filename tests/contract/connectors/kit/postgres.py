"""A real PostgreSQL for tests: the machine's, or Debian's package unpacked into a cache; on a socket of its own."""

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

CACHE = Path.home() / ".cache" / "sluiceway" / "postgresql"
ROOT, NOBODY = 0, 65534
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
    """Return the folder of `initdb` and `postgres`, unpacking Debian's package if there is none."""
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *CACHE.glob("usr/lib/postgresql/*/bin")]
    if known := [place for place in places if (place / "initdb").is_file() and (place / "postgres").is_file()]:
        return known[-1]
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    unpack(CACHE)
    return next(iter(CACHE.glob("usr/lib/postgresql/*/bin")))


def unpack(to: Path) -> None:
    """Bring Debian's server and what it needs beside the base system into a folder, without installing anything."""
    with tempfile.TemporaryDirectory() as folder:
        named = subprocess.run(
            ["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "postgresql"],
            capture_output=True,
            text=True,
            check=True,
        )
        server = next(word for word in named.stdout.split() if word.startswith("postgresql-") and word[11:].isdigit())
        packages = [server, f"postgresql-client-{server[11:]}", "libpq5"]
        subprocess.run(["apt-get", "download", *packages], cwd=folder, check=True, capture_output=True)
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, to], check=True)


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
