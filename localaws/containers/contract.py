"""The interface between the platform and a container image: for serving, and for training."""

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from localaws.artifacts import S3Location
from localaws.backend import ObjectStore
from localaws.errors import AwsError
from localaws.processes.launch import Launch

if TYPE_CHECKING:
    from localaws.containers.process_host import ProcessHost

START_SECONDS = 480.0
"""How long a container may take to answer its first ping unless the endpoint config says otherwise
(https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html)."""
LOG_BYTES_A_SECOND = 1 << 20
"""A container that prints more waits at its next ``print``."""
LINE_BYTES = 100
"""What a line counts beside its text."""
MAXIMUM_LENGTH = 1024
"""Longest FailureReason of DescribeTrainingJob, in characters."""


class ContainerRequest(NamedTuple):
    """What the platform sends to a container's /invocations."""

    body: bytes
    content_type: str
    accept: str
    custom_attributes: str = ""
    target_model: str = ""


class ContainerResponse(NamedTuple):
    """What a container answers; a status of 400 and above becomes a ModelError."""

    body: bytes
    content_type: str
    status: int = 200
    custom_attributes: str = ""


@dataclass(frozen=True)
class ContainerSettings:
    """A container definition of CreateModel, as the container sees it.

    Attributes
    ----------
    image
        Its URI.
    environment
        What the user set.
    directory
        The container's /opt/ml: ``model`` in it holds the unpacked model.tar.gz in SingleModel
        mode, ``models`` those of MultiModel mode.
    is_multi_model
        Its Mode.
    log
        Takes the lines that the container writes.
    download
        Reads an object by its S3 URI with the permissions of the model's role, and raises
        ``AwsError`` where these do not suffice.
    host
        Runs the container's processes, if it has any.
    timeout_seconds
        How long it may take for a request.
    start_seconds
        How long it may take until it is ready, installing and loading a model each.
    niceness
        How far below serving its processes are in priority.
    """

    image: str
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = Path("/opt/ml")
    is_multi_model: bool = False
    log: "LogSink" = print
    download: "Download | None" = None
    host: "ProcessHost | None" = None
    timeout_seconds: float = 60.0
    start_seconds: float = START_SECONDS
    niceness: int = 0


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


class RemoteModel:
    """A model in another process: asked on the event loop, without waiting there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    @abstractmethod
    def submit(self, request: ContainerRequest) -> "asyncio.Future[ContainerResponse]":
        """Ask, on the event loop; the future raises ``TimeoutError`` when it takes too long."""

    def invoke(self, request: ContainerRequest) -> ContainerResponse:
        """Ask and wait, on any other thread."""

        async def ask() -> ContainerResponse:
            return await self.submit(request)

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result()

    @abstractmethod
    def close(self) -> None:
        """End its processes."""


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

    repository: str
    """The name of its repository, in any registry."""
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

    Attributes
    ----------
    directory
        Is its ``/opt/ml`` and laid out like it.
    name
        One of ``hosts``, for example ``algo-1``.
    environment
        What the platform and the user set.
    image
        The URI of its image.
    entrypoint
        ContainerEntrypoint and ContainerArguments, which take the place of what the image runs.
    without_opt_ml
        Why its processes do not see ``directory`` as /opt/ml; empty where they do.
    """

    directory: Path
    name: str
    hosts: tuple[str, ...]
    hyperparameters: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    entrypoint: tuple[str, ...] = ()
    without_opt_ml: str = ""


@dataclass(frozen=True)
class Program:
    """A process to run.

    ``preamble`` are log lines that the container writes before it, ``error`` is what it calls a
    failure of it; ``first`` must have ended well before it runs; ``descriptors`` are its 3, 4, ….
    """

    launch: Launch
    preamble: Sequence[str] = ()
    error: str = ""
    first: "Program | None" = None
    descriptors: Sequence[int] = ()


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

    runs_entrypoints: bool
    """Whether it can run a ContainerEntrypoint in place of its own program."""

    metric_definitions: Mapping[str, str]
    """Metrics that the image defines itself: name to regular expression."""

    takes_metric_definitions: bool
    """Whether a request may define more; of SageMaker's own algorithms it may not."""

    def training_program(self, host: TrainingHost, objects: ObjectStore) -> Program:
        """Prepare the host and return what to run on it.

        Raises
        ------
        JobError
            Where the real container would fail before it runs user code.
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
    """The bucket and key of an S3 URI.

    Raises
    ------
    JobError
        For anything else.
    """
    try:
        return S3Location.parse(uri)
    except ValueError as error:
        raise client_error(str(error)) from error


def read_object(location: S3Location, objects: ObjectStore) -> bytes:
    """The bytes of one object.

    Raises
    ------
    JobError
        With S3's reason.
    """
    try:
        return objects.get_object(location.bucket, location.key)
    except AwsError as error:
        reason = f"{error.code} ({error.status}): {error.message}"
        raise client_error(f"Data download failed:{reason} ({location.url})") from error
