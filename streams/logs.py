"""How every role logs: lines on standard error, other libraries only when something is wrong."""

import logging

NOISY = ("faust", "mode", "aiokafka", "httpx", "httpx2", "httpcore", "authlib", "uvicorn")


def set_up(level: str) -> None:
    """Log from `level` up."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
