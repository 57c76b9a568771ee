"""What a job leaves in S3: archives and objects, uploaded from its folder."""

import gzip
import io
import posixpath
import tarfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from localaws.artifacts import S3Location
from localaws.backend import ObjectStore
from localaws.containers import opt_ml
from localaws.containers.contract import JobError, TrainingHost, client_error, parse_location
from localaws.errors import AwsError
from localaws.jobs.channels import TRANSFERS, download, list_files
from localaws.jobs.output_files import Files, output_files


def pack(files: Files) -> bytes:
    """A tar.gz of files that depends on nothing but their names and bytes.

    Like SageMaker's: POSIX ustar (with pax headers for names that it cannot hold), owner 0, mode
    0644 (0755 where executable), and no time or name in the gzip header, so that equal contents
    give equal bytes.
    """
    buffer = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=buffer, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(files, key=lambda name: name.split("/")):
            _add(archive, files[name], name)
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

    def upload(self, hosts: Sequence[TrainingHost], objects: ObjectStore) -> None:
        """The models of all hosts as one, and likewise what is in their output folders, if any."""
        self._upload_folder(output_files(hosts, opt_ml.MODEL), "model", objects)
        if outputs := output_files(hosts, opt_ml.OUTPUT_DATA):
            self._upload_folder(outputs, "output", objects)

    def _upload_folder(self, files: Files, name: str, objects: ObjectStore) -> None:
        if self.compressed:
            upload(pack(files), self.folder.join(f"{name}.tar.gz"), objects)
        else:
            upload_files(files, self.folder.join(name), objects)


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
            if (host.directory / self.folder).is_dir():  # else the script removed it
                upload_files(output_files([host], self.folder), self.location, objects)


def upload_files(files: Files, location: S3Location, objects: ObjectStore) -> None:
    """Put every file of a folder below a location."""

    def put(name: str) -> None:
        path = files[name]
        same = None if path.is_symlink() else path
        upload(path.read_bytes(), location.join(name), objects, same)

    with ThreadPoolExecutor(TRANSFERS) as threads:
        list(threads.map(put, sorted(files)))  # so that the first error is raised here


def upload(
    body: bytes, location: S3Location, objects: ObjectStore, same: Path | None = None
) -> None:
    """Put one object, whose bytes the file ``same`` holds. Raises ``JobError`` with S3's reason."""
    try:
        objects.put_object(location.bucket, location.key, body, same)
    except AwsError as error:
        raise client_error(f"Artifact upload failed:{error.message} ({location.url})") from error
