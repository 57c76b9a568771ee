"""What a job leaves in S3: archives and objects, uploaded from its folder."""

import gzip
import io
import os
import posixpath
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from localaws.artifacts import S3Location
from localaws.backend import ObjectStore
from localaws.containers import opt_ml
from localaws.containers.contract import JobError, TrainingHost, client_error, parse_location
from localaws.errors import AwsError
from localaws.jobs.channels import TRANSFERS, download, list_files


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


@dataclass(frozen=True)
class ModelOutput:
    """OutputDataConfig of one job: ``folder`` is where its output goes."""

    folder: S3Location
    compressed: bool

    @classmethod
    def of(cls, job_name: str, request: Mapping[str, Any]) -> "ModelOutput":
        """Read it from a CreateTrainingJob request."""
        config = request["OutputDataConfig"]
        folder = parse_location(config["S3OutputPath"]).join(f"{job_name}/output")
        return cls(folder, config.get("CompressionType") != "NONE")

    @property
    def model_artifacts(self) -> str:
        """S3ModelArtifacts of DescribeTrainingJob."""
        return self.folder.join("model.tar.gz" if self.compressed else "model/").url

    def upload(self, hosts: Sequence[TrainingHost], scratch: Path, objects: ObjectStore) -> None:
        """The models of all hosts as one, and likewise what is in their output folders, if any."""
        for folder, name in ((opt_ml.MODEL, "model"), (opt_ml.OUTPUT_DATA, "output")):
            merged = scratch / name
            merged.mkdir(parents=True)
            for host in hosts:
                _merge(host, folder, merged)
            if name == "model" or any(merged.iterdir()):
                self._upload_folder(merged, name, objects)

    def _upload_folder(self, directory: Path, name: str, objects: ObjectStore) -> None:
        if self.compressed:
            upload(pack_directory(directory), self.folder.join(f"{name}.tar.gz"), objects)
        else:
            upload_files(directory, self.folder.join(name), objects)


@dataclass(frozen=True)
class Checkpoints:
    """CheckpointConfig of a job, or none: ``location`` mirrors ``folder`` of each host."""

    location: S3Location | None
    folder: PurePosixPath

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Checkpoints":
        """Read it from a CreateTrainingJob request.

        Raises ``ValueError`` when its LocalPath is not below /opt/ml.
        """
        config = request.get("CheckpointConfig")
        if config is None:
            return cls(None, opt_ml.CHECKPOINTS)
        path = config.get("LocalPath", f"{opt_ml.CONTAINER_ROOT}/{opt_ml.CHECKPOINTS}")
        folder = PurePosixPath(posixpath.normpath(path)).relative_to(opt_ml.CONTAINER_ROOT)
        return cls(parse_location(config["S3Uri"].rstrip("/")), folder)

    def restore(self, hosts: Sequence[TrainingHost], objects: ObjectStore) -> None:
        """Bring back what an earlier job saved."""
        if self.location is None:
            return
        for host in hosts:
            (host.directory / self.folder).mkdir(parents=True, exist_ok=True)
        try:
            files = list_files("S3Prefix", f"{self.location.url}/", objects)
        except JobError:
            return  # The first job has nothing to go on from.
        for host in hosts:
            download(files, host.directory / self.folder, objects)

    def save(self, hosts: Sequence[TrainingHost], objects: ObjectStore) -> None:
        """Keep what the hosts have written so far."""
        if self.location is None:
            return
        for host in hosts:
            upload_files(host.directory / self.folder, self.location, objects)


def _merge(host: TrainingHost, folder: PurePosixPath, target: Path) -> None:
    """Add the files of a host's folder to those of other hosts.

    A link counts as what it leads to, if that is there. Raises ``JobError`` naming a file that
    cannot be copied: a pipe, or one of the name of another host's folder.
    """
    try:
        shutil.copytree(
            host.directory / folder,
            target,
            dirs_exist_ok=True,
            ignore=_dangling,
            copy_function=_link_or_copy,
        )
    except shutil.Error as error:
        source, _, reason = error.args[0][0]
        path = PurePosixPath(opt_ml.CONTAINER_ROOT) / Path(source).relative_to(host.directory)
        cause = reason.partition(": ")[0].replace(f"`{source}`", "it")
        raise client_error(f"Artifact upload failed:{path} of {host.name}: {cause}") from error
    except FileNotFoundError as error:
        path = PurePosixPath(opt_ml.CONTAINER_ROOT) / folder
        raise client_error(f"Artifact upload failed:{path} of {host.name} is gone") from error


def _link_or_copy(source: str, target: str) -> None:
    """A second name is as good as a copy: the programs that wrote the file have ended."""
    if Path(source).is_file() and not Path(target).exists():
        with suppress(OSError):
            os.link(Path(source).resolve(), target)
            return
    shutil.copy2(source, target)


def _dangling(directory: str, names: Sequence[str]) -> list[str]:
    """The links of a folder that lead nowhere."""
    return [name for name in names if not Path(directory, name).exists()]


def upload_files(directory: Path, location: S3Location, objects: ObjectStore) -> None:
    """Put every file of a folder below a location."""

    def put(path: Path) -> None:
        target = location.join(path.relative_to(directory).as_posix())
        upload(path.read_bytes(), target, objects, None if path.is_symlink() else path)

    files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    with ThreadPoolExecutor(TRANSFERS) as threads:
        list(threads.map(put, files))  # so that the first error is raised here


def upload(
    body: bytes, location: S3Location, objects: ObjectStore, same: Path | None = None
) -> None:
    """Put one object, whose bytes the file ``same`` holds. Raises ``JobError`` with S3's reason."""
    try:
        objects.put_object(location.bucket, location.key, body, same)
    except AwsError as error:
        raise client_error(f"Artifact upload failed:{error.message} ({location.url})") from error
