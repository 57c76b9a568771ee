"""The CloudFormation resource types of the services that localaws answers itself.

Properties and what their change means as in the resource reference:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SageMaker.html
A property goes into the API request under its own name, so one that the service does not know is
refused and none is lost.
"""

import secrets
import string
import time
from typing import Any, Protocol

from localaws.backend import Scope
from localaws.cloudformation.autoscaling_types import ScalableTargetType, ScalingPolicyType
from localaws.cloudformation.resource_calls import (
    Properties,
    Provisioned,
    Resource,
    ResourceTypeError,
    Service,
    call,
    call_if_present,
    change_tags,
    is_absent,
)
from localaws.errors import AwsError

POLL_SECONDS = 0.05


class ResourceType(Protocol):
    """A CloudFormation resource type.

    A change of one of ``replacing`` makes a new resource and then deletes the old one; ``name`` is
    the property that names the resource, if any; ``tagged`` whether it has the property Tags.
    """

    replacing: frozenset[str]
    name: str | None
    tagged: bool

    def create(self, resource: Resource) -> Provisioned: ...

    def update(self, physical_id: str, old: Properties, resource: Resource) -> Provisioned: ...

    def delete(self, physical_id: str, resource: Resource) -> None: ...


class NamedType:
    """A SageMaker resource with Create, Delete, a name and tags: Model and EndpointConfig."""

    tagged = True

    def __init__(self, kind: str, sagemaker: Service, replacing: frozenset[str]) -> None:
        self.name: str | None = f"{kind}Name"
        self.replacing = replacing | {f"{kind}Name"}
        self._kind = kind
        self._sagemaker = sagemaker

    def create(self, resource: Resource) -> Provisioned:
        """Make the resource under its own name or one drawn for it."""
        name = resource.properties.get(f"{self._kind}Name") or drawn_name(resource.logical_id)
        request = {**resource.properties, f"{self._kind}Name": name}
        answer = call(self._sagemaker, resource.scope, f"Create{self._kind}", request)
        return self._provisioned(answer[f"{self._kind}Arn"], name)

    def update(self, physical_id: str, old: Properties, resource: Resource) -> Provisioned:
        """Change the tags: everything else replaces the resource."""
        change_tags(self._sagemaker, resource.scope, physical_id, old, resource.properties)
        request = {f"{self._kind}Name": name_in(physical_id)}
        described = self._sagemaker.call(resource.scope, f"Describe{self._kind}", request)
        return self._provisioned(physical_id, described[f"{self._kind}Name"])

    def delete(self, physical_id: str, resource: Resource) -> None:
        """Delete the resource, if it is still there."""
        request = {f"{self._kind}Name": name_in(physical_id)}
        call_if_present(self._sagemaker, resource.scope, f"Delete{self._kind}", request)

    def _provisioned(self, arn: str, name: str) -> Provisioned:
        return Provisioned(arn, {f"{self._kind}Name": name, f"{self._kind}Arn": arn, "Id": arn})


class EndpointType:
    """``AWS::SageMaker::Endpoint``: done when the endpoint is in service."""

    name: str | None = "EndpointName"
    tagged = True
    replacing = frozenset({"EndpointName"})
    _update_only = (
        "RetainAllVariantProperties",
        "ExcludeRetainedVariantProperties",
        "RetainDeploymentConfig",
    )

    def __init__(self, sagemaker: Service) -> None:
        self._sagemaker = sagemaker

    def create(self, resource: Resource) -> Provisioned:
        """Make the endpoint; one that fails is deleted again."""
        name = resource.properties.get("EndpointName") or drawn_name(resource.logical_id)
        request = {k: v for k, v in resource.properties.items() if k not in self._update_only}
        request |= {"EndpointName": name}
        answer = call(self._sagemaker, resource.scope, "CreateEndpoint", request)
        try:
            self._wait(resource.scope, name)
        except ResourceTypeError:
            self.delete(answer["EndpointArn"], resource)
            raise
        return _endpoint(answer["EndpointArn"], name)

    def update(self, physical_id: str, old: Properties, resource: Resource) -> Provisioned:
        """Move the endpoint to another config, without interruption.

        Raises
        ------
        ResourceTypeError
        """
        new = resource.properties
        name = name_in(physical_id)
        if _without_tags(old) != _without_tags(new):
            request = {**_without_tags(new), "EndpointName": name}
            call(self._sagemaker, resource.scope, "UpdateEndpoint", request)
            described = self._wait(resource.scope, name)
            if described["EndpointConfigName"] != new["EndpointConfigName"]:
                raise ResourceTypeError(described.get("FailureReason", "The update failed."))
        change_tags(self._sagemaker, resource.scope, physical_id, old, new)
        described = self._wait(resource.scope, name)
        return _endpoint(physical_id, described["EndpointName"])

    def delete(self, physical_id: str, resource: Resource) -> None:
        """Delete the endpoint and wait until it is gone."""
        name = name_in(physical_id)
        request = {"EndpointName": name}
        call_if_present(self._sagemaker, resource.scope, "DeleteEndpoint", request)
        while self._described(resource.scope, name) is not None:
            time.sleep(POLL_SECONDS)

    def _wait(self, scope: Scope, name: str) -> dict[str, Any]:
        while True:
            described = self._described(scope, name)
            if described is None:
                raise ResourceTypeError(f"Endpoint {name} was deleted meanwhile.")
            if described["EndpointStatus"] == "InService":
                return described
            if described["EndpointStatus"] == "Failed":
                raise ResourceTypeError(described.get("FailureReason", "The endpoint failed."))
            time.sleep(POLL_SECONDS)

    def _described(self, scope: Scope, name: str) -> dict[str, Any] | None:
        try:
            return self._sagemaker.call(scope, "DescribeEndpoint", {"EndpointName": name})
        except AwsError as error:
            if is_absent(error):
                return None
            raise


