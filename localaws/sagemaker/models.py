"""Models: a role, and one container or a pipeline of them.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

from typing import Any

from localaws.artifacts import S3Location
from localaws.backend import Backend, Scope
from localaws.containers.registry import ContainerRegistry, UnknownImageError, check_origin
from localaws.errors import AwsError
from localaws.sagemaker.immutable_resources import ImmutableResources
from localaws.sagemaker.resources import (
    Request,
    Response,
    no_vpc,
    validation_exception,
)
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tags import Tags

KIND = "model"
MAXIMUM_ENVIRONMENT_BYTES = 32 * 1024
UNSUPPORTED_MEMBERS = (
    "ModelDataSource",
    "AdditionalModelDataSources",
    "ModelPackageName",
    "InferenceSpecificationName",
    "ContainerMetricsConfig",
)


class Models(ImmutableResources):
    """CreateModel, DescribeModel, ListModels and DeleteModel."""

    kind, prefix, words = KIND, "Model", "model"

    def __init__(
        self, store: ResourceStore, backend: Backend, images: ContainerRegistry, tags: Tags
    ) -> None:
        super().__init__(store, tags)
        self._backend = backend
        self._images = images

    def create_model(self, scope: Scope, request: Request) -> Response:
        if request.get("InferenceExecutionConfig", {}).get("Mode") == "Direct":
            raise validation_exception(
                "InferenceExecutionConfig Mode Direct is not available here."
            )
        if request.get("VpcConfig"):
            raise validation_exception(no_vpc("VpcConfig"))
        containers = _containers(request)
        _check_containers(containers)
        for container in containers:
            self._check_image(container, scope)
            self._check_data(container, request.get("ExecutionRoleArn"), scope)
        isolation = request.get("EnableNetworkIsolation", False)
        return self._create(scope, request, {"EnableNetworkIsolation": isolation})

    def describe_model(self, scope: Scope, request: Request) -> Response:
        return self._describe(scope, request)

    def list_models(self, scope: Scope, request: Request) -> Response:
        return self._list(scope, request)

    def delete_model(self, scope: Scope, request: Request) -> Response:
        return self._delete(scope, request)

    def _check_image(self, container: dict[str, Any], scope: Scope) -> None:
        image_uri = container.get("Image", "")
        try:
            check_origin(image_uri, scope)
            image = self._images.find(image_uri)
        except UnknownImageError as error:
            raise validation_exception(str(error)) from None
        if container.get("Mode") == "MultiModel" and not image.supports_multi_model:
            raise validation_exception(
                f"Your Ecr Image {image_uri} does not contain required "
                "com.amazonaws.sagemaker.capabilities.multi-models=true Docker label(s)."
            )

    def _check_data(self, container: dict[str, Any], role_arn: str | None, scope: Scope) -> None:
        url = container.get("ModelDataUrl")
        multi_model = container.get("Mode") == "MultiModel"
        if not url:
            if multi_model:
                raise validation_exception("A MultiModel container needs a ModelDataUrl.")
            return
        if role_arn is None:
            raise validation_exception("An ExecutionRoleArn is needed to read ModelDataUrl.")
        try:
            found = self._has_data(_location(url), role_arn, multi_model)
        except AwsError as error:
            raise _no_access(url, role_arn, scope, error) from None
        if not found:
            raise validation_exception(f"Could not find model data at {url}.")

    def _has_data(self, location: S3Location, role_arn: str, multi_model: bool) -> bool:
        """With the permissions that SageMaker needs: to list a prefix, or to get an object.

        A prefix of many models may be empty still: AWS's own notebook deploys first and adds models
        then (amazon-sagemaker-examples, xgboost_multi_model_endpoint_home_value, with the outputs
        of its run). Against that stands the author of the SDK's MultiDataModel, who expected
        CreateModel to fail (sagemaker-python-sdk#1144), before that run.
        """
        objects = self._backend.object_store_as(role_arn)
        if multi_model:
            prefix = location.join("")
            objects.list_objects(prefix.bucket, prefix.key)
            return True
        try:
            objects.get_object(location.bucket, location.key)
        except AwsError as error:
            if error.code == "NoSuchKey":
                return False
            raise
        return True


def containers_of(model: dict[str, Any]) -> list[dict[str, Any]]:
    """The containers of a model, in pipeline order."""
    primary = model.get("PrimaryContainer")
    return [primary] if primary is not None else model.get("Containers", [])


def container_names(containers: list[dict[str, Any]]) -> list[str]:
    """Their names in logs, metrics and errors.

    A hostname where one is given; else ``container-1`` and so on in a pipeline, ``primary`` alone.
    """
    if len(containers) == 1:
        return [containers[0].get("ContainerHostname", "primary")]
    return [
        container.get("ContainerHostname", f"container-{number}")
        for number, container in enumerate(containers, start=1)
    ]


def _containers(request: Request) -> list[dict[str, Any]]:
    primary, containers = request.get("PrimaryContainer"), request.get("Containers")
    if primary is not None and containers:
        raise validation_exception(
            "Both PrimaryContainer and Containers are given; exactly one of them is needed."
        )
    if primary is None and not containers:
        raise validation_exception(
            "Neither PrimaryContainer nor Containers is given; exactly one of them is needed."
        )
    return containers_of(request)


def _check_containers(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        _check_members(container)
    multi_model = [container for container in containers if container.get("Mode") == "MultiModel"]
    if len(multi_model) > 1:
        raise validation_exception(
            f"A model can have one container with Mode MultiModel, not {len(multi_model)}."
        )
    _check_hostnames([container.get("ContainerHostname") for container in containers])
    _check_environment(containers)


def _check_members(container: dict[str, Any]) -> None:
    given = [member for member in UNSUPPORTED_MEMBERS if container.get(member) is not None]
    if given:
        raise validation_exception(f"{given[0]} is not available here; use ModelDataUrl.")
    if "Image" not in container:
        raise validation_exception("A container needs an Image.")
    if "MultiModelConfig" in container and container.get("Mode") != "MultiModel":
        raise validation_exception("MultiModelConfig is for a container with Mode MultiModel.")


def _check_hostnames(hostnames: list[str | None]) -> None:
    given = [hostname for hostname in hostnames if hostname]
    if given and len(given) < len(hostnames):
        raise validation_exception(
            "ContainerHostname must be given for every container of the pipeline or for none."
        )
    if len(set(given)) < len(given):
        raise validation_exception(f"ContainerHostname must be unique, not {', '.join(given)}.")


def _check_environment(containers: list[dict[str, Any]]) -> None:
    size = sum(
        len(f"{key}{value}".encode())
        for container in containers
        for key, value in container.get("Environment", {}).items()
    )
    if size > MAXIMUM_ENVIRONMENT_BYTES:
        raise validation_exception(
            f"The Environment of all containers has {size} bytes; at most "
            f"{MAXIMUM_ENVIRONMENT_BYTES} are allowed."
        )


def _no_access(url: str, role_arn: str, scope: Scope, error: AwsError) -> AwsError:
    return validation_exception(
        f"Could not access model data at {url}. Please ensure that the role "
        f'"{role_arn}" exists and that its trust relationship policy allows the action '
        '"sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also ensure '
        'that the role has "s3:GetObject" permissions and that the object is located in '
        f"{scope.region}. If your Model uses multiple models or uncompressed models, "
        f'please ensure that the role has "s3:ListBucket" permission. ({error})'
    )


def _location(url: str) -> S3Location:
    try:
        return S3Location.parse(url)
    except ValueError as error:
        raise validation_exception(f"ModelDataUrl {error}") from None
