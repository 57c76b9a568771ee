"""What is damaged is named in the log and kept under another name, and the rest works."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

MARK = ".damaged-"

logger = logging.getLogger(__name__)


def set_aside(path: Path, reason: str) -> Path:
    """Rename a damaged database, with what belongs to it, and say so; where it is now."""
    kept = kept_beside(path)
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(kept.with_name(kept.name + suffix))
    logger.error("%s is damaged (%s): kept as %s, begun anew", path, reason, kept.name)
    return kept


def kept_beside(path: Path) -> Path:
    """Where that of a folder is kept which is damaged."""
    return path.with_name(f"{path.name}{_mark()}")


def kept_aside(directory: Path) -> Sequence[Path]:
    """What was ever set aside in a state folder and is still there."""
    found = [*directory.glob(f"*{MARK}*"), *directory.glob(f"*/*{MARK}*")]
    return sorted(path for path in found if not path.name.endswith(("-wal", "-shm")))


def _mark() -> str:
    return f"{MARK}{time.strftime('%Y%m%d-%H%M%S')}"
