"""The interface between the platform and a container image: for serving, and for training."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from localaws.artifacts import S3Location
from localaws.backend import ObjectStore
from localaws.errors import AwsError

MAXIMUM_LENGTH = 1024
"""Longest FailureReason of DescribeTrainingJob, in characters."""

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")


@dataclass(frozen=True)
class ContainerRequest:
    """What the platform sends to a container's /invocations."""

    body: bytes
    content_type: str
    accept: str
    custom_attributes: str = ""
    target_model: str = ""


@dataclass(frozen=True)
class ContainerResponse:
    """What a container answers; a status of 400 and above becomes a ModelError."""

    body: bytes
    content_type: str
    status: int = 200
    custom_attributes: str = ""


@dataclass(frozen=True)
class ContainerSettings:
    """A container definition of CreateModel, as the container sees it.

    ``environment`` holds what the user set; ``model_directory`` the unpacked model.tar.gz of a
    SingleModel container and None for a MultiModel one; ``log`` takes the lines that the container
    writes; ``download`` reads an object by its S3 URI with the permissions of the model's role, and
    raises ``AwsError`` where these do not suffice.
    """

    image: str
    environment: Mapping[str, str] = field(default_factory=dict)
    model_directory: Path | None = None
    log: "LogSink" = print
    download: "Download | None" = None


class LogSink(Protocol):
    """Takes one line of a container's output."""

    def __call__(self, line: str, /) -> None: ...


class Download(Protocol):
    """Reads an object by its S3 URI."""

    def __call__(self, uri: str, /) -> bytes: ...


class LoadedModel(Protocol):
    """A model in memory, ready to answer."""

    def invoke(self, request: ContainerRequest) -> ContainerResponse: ...

    def close(self) -> None: ...


class Container(Protocol):
    """One running container of one endpoint.

    ``blocking`` is True where ``invoke`` may take long (user code): the platform then calls it on a
    thread; otherwise on the event loop, which saves the switch.

    ``start`` raises ``ContainerStartError`` with the reason where the real container would fail
    its health check. In SingleModel mode ``load`` is called once, with the settings' model
    directory; in MultiModel mode once per model that the cache brings in.
    """

    blocking: bool

    def start(self) -> None: ...

    def load(self, model_directory: Path) -> LoadedModel: ...

    def stop(self) -> None: ...


class ContainerImage(Protocol):
    """An image that this AWS can run; ``registry.py`` finds it by image URI."""

    supports_multi_model: bool
    model_memory_bytes: int
    """Resident memory that one loaded model takes on the real instance."""

    def matches(self, image_uri: str) -> bool: ...

    def container(self, settings: ContainerSettings) -> Container: ...


class ContainerStartError(Exception):
    """The container did not come up; the text becomes the endpoint's FailureReason."""


class ModelLoadError(Exception):
    """A model artifact could not be loaded; the text reaches the caller as a ModelError."""


@dataclass(frozen=True)
class TrainingHost:
    """One instance of a training job, as its container sees it.

    ``directory`` stands for ``/opt/ml`` and is laid out like it; ``name`` is one of ``hosts``, for
    example ``algo-1``; ``environment`` holds what the platform and the user set.
    """

    directory: Path
    name: str
    hosts: tuple[str, ...]
    hyperparameters: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """A process to run.

    ``preamble`` are log lines that the container writes before it, ``error`` is what it calls a
    failure of it; ``first`` must have ended well before it runs.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    preamble: Sequence[str] = ()
    error: str = ""
    first: "Program | None" = None


@dataclass(frozen=True)
class Exit:
    """How a program ended: its exit code, and a text that says why it failed."""

    code: int
    text: str = ""


@runtime_checkable
class TrainingImage(Protocol):
    """An image that can run training jobs (``docker run IMAGE train``)."""

    one_process_for_all_hosts: bool
    """Whether one process does the work of all hosts of a job, and so reads the data of all."""

    metric_definitions: Mapping[str, str]
    """Metrics that the image defines itself: name to regular expression."""

    def training_program(self, host: TrainingHost, objects: ObjectStore) -> Program:
        """Prepare the host and return what to run on it.

        Raises ``JobError`` where the real container would fail before it runs user code.
        """
        ...

    def container_exit(self, program: Program, program_exit: Exit) -> Exit:
        """How the container ends when its program failed."""
        ...


class JobError(Exception):
    """A job ends as Failed; the text becomes its FailureReason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason[:MAXIMUM_LENGTH])


def client_error(text: str) -> JobError:
    """A failure that the customer's input caused."""
    return JobError(f"ClientError: {text}")


def algorithm_error(text: str) -> JobError:
    """A failure inside the container."""
    return JobError(f"AlgorithmError: {text}")


def internal_error(text: str) -> JobError:
    """A failure of the service itself."""
    return JobError(f"InternalServerError: {text}")


def parse_location(uri: str) -> S3Location:
    """The bucket and key of an S3 URI. Raises ``JobError`` for anything else."""
    try:
        return S3Location.parse(uri)
    except ValueError as error:
        raise client_error(str(error)) from error


def read_object(location: S3Location, objects: ObjectStore) -> bytes:
    """The bytes of one object. Raises ``JobError`` with S3's reason."""
    try:
        return objects.get_object(location.bucket, location.key)
    except AwsError as error:
        reason = f"{error.code} ({error.status}): {error.message}"
        raise client_error(f"Data download failed:{reason} ({location.url})") from error


def base_environment() -> Mapping[str, str]:
    """What a container's process gets of ours: nothing secret; one thread for BLAS."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    return {**kept, **threads, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
