"""Packages arrive whole, checked and once."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connectors.kafka.embedded import distribution, download
from connectors.kafka.embedded.distribution import Package, cache_dir, install, require_space
from connectors.kafka.embedded.errors import InstallError

TOY = Package("Toy", "toy", "1.0")
FILES = {"one": b"first jar", "two": b"second jar"}


class Repository(SimpleHTTPRequestHandler):
    """A Maven repository that remembers what was asked of it."""

    asked: list[str]

    def do_GET(self) -> None:
        """Serve a file."""
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served as the Maven repository, holding both files of `TOY`, and an empty cache and home."""
    root = tmp_path / "repository"
    for name, content in FILES.items():
        folder = root / "org/toys" / name / "1.0"
        folder.mkdir(parents=True)
        (folder / f"{name}-1.0.jar").write_bytes(content)
    locks = tmp_path / "locks"
    locks.mkdir()
    pins = (f"{hashlib.sha256(data).hexdigest()} {len(data)} org.toys:{name}:1.0\n" for name, data in FILES.items())
    (locks / "toy-1.0.lock").write_text("".join(pins))
    Repository.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Repository, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(distribution, "_LOCKS", locks)
    monkeypatch.setattr(download, "MAVEN_CENTRAL_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    yield root
    server.shutdown()
    thread.join()
    server.server_close()


async def test_every_file_arrives(repository: Path) -> None:
    """An installed package has the files of its list, under the user's cache, and says what it does."""
    said: list[str] = []
    home = await install(TOY, said.append)
    assert home.parent == cache_dir() == repository.parent / "cache" / "sluiceway"
    assert {jar.name: jar.read_bytes() for jar in home.iterdir()} == {f"{n}-1.0.jar": b for n, b in FILES.items()}
    assert said == [f"Toy 1.0: downloading 2 file(s), 0 MB, to {home}", "Toy 1.0: installed"]


@pytest.mark.usefixtures("repository")
async def test_askers_at_once_share_one_download() -> None:
    """However many ask, each file is fetched once."""
    homes = await asyncio.gather(*(install(TOY, print) for _ in range(4)))
    assert len(set(homes)) == 1
    assert sorted(path for path in Repository.asked if path.endswith(".jar")) == [
        f"/org/toys/{name}/1.0/{name}-1.0.jar" for name in FILES
    ]


async def test_another_file_than_pinned_is_refused(repository: Path) -> None:
    """A file with another hash is never installed; the right one is taken later."""
    jar = repository / "org/toys/two/1.0/two-1.0.jar"
    jar.write_bytes(b"tampered")
    with pytest.raises(InstallError, match=r"org\.toys:two:1\.0 is not the file with SHA-256"):
        await install(TOY, print)
    assert not TOY.home.exists()
    jar.write_bytes(FILES["two"])
    assert await install(TOY, print) == TOY.home


@pytest.mark.usefixtures("repository")
async def test_an_interrupted_download_goes_on() -> None:
    """What arrived whole before an interruption is not fetched again, what was cut short is."""
    kept = TOY.home.with_name(f"{TOY.home.name}.partial") / "repository/org/toys"
    for name, content in {"one": FILES["one"], "two": FILES["two"][:4]}.items():
        (kept / name / "1.0").mkdir(parents=True)
        (kept / name / "1.0" / f"{name}-1.0.jar").write_bytes(content)
    home = await install(TOY, print)
    assert (home / "two-1.0.jar").read_bytes() == FILES["two"]
    assert [path for path in Repository.asked if path.endswith(".jar")] == ["/org/toys/two/1.0/two-1.0.jar"]


@pytest.mark.usefixtures("repository")
async def test_no_way_to_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the repository the message names the place and three ways out, and nothing is half there."""
    monkeypatch.setattr(download, "MAVEN_CENTRAL_URL", "http://127.0.0.1:1")
    with pytest.raises(InstallError, match=r"(?s)cannot be downloaded.*Check the network.*mirror.*copy"):
        await install(TOY, print)
    assert not TOY.home.exists()


def test_too_little_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than 1 GB free is refused before anything is written, also for a folder that is not there yet."""
    require_space(tmp_path / "not" / "yet")
    monkeypatch.setattr(distribution, "MIN_FREE_BYTES", 1 << 60)
    with pytest.raises(InstallError, match="SLUICEWAY_DATA_DIR"):
        require_space(tmp_path / "not" / "yet")
