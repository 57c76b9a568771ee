"""A runtime, and endpoints of two scripted containers to deploy there."""

import asyncio
from pathlib import Path

import pytest

from localaws.containers.contract import ContainerResponse
from localaws.containers.registry import ContainerRegistry
from localaws.errors import AwsError
from localaws.hosting.invocation import InvocationRequest, InvocationResponse
from localaws.hosting.runtime import Runtime
from localaws.hosting.settings import HostingSettings
from localaws.hosting.specification import (
    ContainerSpecification,
    EndpointSpecification,
    VariantSpecification,
)
from localaws.testing.memory import BUCKET, ROLE, SCOPE, MemoryBackend, model_archive
from tests.unit.hosting.containers import ScriptedImage

GROUP = "/aws/sagemaker/Endpoints/housing"
DIMENSIONS = {"EndpointName": "housing", "VariantName": "AllTraffic"}
FIRST = ContainerSpecification("container-1", "first", f"s3://{BUCKET}/preprocessor/model.tar.gz")
SECOND = ContainerSpecification("container-2", "second", f"s3://{BUCKET}/models/", multi_model=True)


def variant(
    *containers: ContainerSpecification,
    name: str = "AllTraffic",
    count: int = 1,
    weight: float = 1.0,
) -> VariantSpecification:
    return VariantSpecification(
        name=name,
        model_name="model",
        execution_role_arn=ROLE,
        instance_type="ml.m5.xlarge",
        instance_count=count,
        weight=weight,
        containers=containers or (FIRST, SECOND),
    )


def endpoint(*variants: VariantSpecification, config: str = "config-1") -> EndpointSpecification:
    return EndpointSpecification(SCOPE, "housing", config, variants or (variant(),))


class Platform:
    """A runtime with two scripted images over S3 and CloudWatch in memory."""

    def __init__(self, directory: Path, settings: HostingSettings | None = None) -> None:
        self.backend = MemoryBackend()
        self.first, self.second = ScriptedImage("first"), ScriptedImage("second")
        objects = self.backend.s3.objects
        objects["preprocessor/model.tar.gz"] = model_archive({"model": b"scaler"})
        for name in "abcdef":
            objects[f"models/{name}.tar.gz"] = model_archive({"model": name.encode()})
        images = ContainerRegistry([self.first, self.second])
        self.runtime = Runtime(directory, self.backend, images, settings)

    def invoke(
        self, body: bytes = b"1,2", target_model: str = "a.tar.gz", **headers: str
    ) -> InvocationResponse:
        return asyncio.run(self.invoke_async(body, target_model, **headers))

    async def invoke_async(
        self, body: bytes = b"1,2", target_model: str = "a.tar.gz", **headers: str
    ) -> InvocationResponse:
        request = InvocationRequest(body, target_model=target_model, **headers)
        return await self.runtime.invoke(SCOPE, "housing", request)

    def refusal(
        self, body: bytes = b"1,2", target_model: str = "a.tar.gz", **headers: str
    ) -> AwsError:
        with pytest.raises(AwsError) as caught:
            self.invoke(body, target_model, **headers)
        return caught.value

    def metric(self, name: str, **dimensions: str) -> list[float]:
        self.runtime.flush()
        return self.backend.values("AWS/SageMaker", name, DIMENSIONS | dimensions)

    def instance_metric(self, name: str) -> list[float]:
        self.runtime.flush()
        return self.backend.values("/aws/sagemaker/Endpoints", name, DIMENSIONS)

    def log(self, container: str) -> list[str]:
        """What a container has written to its streams."""
        self.runtime.flush()
        return [
            line
            for (_, stream), lines in self.backend.lines.items()
            if stream.endswith(f"/{container}")
            for line in lines
        ]


def answering(
    body: bytes = b"", content_type: str = "", status: int = 200, custom_attributes: str = ""
) -> ContainerResponse:
    return ContainerResponse(body, content_type, status, custom_attributes)
