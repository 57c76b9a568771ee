"""Files that are whole or not there, and pairs of files that change together.

The two of a pair are written beside the old ones and then take their places, the first one first.
A start that finds the second waiting alone lets it in, for the first is new already; one that finds
both waiting throws them away, for nothing has changed yet.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

SIDECAR = ".meta.json"
WAITING = ".tmp"
Replace = Callable[[Path, Path], object]


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace ``path`` so that a reader, or a run after a crash, sees the old bytes or the new."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def replace_together(
    path: Path,
    body: bytes | None,
    known: bytes,
    replace: Replace = os.replace,
    same: Path | None = None,
) -> None:
    """Replace a file, if there is a new body, and its sidecar, which is JSON.

    ``same`` is a file that holds the body already and that nobody changes: it gets a second name,
    which takes a twentieth of the time of writing it again.

    Raises
    ------
    OSError
        With the old ones in place, when the disk does not take them.
    """
    waiting, sidecar = _beside(path, WAITING), _beside(path, SIDECAR)
    waiting_sidecar = _beside(sidecar, WAITING)
    try:
        if body is not None:
            _link_or_write(waiting, body, same)
        _write(waiting_sidecar, known)
    except OSError:
        waiting_sidecar.unlink(missing_ok=True)
        waiting.unlink(missing_ok=True)
        raise
    if body is not None:
        replace(waiting, path)
    replace(waiting_sidecar, sidecar)


def finish_replacements(directory: Path) -> None:
    """Bring the pairs beneath a folder that a kill interrupted to an end."""
    waiting = list(files_ending(directory, WAITING))
    for sidecar in (each for each in waiting if each.name.endswith(SIDECAR + WAITING)):
        path = sidecar.with_name(sidecar.name.removesuffix(SIDECAR + WAITING))
        if _beside(path, WAITING).exists() or not _is_json(sidecar):
            sidecar.unlink()
        else:
            sidecar.replace(_beside(path, SIDECAR))
    for left in waiting:
        left.unlink(missing_ok=True)


def files_ending(directory: Path, ending: str) -> Iterator[Path]:
    """The files beneath a folder whose names end so; ``rglob`` takes five times as long."""
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.endswith(ending):
                yield Path(folder, name)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def _link_or_write(path: Path, content: bytes, same: Path | None) -> None:
    path.unlink(missing_ok=True)  # What a kill left may be another object's file, too.
    if same is not None:
        with suppress(OSError):
            path.hardlink_to(same)
            return
    _write(path, content)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
