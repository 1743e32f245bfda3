"""Small programs to supervise."""

import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from connectors.kafka.embedded.process import Program

MakeProgram = Callable[..., Program]


@pytest.fixture
def python(tmp_path: Path) -> MakeProgram:
    """Make a program of Python source: `python("name", "print(1)", grace=1)`."""

    def make(name: str, source: str, **options: object) -> Program:
        return Program(name, (sys.executable, "-I", "-S", "-c", source), tmp_path / "logs" / f"{name}.log", **options)  # type: ignore[arg-type]

    return make


def gone(*pids: int) -> bool:
    """Wait up to 10 s until none of the processes runs."""
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(processes, 10)
    return not alive
