"""The tar.gz archives that jobs leave in S3."""

import gzip
import io
import tarfile
from pathlib import Path


def pack_directory(directory: Path) -> bytes:
    """A tar.gz of a folder's files that depends on nothing but their names and bytes.

    Like SageMaker's: POSIX ustar (with pax headers for names that it cannot hold), owner 0, mode
    0644 (0755 where executable), and no time or name in the gzip header, so that equal contents
    give equal bytes.
    """
    buffer = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=buffer, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(directory.rglob("*")):
            if path.is_file() and not path.is_symlink():
                _add(archive, path, path.relative_to(directory).as_posix())
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    status = path.stat()
    member = tarfile.TarInfo(name)
    member.size = status.st_size
    member.mode = 0o755 if status.st_mode & 0o100 else 0o644
    with path.open("rb") as contents:
        archive.addfile(member, contents)
