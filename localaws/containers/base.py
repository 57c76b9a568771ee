"""The interface between the platform and a container image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


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
