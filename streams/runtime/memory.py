"""When a worker looks for cyclic garbage: seldom, and never among what it was started with."""

import gc

YOUNG = 50_000
"""Containers made and not let go of since the last look; Python's own 700 come within a few events."""


def settle() -> None:
    """Set the process up for its work; to be called once, when everything that stays is loaded.

    Garbage without cycles, nearly all there is, goes at once as ever. Cyclic garbage waits for `YOUNG` further
    containers, a few MiB.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
