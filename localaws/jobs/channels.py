"""Input channels: which objects a job reads, which host gets which, and their download.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
"""

import gzip
import io
import json
import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from localaws.artifacts import S3Location
from localaws.backend import ObjectStore
from localaws.containers.contract import JobError, client_error, parse_location, read_object
from localaws.errors import AwsError

MAXIMUM_UNZIPPED_BYTES = 8 * 2**30
CHUNK_BYTES = 2**20
TRANSFERS = 4
"""Of files at the same time: a disk takes several new ones in little more than the time of one."""


@dataclass(frozen=True)
class InputFile:
    """An object of a channel and its path inside of the channel's folder."""

    bucket: str
    key: str
    path: PurePosixPath


@dataclass(frozen=True)
class Channel:
    """One channel of InputDataConfig."""

    name: str
    content_type: str
    files: tuple[InputFile, ...]
    sharded: bool
    gzipped: bool

    def files_of_host(self, index: int, count: int) -> tuple[InputFile, ...]:
        """What host number ``index`` of ``count`` reads: all of it, or its share of the objects."""
        return self.files[index::count] if self.sharded else self.files


def read_channel(definition: Mapping[str, Any], objects: ObjectStore) -> Channel:
    """Find the objects of a channel.

    Raises
    ------
    JobError
        When there are none, or when the role may not list them.
    """
    source = definition["DataSource"]["S3DataSource"]
    files = list_files(source["S3DataType"], source["S3Uri"], objects)
    if "ShuffleConfig" in definition:
        random.Random(definition["ShuffleConfig"]["Seed"]).shuffle(files)
    return Channel(
        name=definition["ChannelName"],
        content_type=definition.get("ContentType", ""),
        files=tuple(files),
        sharded=source.get("S3DataDistributionType") == "ShardedByS3Key",
        gzipped=definition.get("CompressionType") == "Gzip",
    )


def list_files(data_type: str, uri: str, objects: ObjectStore) -> list[InputFile]:
    """The objects that an S3Prefix or a ManifestFile names, in the order of their keys.

    Raises
    ------
    JobError
    """
    location = parse_location(uri)
    try:
        files = _LISTERS[data_type](location, objects)
    except AwsError as error:
        raise client_error(f"Data download failed:{error.message} ({uri})") from error
    if not files:
        raise client_error(f'No S3 objects found under S3 URL "{uri}" given in input data source')
    return files


def _files_of_prefix(location: S3Location, objects: ObjectStore) -> list[InputFile]:
    keys = [summary.key for summary in objects.list_objects(location.bucket, location.key)]
    base = _folder(location.key, keys)
    return [
        InputFile(location.bucket, key, _relative(key[len(base) :]))
        for key in sorted(keys)
        if not key.endswith("/")
    ]


def _folder(prefix: str, keys: Sequence[str]) -> str:
    """The part of the keys that the channel's folder stands for.

    ``data/train`` is a folder when ``data/train/...`` exists, and a file, or the start of several
    files' names, otherwise.
    """
    if prefix.endswith("/") or not prefix:
        return prefix
    if all(key.startswith(f"{prefix}/") for key in keys):
        return f"{prefix}/"
    return prefix[: prefix.rfind("/") + 1]


def _files_of_manifest(location: S3Location, objects: ObjectStore) -> list[InputFile]:
    """``[{"prefix": "s3://bucket/folder/"}, "path/of/one", ...]``."""
    try:
        head, *paths = json.loads(objects.get_object(location.bucket, location.key))
        base = S3Location.parse(str(head["prefix"]))
        return [InputFile(base.bucket, base.key + path, _relative(path)) for path in paths]
    except (ValueError, TypeError, KeyError) as error:
        form = '[{"prefix": "s3://..."}, "path", ...]'
        raise client_error(
            f'Manifest "{location.url}" is not of the form {form}: {error}'
        ) from error


def _relative(name: str) -> PurePosixPath:
    """A path of the rest of a key, which may begin with a slash: ``prefix//file``."""
    return PurePosixPath(name.lstrip("/"))


_LISTERS = {"S3Prefix": _files_of_prefix, "ManifestFile": _files_of_manifest}

DATA_TYPES = tuple(_LISTERS)


def download(
    files: Sequence[InputFile], directory: Path, objects: ObjectStore, gzipped: bool = False
) -> None:
    """Write files to their paths below a folder; Gzip files unzipped.

    Raises
    ------
    JobError
        Naming the object that could not be read, or whose key cannot be a path: as AWS says,
        ``a`` cannot be a file where ``a/b`` is one too.
    """
    targets = [_target(directory, file) for file in files]
    directory.mkdir(parents=True, exist_ok=True)
    folders = {target.parent: file for file, target in zip(files, targets, strict=True)}
    for folder, file in folders.items():
        with _as_job_error(file):
            folder.mkdir(parents=True, exist_ok=True)

    def write(file: InputFile, target: Path) -> None:
        body = read_object(S3Location(file.bucket, file.key), objects)
        with _as_job_error(file):
            if gzipped:
                _unzip(body, file, target)
            else:
                target.write_bytes(body)

    with ThreadPoolExecutor(TRANSFERS) as threads:
        list(threads.map(write, files, targets))  # so that the first error is raised here


@contextmanager
def _as_job_error(file: InputFile) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise client_error(
            f"Data download failed:key '{file.key}' cannot be a file: {error.strerror}"
        ) from error


def _target(directory: Path, file: InputFile) -> Path:
    if ".." in file.path.parts:
        raise client_error(f"Data download failed:key '{file.key}' leads out of its channel")
    return directory / file.path


def _unzip(body: bytes, file: InputFile, target: Path) -> None:
    """Write the contents of all members of a gzip file: ``cat a.gz b.gz`` is one too."""
    if not body:
        raise _unzip_failure(file, "empty")
    left = MAXIMUM_UNZIPPED_BYTES
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as zipped, target.open("wb") as out:
        while chunk := _next_chunk(zipped, file):
            left -= len(chunk)
            if left < 0:
                raise _unzip_failure(file, f"larger than {MAXIMUM_UNZIPPED_BYTES:,} bytes")
            out.write(chunk)


def _next_chunk(zipped: gzip.GzipFile, file: InputFile) -> bytes:
    try:
        return zipped.read(CHUNK_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise _unzip_failure(file, str(error)) from error


def _unzip_failure(file: InputFile, reason: str) -> JobError:
    return client_error(f"Data download failed:s3://{file.bucket}/{file.key} is no gzip: {reason}")
