"""What a container image adds to be trainable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from localaws.backend import ObjectStore


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
