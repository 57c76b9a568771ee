"""What all instances of this AWS share."""

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from localaws.backend import Backend
from localaws.containers.registry import ContainerRegistry
from localaws.hosting.logs import LogPublisher
from localaws.hosting.metrics import MetricsPublisher
from localaws.hosting.settings import HostingSettings


@dataclass(frozen=True)
class Host:
    """Services, settings and threads.

    Models are loaded on ``loading_threads`` and user code runs on ``invocation_threads``, so that
    the one never waits for the other. Instances keep their models beneath ``directory``.
    """

    directory: Path
    backend: Backend
    images: ContainerRegistry
    settings: HostingSettings
    metrics: MetricsPublisher
    logs: LogPublisher
    loading_threads: Executor
    invocation_threads: Executor


class DeploymentError(Exception):
    """An endpoint did not come up; the text becomes its FailureReason."""
