"""What is damaged is named in the log and kept under another name, and the rest works."""

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localaws.files import SIDECAR, files_ending

MARK = ".damaged-"

logger = logging.getLogger(__name__)


def set_aside(path: Path, reason: str) -> Path:
    """Rename a damaged database, with what belongs to it, and say so; where it is now."""
    kept = path.with_name(f"{path.name}{_mark()}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(kept.with_name(kept.name + suffix))
    logger.error("%s is damaged (%s): kept as %s, begun anew", path, reason, kept.name)
    return kept


def set_aside_objects(directory: Path) -> None:
    """Move the objects of S3 that are not whole out of ``directory``, into one beside it."""
    kept = directory.with_name(f"{directory.name}{_mark()}")
    for sidecar in files_ending(directory, SIDECAR):
        path = sidecar.with_name(sidecar.name.removesuffix(SIDECAR))
        reason = _damage(path, sidecar)
        if reason is None:
            continue
        place = kept / path.relative_to(directory)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        sidecar.replace(place.with_name(sidecar.name))
        if path.is_file():
            path.replace(place)
        logger.error("%s is damaged (%s): kept as %s", path, reason, place)


def kept_aside(directory: Path) -> Sequence[Path]:
    """What was ever set aside in a state folder and is still there."""
    found = [*directory.glob(f"*{MARK}*"), *directory.glob(f"*/*{MARK}*")]
    return sorted(path for path in found if not path.name.endswith(("-wal", "-shm")))


def _damage(path: Path, sidecar: Path) -> str | None:
    try:
        known: Any = json.loads(sidecar.read_bytes())
        size = known.get("size")
        if known.get("is_delete_marker"):
            return None
    except (ValueError, AttributeError, RecursionError):
        return f"{sidecar.name} cannot be read"
    if not path.is_file():
        return None
    length = path.stat().st_size
    return None if size in (None, length) else f"it has {length} bytes and not {size}"


def _mark() -> str:
    return f"{MARK}{time.strftime('%Y%m%d-%H%M%S')}"
