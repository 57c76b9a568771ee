"""The SageMaker model of an inference pipeline that ends in thousands of small models."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_mme.container_image import ContainerImage
from sagemaker_mme.model_store import PrefixGrants
from sagemaker_mme.problems import is_token, raise_problems
from sagemaker_mme.service_roles import SageMakerRole

MAX_CONTAINERS = 15
MAX_ENVIRONMENT_ENTRIES = 100
MAX_ENVIRONMENT_BYTES = 1024
_HOSTNAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


class ModelCache(Enum):
    """Whether a model stays in memory after it was invoked."""

    ENABLED = "Enabled"
    """Keep it until the memory is needed: right for models that are invoked again."""
    DISABLED = "Disabled"
    """Unload it at once and delete it from disk: for many models that are rarely invoked."""


@dataclass(frozen=True)
class ModelData:
    """The ``model.tar.gz`` of an ordinary container; make it with one of the static methods."""

    url: str
    bucket: s3.IBucket
    prefix: str

    @staticmethod
    def from_bucket(bucket: s3.IBucket, key: str) -> "ModelData":
        """The artifact at ``key``; the execution role may read the folder that holds it."""
        return ModelData(bucket.s3_url_for_object(key), bucket, key.rpartition("/")[0] + "/")

    @staticmethod
    def from_url(url: str, *, bucket: s3.IBucket, prefix: str) -> "ModelData":
        """The artifact at an S3 URL, which may be a value known at deploy time only.

        :param bucket: the bucket of the URL.
        :param prefix: the keys that the execution role may read there, with the slash at its end.
        """
        return ModelData(url, bucket, prefix)


@dataclass(frozen=True, kw_only=True)
class Container:
    """An ordinary container of the pipeline.

    :param image: what it runs.
    :param model_data: what it serves. Default: nothing, all is in the image.
    :param environment: its environment variables. Default: none.
    :param name: its host name, by which metrics and logs call it. Default: SageMaker names the
      containers ``container-1``, ``container-2``, and so on. All containers have names, or none.
    """

    image: ContainerImage
    model_data: ModelData | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    @staticmethod
    def scikit_learn(
        *,
        script: str,
        model_data: ModelData,
        image: ContainerImage | None = None,
        environment: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> "Container":
        """A scikit-learn container that runs ``code/<script>`` of its artifact.

        It starts without a network too: at start-up the container installs the script with pip,
        which must then not look for its build tools on PyPI.

        :param script: the file in the folder ``code`` of ``model.tar.gz``.
        :param model_data: the artifact.
        :param image: Default: ``ContainerImage.scikit_learn()``.
        :param environment: further environment variables, or other values for these. Default: none.
        :param name: as in ``Container``.
        """
        return Container(
            image=image or ContainerImage.scikit_learn(),
            model_data=model_data,
            environment={
                "SAGEMAKER_PROGRAM": script,
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
                "SAGEMAKER_REGION": cdk.Aws.REGION,
                # What the next container in the pipeline reads.
                "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/json",
                # Sic: "false" turns build isolation off.
                "PIP_NO_BUILD_ISOLATION": "false",
                **(environment or {}),
            },
            name=name,
        )


@dataclass(frozen=True, kw_only=True)
class MultiModelContainer:
    """The container that loads the model that a request names.

    :param image: what it runs; it must be able to serve several models.
    :param bucket: where the models are.
    :param prefix: what all model keys begin with, slash at its end. Default: ``models/``.
    :param cache: whether models stay in memory. Default: they do.
    :param environment: its environment variables. Default: none.
    :param name: its host name, as in ``Container``.
    """

    image: ContainerImage
    bucket: s3.IBucket
    prefix: str = "models/"
    cache: ModelCache = ModelCache.ENABLED
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    @property
    def model_data(self) -> ModelData:
        return ModelData.from_url(
            self.bucket.s3_url_for_object(self.prefix), bucket=self.bucket, prefix=self.prefix
        )


PipelineContainer = Container | MultiModelContainer


class InferencePipelineModel(cdk.Resource):
    """Containers that handle each request one after the other; one of them holds many models.

    :param containers: 2 to 15, in the order in which they see a request, and exactly one of them a
      ``MultiModelContainer``.
    :param role: what SageMaker downloads and runs the containers as. Default: a role that may read
      the model data, pull the images and write logs and metrics, and nothing else.
    :param vpc: a VPC to run in. It needs a gateway endpoint for S3, and the scikit-learn container
      must start without the internet (see ``network_isolation``). Default: SageMaker's own network.
    :param vpc_subnets: at least two, in different zones. Default: the private subnets.
    :param security_groups: 1 to 5. Default: a new one that lets everything out and nothing in.
    :param network_isolation: containers cannot reach any network; SageMaker still downloads the
      models. The scikit-learn container runs pip as it starts and then needs
      ``PIP_NO_BUILD_ISOLATION=false`` and ``SAGEMAKER_SUBMIT_DIRECTORY=/opt/ml/model/code``.
      Default: False.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        containers: Sequence[PipelineContainer],
        role: iam.IRole | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        network_isolation: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        raise_problems(self, _pipeline_problems(containers))
        self._network = _network(self, vpc, vpc_subnets, security_groups)
        self.role: iam.IRole = role or self._execution_role(containers)
        self.grant_principal = self.role.grant_principal
        self.container_names = tuple(
            container.name or f"container-{number}"
            for number, container in enumerate(containers, start=1)
        )
        model = sagemaker.CfnModel(
            self,
            "Resource",
            execution_role_arn=self.role.role_arn,
            containers=[_definition(self, container) for container in containers],
            enable_network_isolation=network_isolation or None,
            vpc_config=self._network,
        )
        # CreateModel tries the role at once, so its policies must be there before the model is.
        model.node.add_dependency(self.role)
        self.model_name = self._get_resource_name_attribute(model.attr_model_name)

    def _execution_role(self, containers: Sequence[PipelineContainer]) -> SageMakerRole:
        role = SageMakerRole(
            self,
            "Role",
            description="SageMaker serves an inference pipeline as this role",
            log_groups=["/aws/sagemaker/Endpoints/"],
        )
        for container in containers:
            if data := container.model_data:
                PrefixGrants(data.bucket).read(role, data.prefix)
        images = [container.image.bind(self) for container in containers]
        role.allow_pull([image.repository_arn for image in images if image.repository_arn])
        if self._network is not None:
            role.allow_network_interfaces()
        return role


