"""One running instance of a variant."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from localaws.hosting.instance_types import InstanceType
from localaws.hosting.invocation import InvocationRequest
from localaws.hosting.multi_model import MultiModelServer
from localaws.hosting.pipeline import Pipeline
from localaws.hosting.stage import Answer


@dataclass
class Instance:
    """A pipeline of containers, and the models that they hold.

    Attributes
    ----------
    directory
        Holds the model files.
    models
        Those of the MultiModel container, if there is one.
    in_flight
        The number of requests inside.
    retired
        Takes no new request.
    busy_seconds
        How long the containers have worked.
    """

    id: str
    type: InstanceType
    directory: Path
    pipeline: Pipeline
    models: MultiModelServer | None
    in_flight: int = 0
    retired: bool = False
    busy_seconds: float = 0.0

    def enter(self) -> bool:
        """Count a request in; False when the instance is going away.

        Counting comes before looking, and ``drain`` looks after marking: so a request is either
        waited for or turned away.
        """
        self.in_flight += 1
        if self.retired:
            self.in_flight -= 1
            return False
        return True

    def leave(self) -> None:
        """Count a request out."""
        self.in_flight -= 1

    async def invoke(self, request: InvocationRequest) -> Answer:
        """Run the request through the pipeline."""
        answer = await self.pipeline.invoke(request)
        self.busy_seconds += answer.seconds
        return answer

    def drain(self, timeout_seconds: float) -> None:
        """Turn new requests away, wait for those inside, stop the containers, delete files."""
        self.retired = True
        deadline = time.monotonic() + timeout_seconds
        while self._is_busy() and time.monotonic() < deadline:
            time.sleep(0.005)
        self.pipeline.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _is_busy(self) -> bool:
        return self.in_flight > 0 or (self.models is not None and self.models.is_loading)
