"""A container whose every move a test can see and hold up."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from localaws.containers.contract import (
    ContainerRequest,
    ContainerResponse,
    ContainerSettings,
    ContainerStartError,
    LoadedModel,
    ModelLoadError,
)

Answer = Callable[[ContainerRequest], ContainerResponse]


class ScriptedModel:
    """Answers with the file ``model`` of its artifact, unless the image says otherwise."""

    def __init__(self, image: "ScriptedImage", directory: Path) -> None:
        self._image = image
        self.content = (directory / "model").read_bytes()
        self.closed = False

    def invoke(self, request: ContainerRequest) -> ContainerResponse:
        if self.closed:
            raise RuntimeError("a model was invoked after it had been unloaded")
        self._image.requests.append(request)
        if self._image.answer is not None:
            return self._image.answer(request)
        return ContainerResponse(self.content + b":" + request.body, "text/plain")

    def close(self) -> None:
        self.closed = True
        self._image.unloaded.append(self.content.decode())


class ScriptedContainer:
    """``image`` holds the script and the record."""

    def __init__(self, image: "ScriptedImage", settings: ContainerSettings) -> None:
        self._image = image
        self.settings = settings
        self.blocking = image.blocking

    def start(self) -> None:
        self.settings.log("the server starts")
        if self._image.start_error:
            raise ContainerStartError(self._image.start_error)

    def load(self, model_directory: Path) -> LoadedModel:
        content = (model_directory / "model").read_bytes().decode()
        self._image.loaded.append(content)
        if content in self._image.gates:
            self._image.gates[content].wait(10)
        if content == self._image.breaks_on:
            raise ValueError("a number was expected")
        if content in self._image.load_errors:
            raise ModelLoadError(f"unable to load model {content}")
        return ScriptedModel(self._image, model_directory)

    def stop(self) -> None:
        self._image.stopped += 1


class ScriptedImage:
    """``gates`` hold loads of models up until they are set; ``loaded`` and the like tell."""

    supports_multi_model = True
    model_memory_bytes = 2**30

    def __init__(self, name: str = "scripted") -> None:
        self.name = self.repository = name
        self.blocking = False
        self.start_error = ""
        self.load_errors: set[str] = set()
        self.breaks_on = ""
        self.gates: dict[str, threading.Event] = {}
        self.answer: Answer | None = None
        self.requests: list[ContainerRequest] = []
        self.loaded: list[str] = []
        self.unloaded: list[str] = []
        self.stopped = 0
        self.settings: list[ContainerSettings] = []

    def matches(self, image_uri: str) -> bool:
        return image_uri == self.name

    def container(self, settings: ContainerSettings) -> ScriptedContainer:
        self.settings.append(settings)
        return ScriptedContainer(self, settings)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Until ``condition`` holds; fails the test when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)
