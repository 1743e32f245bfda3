import fnmatch
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from streams.settings import Ports


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> str:
    """The Dockerfile with continued lines joined and comments dropped."""
    text = (root / "deploy/Dockerfile").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return re.sub(r"\\\n\s*", "", text)


@pytest.fixture(scope="module")
def final(dockerfile: str) -> str:
    """The stage that becomes the image."""
    return "FROM " + dockerfile.rsplit("\nFROM ", maxsplit=1)[-1]


def test_hadolint(root: Path) -> None:
    """Hadolint has nothing to say about the Dockerfile."""
    tool = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([tool, root / "deploy/Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_base_is_pinned(dockerfile: str) -> None:
    """Both stages start from the same exact Python, so that compiled packages fit."""
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])


def test_dependencies_are_hash_checked(dockerfile: str) -> None:
    """Packages come from the lock with their hashes; ours is installed without fetching further ones."""
    installs = re.findall(r"uv pip install (.*)", dockerfile)
    assert len(installs) == 2
    assert "--constraint requirements.lock --require-hashes" in installs[0]
    assert "--no-deps" in installs[1]


def test_builds_with_the_makefiles_uv(dockerfile: str, root: Path) -> None:
    """Image and development environment are made by the same version of uv."""
    wanted = re.search(r"uv==([\d.]+)", (root / "Makefile").read_text())
    assert wanted
    assert f"uv=={wanted[1]} " in dockerfile


def test_final_layer(final: str) -> None:
    """The image runs the command line as a numbered user, without build tools, and can be asked for its health."""
    assert not re.search(r"\b(pip|uv|apt-get|gcc) ", final)
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert final.index("\nUSER ") < final.index("\nENTRYPOINT ")
    assert 'ENTRYPOINT ["sluiceway"]' in final


def test_health_check_covers_every_role(final: str, roles: dict[str, Any]) -> None:
    """The image's own health check asks the addresses that the compose file asks role by role."""
    asked = re.search(r'HEALTHCHECK .*CMD \["ready", (.*)\]', final)
    assert asked
    by_role = {role["healthcheck"]["test"][2] for name, role in roles.items() if name != "init"}
    assert set(asked[1].replace('"', "").split(", ")) == by_role
    assert f"{Ports().connect_metrics}/readyz" in by_role


def test_labels_and_tag_tell_the_version(final: str, root: Path, roles: dict[str, Any]) -> None:
    """Image label, compose tag and package agree on version, licence and description."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    labels = dict(re.findall(r'org\.opencontainers\.image\.([\w.]+)="([^"]*)"', final))
    assert labels["version"] == project["version"]
    assert labels["licenses"] == project["license"]
    assert labels["description"] == project["description"]
    assert labels["base.name"].endswith(re.findall(r"^FROM (\S+)", final)[0])
    assert {role["image"] for role in roles.values()} == {f"sluiceway:{project['version']}"}


def test_user_is_the_compose_files(final: str, roles: dict[str, Any]) -> None:
    """The compose file runs the image as the user who owns the data folder."""
    assert {role["user"] for role in roles.values()} == {"10001:10001"}
    assert "--owner=10001 --group=10001" in final


def test_context_holds_what_is_copied_and_no_more(dockerfile: str, root: Path) -> None:
    """.dockerignore lets in exactly the files that the Dockerfile copies; all of them exist."""
    copies = [line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    copied = {source for line in copies if "--from=build" not in line for source in line if source[:2] != "--"}
    rules = [line for line in (root / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule[0] == "!"} == copied
    assert all((root / source).exists() for source in copied)


@pytest.mark.parametrize("secret", [".env", ".git", ".sluiceway", ".venv", "deploy/env.example"])
def test_context_keeps_secrets_out(root: Path, secret: str) -> None:
    """Neither settings, history, data nor the environment reach the build."""
    rules = [line for line in (root / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert not any(fnmatch.fnmatch(secret, rule[1:]) for rule in rules if rule[0] == "!")


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """A role's metrics server: /readyz answers 200, everything else 503."""

    class Handler(BaseHTTPRequestHandler):
        """What the role says."""

        def do_GET(self) -> None:
            """Answer."""
            self.send_response(200 if self.path == "/readyz" else 503)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("paths", "code"),
    [(["readyz"], 0), (["other"], 1), (["other", "readyz"], 0), ([], 1)],
    ids=["ready", "not ready", "one of two", "nothing asked"],
)
def test_ready(root: Path, server: HTTPServer, paths: list[str], code: int) -> None:
    """`ready` exits 0 when one of the addresses answers 200, else 1."""
    addresses = [f"{server.server_port}/{path}" for path in paths]
    done = subprocess.run([sys.executable, root / "deploy/ready.py", *addresses], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_ready_when_nothing_listens(root: Path) -> None:
    """`ready` exits 1 without a traceback when the port is closed."""
    done = subprocess.run([sys.executable, root / "deploy/ready.py", "1/readyz"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
