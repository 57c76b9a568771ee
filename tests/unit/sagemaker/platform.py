"""SageMaker over S3 and CloudWatch in memory, with scripted containers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from localaws.apis import Apis, create_apis
from localaws.containers.registry import ContainerRegistry
from localaws.errors import AwsError
from localaws.hosting.invocation import InvocationRequest
from localaws.testing.memory import BUCKET, ROLE, SCOPE, MemoryBackend, model_archive
from tests.unit.hosting.containers import ScriptedImage, wait_until

PIPELINE = [
    {"Image": "first", "ModelDataUrl": f"s3://{BUCKET}/preprocessor/model.tar.gz"},
    {"Image": "second", "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/models/"},
]
DEPLOYING = ("Creating", "Updating", "Deleting")


class Platform:
    """The APIs, with shorthands for what most tests need."""

    def __init__(self, state_directory: Path) -> None:
        self.state_directory = state_directory
        self.backend = MemoryBackend()
        self.first, self.second = ScriptedImage("first"), ScriptedImage("second")
        self.backend.s3.objects["preprocessor/model.tar.gz"] = model_archive({"model": b"scaler"})
        self.backend.s3.objects["models/a.tar.gz"] = model_archive({"model": b"a"})
        self.apis = self._start()

    def _start(self) -> Apis:
        images = ContainerRegistry([self.first, self.second])
        apis = create_apis(self.state_directory, self.backend, images=images, environment={})
        apis.start(asyncio.new_event_loop())
        return apis

    def restart(self) -> None:
        """Stop, and start again from the same state."""
        self.apis.stop()
        self.apis = self._start()

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.apis.sagemaker.call(SCOPE, operation, request)

    def scale(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.apis.autoscaling.call(SCOPE, operation, request)

    def refusal(self, operation: str, **request: Any) -> AwsError:
        with pytest.raises(AwsError) as caught:
            self.call(operation, **request)
        return caught.value

    def create_model(self, name: str = "model", **members: Any) -> dict[str, Any]:
        request = {"ExecutionRoleArn": ROLE, "Containers": PIPELINE, **members}
        return self.call("CreateModel", ModelName=name, **request)

    def create_config(
        self, name: str = "config", model: str = "model", **variant: Any
    ) -> dict[str, Any]:
        members = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": "ml.m5.xlarge",
            "InitialInstanceCount": 1,
            **variant,
        }
        return self.call(
            "CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=[members]
        )

    def create_endpoint(self, name: str = "housing", config: str = "config") -> dict[str, Any]:
        """Create an endpoint and wait until it is settled; its description."""
        self.call("CreateEndpoint", EndpointName=name, EndpointConfigName=config)
        return self.settled(name)

    def deployed(self) -> dict[str, Any]:
        """Model, config and endpoint, in service."""
        self.create_model()
        self.create_config()
        return self.create_endpoint()

    def describe(self, name: str = "housing") -> dict[str, Any]:
        return self.call("DescribeEndpoint", EndpointName=name)

    def settled(self, name: str = "housing") -> dict[str, Any]:
        wait_until(lambda: self.describe(name)["EndpointStatus"] not in DEPLOYING)
        return self.describe(name)

    def invoke(self, name: str = "housing", target_model: str = "a.tar.gz") -> bytes:
        request = InvocationRequest(b"1,2", target_model=target_model)
        return asyncio.run(self.apis.runtime.invoke(SCOPE, name, request)).body