class TrailType:
    """``AWS::CloudTrail::Trail``; ``Ref`` is the trail's name."""

    name: str | None = "TrailName"
    tagged = True
    replacing = frozenset({"TrailName"})
    _beside = ("AdvancedEventSelectors", "EventSelectors", "IsLogging", "Tags", "TrailName")

    def __init__(self, cloudtrail: Service) -> None:
        self._cloudtrail = cloudtrail

    def create(self, resource: Resource) -> Provisioned:
        """Make the trail, choose its events and let it log."""
        name = resource.properties.get("TrailName") or drawn_name(resource.logical_id)
        tags = resource.properties.get("Tags") or []
        request = {**self._request(resource), "Name": name, "TagsList": tags}
        call(self._cloudtrail, resource.scope, "CreateTrail", request)
        try:
            return self._configure(name, resource)
        except ResourceTypeError:
            self.delete(name, resource)
            raise

    def update(self, physical_id: str, old: Properties, resource: Resource) -> Provisioned:
        """Change it where it is."""
        request = {**self._request(resource), "Name": physical_id}
        call(self._cloudtrail, resource.scope, "UpdateTrail", request)
        provisioned = self._configure(physical_id, resource)
        arn = provisioned.attributes["Arn"]
        for operation, tags in (("RemoveTags", old), ("AddTags", resource.properties)):
            if listed := tags.get("Tags"):
                request = {"ResourceId": arn, "TagsList": listed}
                call(self._cloudtrail, resource.scope, operation, request)
        return provisioned

    def delete(self, physical_id: str, resource: Resource) -> None:
        """Delete the trail, if it is still there; its records stay where they are."""
        call_if_present(self._cloudtrail, resource.scope, "DeleteTrail", {"Name": physical_id})

    def _request(self, resource: Resource) -> dict[str, Any]:
        request = {k: v for k, v in resource.properties.items() if k not in self._beside}
        return {("KmsKeyId" if k == "KMSKeyId" else k): v for k, v in request.items()}

    def _configure(self, name: str, resource: Resource) -> Provisioned:
        selectors = {
            member: resource.properties[member]
            for member in ("AdvancedEventSelectors", "EventSelectors")
            if resource.properties.get(member)
        }
        if selectors:
            request = {**selectors, "TrailName": name}
            call(self._cloudtrail, resource.scope, "PutEventSelectors", request)
        logging = str(resource.properties["IsLogging"]).lower() == "true"
        operation = "StartLogging" if logging else "StopLogging"
        call(self._cloudtrail, resource.scope, operation, {"Name": name})
        trail = call(self._cloudtrail, resource.scope, "GetTrail", {"Name": name})["Trail"]
        return Provisioned(name, {"Arn": trail["TrailARN"]})


def resource_types(
    sagemaker: Service, autoscaling: Service, cloudtrail: Service
) -> dict[str, ResourceType]:
    """All types, by their CloudFormation names."""
    model = frozenset(
        {
            "Containers",
            "EnableNetworkIsolation",
            "ExecutionRoleArn",
            "InferenceExecutionConfig",
            "PrimaryContainer",
            "VpcConfig",
        }
    )
    config = frozenset(
        {
            "AsyncInferenceConfig",
            "DataCaptureConfig",
            "EnableNetworkIsolation",
            "ExecutionRoleArn",
            "ExplainerConfig",
            "KmsKeyId",
            "MetricsConfig",
            "ProductionVariants",
            "ShadowProductionVariants",
            "VpcConfig",
        }
    )
    return {
        "AWS::CloudTrail::Trail": TrailType(cloudtrail),
        "AWS::SageMaker::Model": NamedType("Model", sagemaker, model),
        "AWS::SageMaker::EndpointConfig": NamedType("EndpointConfig", sagemaker, config),
        "AWS::SageMaker::Endpoint": EndpointType(sagemaker),
        "AWS::ApplicationAutoScaling::ScalableTarget": ScalableTargetType(autoscaling),
        "AWS::ApplicationAutoScaling::ScalingPolicy": ScalingPolicyType(autoscaling),
    }


def drawn_name(logical_id: str) -> str:
    """A name as CloudFormation draws it: the logical id and twelve characters."""
    alphabet = string.ascii_letters + string.digits
    suffix = "".join(secrets.choice(alphabet) for _ in range(12))
    return f"{logical_id[:50]}-{suffix}"


def name_in(arn: str) -> str:
    """The resource's name at the end of its ARN."""
    return arn.rpartition("/")[2]


def _without_tags(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags"}


def _endpoint(arn: str, name: str) -> Provisioned:
    return Provisioned(arn, {"EndpointName": name, "EndpointArn": arn, "Id": arn})
