"""A SageMaker job, training or batch transform: what it is, how it stands, how it ended."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

MAX_NAME_LENGTH = 63
DIGEST_LENGTH = 12


class Status(StrEnum):
    """A job's status in DescribeTrainingJob and DescribeTransformJob."""

    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"


@dataclass(frozen=True)
class JobState:
    """What a Describe call says about a job."""

    status: Status
    failure_reason: str = ""
    description: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether the status will not change any more."""
        return self.status in (Status.COMPLETED, Status.FAILED, Status.STOPPED)


class JobService(Protocol):
    """One kind of job in the SageMaker API."""

    def create(self, name: str, request: Mapping[str, Any]) -> None: ...

    def describe(self, name: str) -> JobState | None:
        """The job's state; None where there is no job of this name."""
        ...

    def stop(self, name: str) -> None: ...


@dataclass(frozen=True)
class Job:
    """A job to run.

    Parameters
    ----------
    label
        What it is called in progress and results, for example a city.
    stem
        The readable part of its name.
    request
        The CreateTrainingJob or CreateTransformJob request without the name. The name carries its
        digest, so that the URLs in it have to change with the data behind them.
    """

    label: str
    stem: str
    request: Mapping[str, Any]

    def name(self, attempt: int = 1) -> str:
        """``<stem>-<digest>``, and ``-2`` and so on from the second attempt."""
        content = json.dumps([self.label, self.request], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:DIGEST_LENGTH]
        ending = digest if attempt == 1 else f"{digest}-{attempt}"
        room = MAX_NAME_LENGTH - len(ending) - 1
        stem = re.sub(r"[^A-Za-z0-9]+", "-", self.stem)[:room].strip("-")
        return f"{stem}-{ending}" if stem else ending


@dataclass(frozen=True)
class JobResult:
    """How a job ended; ``reused`` where an earlier run had completed it."""

    job: Job
    name: str
    state: JobState
    seconds: float = 0.0
    reused: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether there is an artifact to use."""
        return self.state.status is Status.COMPLETED


@dataclass(frozen=True)
class JobEvent:
    """A change to show; ``what`` is a word such as started, joined, reused or a final status."""

    label: str
    name: str
    what: str
    seconds: float = 0.0
