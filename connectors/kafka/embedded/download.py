"""Fetches a package's files from a Maven repository with jgo."""

import hashlib
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext

from connectors.kafka.embedded.distribution import MB, Package, Pin, Say
from connectors.kafka.embedded.errors import InstallError

_PARALLEL = 8
_READ_TIMEOUT = 60


def bring(package: Package, home: Path, say: Say) -> None:
    """Download what is missing of the package, check it, and let it appear at `home` in one step.

    Raises:
        InstallError: no way to the repository, or a file that is not the pinned one.
    """
    pins = package.pins()
    size = round(sum(pin.size for pin in pins) / MB)
    say(f"{package.title} {package.version}: downloading {len(pins)} file(s), {size} MB, to {home}")
    partial = home.with_name(f"{home.name}.partial")  # kept when interrupted: the next attempt takes what is whole
    try:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            files = list(pool.map(lambda pin: _download(pin, partial / "repository"), pins))
    except (requests.RequestException, RuntimeError, OSError) as error:
        raise InstallError(
            f"{package.title} {package.version} is not in {home} and cannot be downloaded: {error}\n"
            "Check the network and start again (what has arrived is kept), or name a Maven mirror under [repositories] "
            f"in ~/.config/jgo.conf, or copy {home} from a machine that has it."
        ) from error
    unpacked = partial / "home"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    for file in files:
        _place(file, unpacked)
    unpacked.rename(home)
    shutil.rmtree(partial)
    say(f"{package.title} {package.version}: installed")


def _place(file: Path, folder: Path) -> None:
    if file.name.endswith(".tar.gz"):
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
    else:
        file.rename(folder / file.name)


def _download(pin: Pin, repository: Path) -> Path:
    mirrors: dict[str, str] = GlobalSettings.load().repositories
    context = MavenContext(
        repo_cache=repository, remote_repos={**mirrors, "central": MAVEN_CENTRAL_URL}, timeout=_READ_TIMEOUT
    )
    group, name, version, *rest = pin.coordinates.split(":")
    classifier, packaging = rest or ("", "jar")
    artifact = context.project(group, name).at_version(version).artifact(classifier, packaging)
    there = artifact.cached_path
    if there and there.exists() and not _matches(there, pin):
        there.unlink()
    file = artifact.resolve()
    if not _matches(file, pin):
        file.unlink()
        raise RuntimeError(f"{pin.coordinates} is not the file with SHA-256 {pin.sha256}")
    return file


def _matches(file: Path, pin: Pin) -> bool:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == pin.sha256
