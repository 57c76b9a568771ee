"""A container that answers what it is sent: for trying out the platform itself.

Image ``localaws-echo``, any registry and tag. Its environment says how it behaves:
``ECHO_START_ERROR`` (does not start, with this reason), ``ECHO_LOAD_ERROR`` (no model loads),
``ECHO_STATUS`` (answers with this HTTP status), ``ECHO_DELAY_SECONDS`` (answers this late).
"""

import time
from pathlib import Path

from localaws.containers.contract import (
    ContainerRequest,
    ContainerResponse,
    ContainerSettings,
    ContainerStartError,
    ModelLoadError,
)
from localaws.containers.registry import repository_of

MEBIBYTE = 1024 * 1024


class EchoModel:
    """Answers the request's body and content type."""

    def __init__(self, status: int, delay: float) -> None:
        self._status = status
        self._delay = delay

    def invoke(self, request: ContainerRequest) -> ContainerResponse:
        if self._delay:
            time.sleep(self._delay)
        return ContainerResponse(
            body=request.body,
            content_type=request.content_type,
            status=self._status,
            custom_attributes=request.custom_attributes,
        )

    def close(self) -> None:
        """Nothing to free."""


class EchoContainer:
    """One running echo container."""

    def __init__(self, settings: ContainerSettings) -> None:
        self._environment = settings.environment
        self._delay = float(settings.environment.get("ECHO_DELAY_SECONDS", "0"))
        self._status = int(settings.environment.get("ECHO_STATUS", "200"))
        self.blocking = self._delay > 0

    def start(self) -> None:
        if reason := self._environment.get("ECHO_START_ERROR"):
            raise ContainerStartError(reason)

    def load(self, model_directory: Path) -> EchoModel:
        if reason := self._environment.get("ECHO_LOAD_ERROR"):
            raise ModelLoadError(reason)
        return EchoModel(self._status, self._delay)

    def stop(self) -> None:
        """Nothing to free."""


class EchoImage:
    """The image ``localaws-echo``."""

    repository = "localaws-echo"
    supports_multi_model = True
    model_memory_bytes = MEBIBYTE

    def matches(self, image_uri: str) -> bool:
        return repository_of(image_uri) == self.repository

    def container(self, settings: ContainerSettings) -> EchoContainer:
        return EchoContainer(settings)


IMAGE = EchoImage()
