"""Replaces an endpoint's instances, so that no model is loaded any more that is gone.

SageMaker has no call that unloads one model. An update replaces the instances, and "to update an
endpoint, you must create a new EndpointConfig", see
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html. So the endpoint
goes to a copy of its own config and back: afterwards it is as its stack declares it, and the copy
is deleted. There is no loss of availability, but all models are cold.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import WaiterError

from fleet.errors import HousingError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

COPY_OF = "housing:copy-of"
"""The tag of a copy that names the config which the endpoint goes back to."""
LONGEST_SECONDS = 3600


class UnloadingError(HousingError):
    """The instances were not replaced; one line."""


@dataclass(frozen=True)
class Instances:
    """Those of one endpoint."""

    sagemaker: "SageMakerClient"
    endpoint_name: str
    poll_seconds: int = 2

    def replace(self) -> None:
        """Replace all; what an interrupted run left is finished.

        Raises
        ------
        UnloadingError
            The endpoint is being changed, or an update did not come to its end.
        """
        copy = f"{self.endpoint_name[:56]}-unload"
        config = self._config()
        if config == copy:
            original = self._original_of(copy)
        else:
            original = config
            self._copy(original, copy)
            self._update(copy)
        self._update(original)
        self.sagemaker.delete_endpoint_config(EndpointConfigName=copy)

    def _config(self) -> str:
        """The config that is in service.

        Raises
        ------
        UnloadingError
            None is: the endpoint is being changed, or has failed.
        """
        described = self.sagemaker.describe_endpoint(EndpointName=self.endpoint_name)
        if described["EndpointStatus"] != "InService":
            raise UnloadingError(
                f"endpoint {self.endpoint_name} is {described['EndpointStatus']}; its instances are"
                " replaced only while it is InService"
            )
        return described["EndpointConfigName"]

    def _copy(self, original: str, copy: str) -> None:
        """A copy of an earlier run, which the endpoint does not use, gives way."""
        pages = self.sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=copy)
        for page in pages:
            if any(each["EndpointConfigName"] == copy for each in page["EndpointConfigs"]):
                self.sagemaker.delete_endpoint_config(EndpointConfigName=copy)
        described: dict[str, Any] = dict(
            self.sagemaker.describe_endpoint_config(EndpointConfigName=original)
        )
        shape = self.sagemaker.meta.service_model.operation_model("CreateEndpointConfig")
        members: Any = shape.input_shape.members  # type: ignore[union-attr]
        request = {name: value for name, value in described.items() if name in members}
        tags = [{"Key": COPY_OF, "Value": original}]
        self.sagemaker.create_endpoint_config(
            **{**request, "EndpointConfigName": copy, "Tags": tags}
        )

    def _original_of(self, copy: str) -> str:
        arn = self.sagemaker.describe_endpoint_config(EndpointConfigName=copy)["EndpointConfigArn"]
        tags = self.sagemaker.list_tags(ResourceArn=arn)["Tags"]
        return next(tag["Value"] for tag in tags if tag["Key"] == COPY_OF)

    def _update(self, config: str) -> None:
        """Go to this config, and wait.

        Raises
        ------
        UnloadingError
            It failed, or SageMaker went back to the config before.
        """
        self.sagemaker.update_endpoint(
            EndpointName=self.endpoint_name,
            EndpointConfigName=config,
            RetainAllVariantProperties=True,
            RetainDeploymentConfig=True,
        )
        waiter = self.sagemaker.get_waiter("endpoint_in_service")
        attempts = LONGEST_SECONDS // self.poll_seconds
        try:
            waiter.wait(
                EndpointName=self.endpoint_name,
                WaiterConfig={"Delay": self.poll_seconds, "MaxAttempts": attempts},
            )
        except WaiterError as error:
            raise UnloadingError(f"endpoint {self.endpoint_name}: {error}") from error
        if self._config() != config:
            described = self.sagemaker.describe_endpoint(EndpointName=self.endpoint_name)
            raise UnloadingError(
                f"endpoint {self.endpoint_name} went back to its instances of before, run it again:"
                f" {described.get('FailureReason', 'SageMaker does not say why')}"
            )
