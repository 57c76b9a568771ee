"""The logger of the toolkit."""

from __future__ import annotations

import logging


def get_logger() -> logging.Logger:
    """The toolkit's logger."""
    return logging.getLogger("sagemaker-containers")


def configure_logger(
    level: int, format: str = "%(asctime)s %(name)s %(levelname)-8s %(message)s"
) -> None:
    """Log to stderr from ``level`` on."""
    logging.basicConfig(format=format, level=level)
