"""One instance of a variant: its pipeline of containers."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localaws.containers.base import ContainerRequest, ContainerResponse
from localaws.hosting.errors import model_error, model_timeout, payload_between_containers_too_large
from localaws.hosting.instance_types import InstanceType
from localaws.hosting.invocation import InvocationRequest
from localaws.hosting.metrics import Metric
from localaws.hosting.multi_model import MultiModelServer
from localaws.hosting.specification import EndpointSpecification
from localaws.hosting.stage import Stage

MAXIMUM_INTERMEDIATE_BYTES = 5 * 1024**2
"""https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html"""


@dataclass
class Instance:
    """Containers that run together, and the models that they hold.

    ``directory`` holds their model files.

    ``models`` and ``multi_model_stage`` are those of the one MultiModel container, if there is
    one. ``in_flight`` counts the requests inside; a ``retired`` instance takes no new one.
    ``busy_seconds`` is the time that the containers have worked.
    """

    id: str
    directory: Path
    type: InstanceType
    endpoint: EndpointSpecification
    stages: list[Stage]
    container_latencies: Sequence[Metric]
    models: MultiModelServer | None = None
    multi_model_stage: int | None = None
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

    async def invoke(self, request: InvocationRequest) -> tuple[ContainerResponse, float]:
        """Run the request through the containers; also the seconds that these took.

        The first container gets the client's body and Content-Type, each further one the response
        before it; the last one gets the client's Accept. What the others get is not documented:
        none, so that they use their default. All see the custom attributes, and the last one's
        go back to the client.
        """
        last = len(self.stages) - 1
        body, content_type = request.body, request.content_type
        total = 0.0
        for number, stage in enumerate(self.stages):
            # Only the container that holds the models is told which one is meant.
            target_model = request.target_model if number == self.multi_model_stage else ""
            try:
                answer = await stage.invoke(
                    ContainerRequest(
                        body=body,
                        content_type=content_type,
                        accept=request.accept if number == last else "",
                        custom_attributes=request.custom_attributes,
                        target_model=target_model,
                    )
                )
            except TimeoutError:
                raise model_timeout(self.endpoint, stage.name) from None
            response = answer.response
            total += answer.seconds
            if self.container_latencies:
                self.container_latencies[number].record(answer.seconds * 1e6)
            if response.status >= 400:
                message = response.body.decode("utf-8", "replace")
                raise model_error(self.endpoint, stage.name, response.status, message)
            if number < last and len(response.body) > MAXIMUM_INTERMEDIATE_BYTES:
                receiver = self.stages[number + 1].name
                raise payload_between_containers_too_large(
                    self.endpoint, stage.name, receiver, len(response.body)
                )
            body, content_type = response.body, response.content_type
        self.busy_seconds += total
        return response, total

    def drain(self, timeout_seconds: float) -> None:
        """Turn new requests away, wait for those inside, stop the containers, delete files."""
        self.retired = True
        deadline = time.monotonic() + timeout_seconds
        while self._is_busy() and time.monotonic() < deadline:
            time.sleep(0.005)
        for stage in self.stages:
            stage.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _is_busy(self) -> bool:
        return self.in_flight > 0 or (self.models is not None and self.models.is_loading)
