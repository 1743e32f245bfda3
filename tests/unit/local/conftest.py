"""Small programs to supervise."""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from connectors.kafka.embedded.process import Program

MakeProgram = Callable[..., Program]


@pytest.fixture
def python(tmp_path: Path) -> MakeProgram:
    """Make a program of Python source: `python("name", "print(1)", grace=1)`."""

    def make(name: str, source: str, **options: Any) -> Program:
        return Program(name, (sys.executable, "-I", "-S", "-c", source), tmp_path / "logs" / f"{name}.log", **options)

    return make


def gone(*pids: int) -> bool:
    """Wait up to 10 s until none of the processes runs."""
    processes = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    _, alive = psutil.wait_procs(processes, 10)
    return not alive
