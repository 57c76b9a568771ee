"""The files that the hosts of a job leave in a folder of theirs, together as one folder."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from localaws.containers import opt_ml
from localaws.containers.contract import TrainingHost, client_error

MOST_ENTRIES = 1_000_000
"""Files and folders of a host: links to folders can make any number of a few."""
MOST_BYTES = 2 * 2**30
"""Of all files of a host: they pass through this process's memory on their way to S3."""

Files = Mapping[str, Path]
"""Where each file is, by its name below the folder."""


def output_files(hosts: Sequence[TrainingHost], folder: PurePosixPath) -> Files:
    """The files of all hosts; of several of one name, the last host's counts.

    A link counts as what it leads to, if that is there.

    Raises
    ------
    JobError
        Naming a file that is none, like a pipe, or that has the name of another host's folder; or
        the folder, where it holds more than localaws keeps.
    """
    files: dict[str, Path] = {}
    folders: set[str] = set()
    for host in hosts:
        for name, path in _entries(host, folder):
            if name in (files if path is None else folders):
                raise _failure(host, folder / name, "a file on one host, a folder on another")
            if path is None:
                folders.add(name)
            else:
                files[name] = path
    return files


def _entries(host: TrainingHost, folder: PurePosixPath) -> Iterator[tuple[str, Path | None]]:
    """The files below a host's folder, and the folders, which have no path."""
    root = host.directory / folder
    if not root.is_dir():
        raise _failure(host, folder, "gone")
    seen = size = 0
    waiting = [("", root, frozenset({_identity(root.stat())}))]
    while waiting:
        above, directory, within = waiting.pop()
        for entry in os.scandir(directory):
            seen += 1
            if seen > MOST_ENTRIES:
                raise _failure(host, folder, f"more than {MOST_ENTRIES:,} files and folders")
            name, path = f"{above}{entry.name}", _followed(host, entry)
            try:
                status = path.stat()
            except OSError:
                continue  # a link that leads nowhere
            if stat.S_ISREG(status.st_mode):
                size += status.st_size
                if size > MOST_BYTES:
                    most = f"{MOST_BYTES:,} bytes, which localaws keeps of a job at most"
                    raise _failure(host, folder, f"more than {most}")
                yield name, path
            elif not stat.S_ISDIR(status.st_mode):
                raise _failure(host, folder / name, "neither a file nor a folder")
            elif _identity(status) not in within:  # else a link back, to be followed without end
                yield name, None
                waiting.append((f"{name}/", path, within | {_identity(status)}))


def _followed(host: TrainingHost, entry: "os.DirEntry[str]") -> Path:
    """What a link in the container's own /opt/ml leads to is in the host's folder here."""
    if entry.is_symlink():
        target = PurePosixPath(Path(entry.path).readlink())
        if target.is_relative_to(opt_ml.CONTAINER_ROOT):
            return host.directory / target.relative_to(opt_ml.CONTAINER_ROOT)
    return Path(entry.path)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _failure(host: TrainingHost, path: PurePosixPath, reason: str) -> Exception:
    place = PurePosixPath(opt_ml.CONTAINER_ROOT) / path
    return client_error(f"Artifact upload failed:{place} of {host.name} is {reason}")