def _definition(
    scope: Construct, container: PipelineContainer
) -> sagemaker.CfnModel.ContainerDefinitionProperty:
    many = isinstance(container, MultiModelContainer)
    return sagemaker.CfnModel.ContainerDefinitionProperty(
        image=container.image.bind(scope).uri,
        container_hostname=container.name,
        environment=dict(container.environment) or None,
        mode="MultiModel" if many else "SingleModel",
        model_data_url=container.model_data.url if container.model_data else None,
        multi_model_config=(
            sagemaker.CfnModel.MultiModelConfigProperty(model_cache_setting=container.cache.value)
            if isinstance(container, MultiModelContainer)
            else None
        ),
    )


def _network(
    scope: Construct,
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup] | None,
) -> sagemaker.CfnModel.VpcConfigProperty | None:
    raise_problems(scope, _network_problems(vpc, vpc_subnets, security_groups))
    if vpc is None:
        return None
    selected = vpc.select_subnets(
        subnet_type=vpc_subnets.subnet_type if vpc_subnets else None,
        subnets=vpc_subnets.subnets if vpc_subnets else None,
    )
    groups = security_groups or [ec2.SecurityGroup(scope, "SecurityGroup", vpc=vpc)]
    return sagemaker.CfnModel.VpcConfigProperty(
        subnets=selected.subnet_ids,
        security_group_ids=[group.security_group_id for group in groups],
    )


def _network_problems(
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup] | None,
) -> Iterator[str]:
    if vpc is None:
        if vpc_subnets is not None:
            yield "vpc_subnets is given without vpc"
        if security_groups is not None:
            yield "security_groups is given without vpc"


def _pipeline_problems(containers: Sequence[PipelineContainer]) -> Iterator[str]:
    if not 2 <= len(containers) <= MAX_CONTAINERS:
        yield f"containers has {len(containers)} entries; allowed: 2 to {MAX_CONTAINERS}"
    many = sum(isinstance(container, MultiModelContainer) for container in containers)
    if many != 1:
        yield f"containers has {many} MultiModelContainers; a pipeline needs exactly one"
    names = [container.name for container in containers]
    if any(names) and not all(names):
        yield f"containers are named {names}; SageMaker wants names for all of them or for none"
    yield from chain.from_iterable(
        _container_problems(f"containers[{index}]", container)
        for index, container in enumerate(containers)
    )


def _container_problems(where: str, container: PipelineContainer) -> Iterator[str]:
    name = container.name
    if name is not None and not is_token(name) and not _HOSTNAME.fullmatch(name):
        yield f"{where}.name '{name}' is not a host name of letters, digits and inner hyphens"
    if len(container.environment) > MAX_ENVIRONMENT_ENTRIES:
        yield (
            f"{where}.environment has {len(container.environment)} entries;"
            f" allowed: {MAX_ENVIRONMENT_ENTRIES}"
        )
    for key, value in container.environment.items():
        if not is_token(value) and len(value.encode()) > MAX_ENVIRONMENT_BYTES:
            yield f"{where}.environment['{key}'] is longer than {MAX_ENVIRONMENT_BYTES} bytes"
