"""What CreateTrainingJob refuses, beyond the rules of the service model."""

import contextlib
import posixpath
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from localaws.artifacts import S3Location
from localaws.backend import Backend, ObjectStore, Scope
from localaws.containers.contract import TrainingImage
from localaws.containers.opt_ml import CONTAINER_ROOT
from localaws.containers.registry import ContainerRegistry, UnknownImageError, check_origin
from localaws.errors import AwsError
from localaws.hosting.instance_types import UnknownInstanceTypeError, instance_type
from localaws.jobs.channels import DATA_TYPES
from localaws.jobs.training import max_runtime_seconds
from localaws.patterns import Pattern, PatternError
from localaws.sagemaker.resources import Request, no_vpc, validation_exception

LONGEST_RUN_SECONDS = 28 * 86_400
UNSUPPORTED_MEMBERS = (
    "DebugRuleConfigurations",
    "MlflowConfig",
    "ModelPackageConfig",
    "ServerlessJobConfig",
    "SessionChainingConfig",
    "TensorBoardOutputConfig",
)


def check(
    scope: Scope, request: Request, registry: ContainerRegistry, backend: Backend
) -> TrainingImage:
    """The image that the job is to run.

    Raises
    ------
    AwsError
        For a request that SageMaker would refuse, or that asks for something that does not
        exist here.
    """
    if problems := list(_problems(request)):
        raise validation_exception("; ".join(problems))
    image = find_training_image(scope, request, registry)
    algorithm = request["AlgorithmSpecification"]
    if "ContainerEntrypoint" in algorithm and not image.runs_entrypoints:
        raise validation_exception(
            f"localaws runs no ContainerEntrypoint in the image {algorithm['TrainingImage']}: what "
            "it has of that image is its own program alone."
        )
    if algorithm.get("MetricDefinitions") and not image.takes_metric_definitions:
        raise validation_exception(
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please"
            " retry your request without specifying metric definitions."
        )
    objects = assume_role(request["RoleArn"], backend)
    for channel in request.get("InputDataConfig", []):
        _check_data(scope, channel["DataSource"]["S3DataSource"], request["RoleArn"], objects)
    return image


def find_training_image(
    scope: Scope, request: Request, registry: ContainerRegistry
) -> TrainingImage:
    """The image of the request's algorithm specification.

    Raises
    ------
    AwsError
    """
    uri = request["AlgorithmSpecification"]["TrainingImage"]
    try:
        check_origin(uri, scope)
        image = registry.find(uri)
    except UnknownImageError as error:
        raise validation_exception(str(error)) from error
    if not isinstance(image, TrainingImage):
        raise validation_exception(f"Image {uri} cannot train: it only serves.")
    return image


def assume_role(role_arn: str, backend: Backend) -> ObjectStore:
    """S3 as the role sees it; the role must exist and trust SageMaker.

    Raises
    ------
    AwsError
    """
    try:
        return backend.object_store_as(role_arn)
    except AwsError as error:
        raise validation_exception(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
            "principal 'sagemaker.amazonaws.com' to assume the role."
        ) from error


def _problems(request: Request) -> Iterator[str]:
    for member in UNSUPPORTED_MEMBERS:
        if request.get(member):
            yield f"localaws does not implement {member}"
    if request.get("VpcConfig"):
        yield no_vpc("VpcConfig")
    algorithm = request.get("AlgorithmSpecification", {})
    if "TrainingImage" in algorithm and "AlgorithmName" in algorithm:
        yield "AlgorithmSpecification has TrainingImage and AlgorithmName; one is allowed"
    if "TrainingImage" not in algorithm:
        yield "AlgorithmSpecification.TrainingImage is required; localaws has no AlgorithmName"
    resources = request.get("ResourceConfig", {})
    if "InstanceCount" not in resources or "InstanceType" not in resources:
        yield "ResourceConfig needs InstanceType and InstanceCount; localaws has no InstanceGroups"
    elif resources["InstanceCount"] < 1:
        yield "ResourceConfig.InstanceCount must be at least 1"
    yield from _size_problems(request)
    yield from _spot_problems(request)
    yield from _checkpoint_problems(request)
    yield from _metric_problems(algorithm.get("MetricDefinitions", []))
    channels = request.get("InputDataConfig", [])
    names = Counter(channel["ChannelName"] for channel in channels)
    for name in (name for name, count in names.items() if count > 1):
        yield f"ChannelName {name} is used more than once"
    for channel in channels:
        yield from _channel_problems(channel)


def _spot_problems(request: Request) -> Iterator[str]:
    """In SageMaker's words (github.com/aws/amazon-sagemaker-examples issue 869)."""
    wait = request.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds")
    spot = request.get("EnableManagedSpotTraining", False)
    if wait is not None and not spot:
        yield (
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is "
            "set to true"
        )
    if spot and (wait is None or wait < max_runtime_seconds(request)):
        yield (
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


def _size_problems(request: Request) -> Iterator[str]:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html."""
    if max_runtime_seconds(request) > LONGEST_RUN_SECONDS:
        yield f"MaxRuntimeInSeconds must not be greater than {LONGEST_RUN_SECONDS} (28 days)"
    resources = request.get("ResourceConfig", {})
    name = resources.get("InstanceType", "")
    with contextlib.suppress(UnknownInstanceTypeError):  # a training instance that hosts nothing
        if "VolumeSizeInGB" not in resources and not instance_type(name).has_own_storage:
            yield f"ResourceConfig.VolumeSizeInGB is required: {name} has no disk of its own"


def _checkpoint_problems(request: Request) -> Iterator[str]:
    path = request.get("CheckpointConfig", {}).get("LocalPath", CONTAINER_ROOT)
    if not PurePosixPath(posixpath.normpath(path)).is_relative_to(CONTAINER_ROOT):
        yield f"CheckpointConfig.LocalPath is {path}; localaws keeps {CONTAINER_ROOT} only"


def _metric_problems(definitions: list[dict[str, str]]) -> Iterator[str]:
    for definition in definitions:
        try:
            groups = Pattern(definition["Regex"]).groups
        except PatternError as error:
            yield f"The regular expression of metric {definition['Name']} is invalid: {error}"
        else:
            if groups < 1:
                yield f"The regular expression of metric {definition['Name']} has no group"


def _channel_problems(channel: dict[str, Any]) -> Iterator[str]:
    name = channel["ChannelName"]
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        yield f"Channel {name} needs an S3DataSource; localaws has no other kind"
    elif source["S3DataType"] not in DATA_TYPES:
        allowed = ", ".join(DATA_TYPES)
        yield f"Channel {name}: localaws has no S3DataType {source['S3DataType']}, only {allowed}"
    if channel.get("RecordWrapperType", "None") != "None":
        yield f"Channel {name}: localaws does not implement RecordWrapperType"


def _check_data(scope: Scope, source: dict[str, str], role_arn: str, objects: ObjectStore) -> None:
    """As SageMaker does, in its words (aws/amazon-sagemaker-examples issue 2489)."""
    uri = source["S3Uri"]
    try:
        location = S3Location.parse(uri)
        found = bool(objects.list_objects(location.bucket, location.key))
    except ValueError as error:
        raise validation_exception(str(error)) from error
    except AwsError:
        found = False
    if not found:
        raise validation_exception(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure '
            f"that the bucket exists in the selected region ({scope.region}), that objects exist "
            f'under that S3 prefix, and that the role "{role_arn}" has "s3:ListBucket" '
            f'permissions on bucket "{location.bucket}".'
        )
