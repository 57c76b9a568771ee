"""A request's way through the containers of an instance.

https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-real-time.html
"""

from collections.abc import Sequence

from localaws.containers.contract import ContainerRequest, ContainerResponse
from localaws.hosting.invocation import (
    InvocationRequest,
    model_error,
    model_timeout,
    payload_between_containers_too_large,
)
from localaws.hosting.specification import EndpointSpecification
from localaws.hosting.stage import Answer, Stage

MAXIMUM_INTERMEDIATE_BYTES = 5 * 1024**2
"""https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html"""


class Pipeline:
    """One container, or several that follow each other.

    The first container gets the client's body and Content-Type, each further one the response
    before it; the last one gets the client's Accept. What the others get is not documented: none,
    so that they use their default. All see the custom attributes, and the last one's go back to
    the client. Only a container that holds several models is told which one is meant.
    """

    def __init__(self, endpoint: EndpointSpecification, stages: Sequence[Stage]) -> None:
        self._endpoint = endpoint
        self._stages = stages
        self._last = stages[-1]

    async def invoke(self, request: InvocationRequest) -> Answer:
        """The last container's response, and the seconds that all of them took together.

        Raises
        ------
        AwsError
            With code ``ModelError`` when a container answers an error, too much or too late.
        """
        stage, *further = self._stages
        answer = await self._call(stage, request, request.body, request.content_type)
        seconds = answer.seconds
        for receiver in further:
            response = answer.response
            self._check_size(stage, receiver, response)
            stage = receiver
            answer = await self._call(stage, request, response.body, response.content_type)
            seconds += answer.seconds
        return Answer(answer.response, seconds)

    def close(self) -> None:
        """Stop the containers."""
        for stage in self._stages:
            stage.close()

    async def _call(
        self, stage: Stage, request: InvocationRequest, body: bytes, content_type: str
    ) -> Answer:
        try:
            answer = await stage.invoke(
                ContainerRequest(
                    body=body,
                    content_type=content_type,
                    accept=request.accept if stage is self._last else "",
                    custom_attributes=request.custom_attributes,
                    target_model=request.target_model if stage.models is not None else "",
                )
            )
        except TimeoutError:
            raise model_timeout(self._endpoint, stage.name) from None
        if stage.latency is not None:
            stage.latency.record(answer.seconds * 1e6)
        response = answer.response
        if response.status >= 400:
            message = response.body.decode("utf-8", "replace")
            raise model_error(self._endpoint, stage.name, response.status, message)
        return answer

    def _check_size(self, sender: Stage, receiver: Stage, response: ContainerResponse) -> None:
        size = len(response.body)
        if size > MAXIMUM_INTERMEDIATE_BYTES:
            raise payload_between_containers_too_large(
                self._endpoint, sender.name, receiver.name, size
            )
