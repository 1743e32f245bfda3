"""State directories: one process each."""

import gc
from pathlib import Path

from streams.runtime.slots import Slot


def test_a_taken_directory_is_left_alone(tmp_path: Path) -> None:
    """The next gets the next, and one that was released is taken first."""
    first, second = Slot.take(tmp_path), Slot.take(tmp_path)
    assert [first.path.name, second.path.name] == ["0", "1"]
    first.release()
    third = Slot.take(tmp_path)
    assert third.path.name == "0"
    second.release()
    third.release()


def test_who_keeps_only_the_path_keeps_the_directory(tmp_path: Path) -> None:
    """The lock is the process's: dropping the object does not let another process into the same databases."""
    path = Slot.take(tmp_path).path
    gc.collect()
    other = Slot.take(tmp_path)
    assert (path.name, other.path.name) == ("0", "1")
    other.release()
