"""How a process ends when it can no longer be sure of itself: at once, so that its supervisor starts it anew."""

import logging
import os
import sys
from typing import NoReturn

FAULT = 70

logger = logging.getLogger(__name__)


def die(reason: str, error: BaseException | None = None) -> NoReturn:
    """End the process now, without clean-up: what was not committed is done again by the next owner."""
    logger.critical("worker ends: %s", reason, exc_info=error)
    for handler in logging.getLogger().handlers:
        handler.flush()
    sys.stderr.flush()
    os._exit(FAULT)
