"""The SageMaker model: one container that holds many models, alone or in an inference pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_mme.container import MultiModelContainer, PipelineContainer
from sagemaker_mme.model_store import PrefixGrants, prefix_problems
from sagemaker_mme.problems import is_token, raise_problems
from sagemaker_mme.service_roles import SageMakerRole

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

MAX_CONTAINERS = 15
MAX_SECURITY_GROUPS = 5
MAX_SUBNETS = 16
MAX_ENVIRONMENT_ENTRIES = 100
MAX_ENVIRONMENT_BYTES = 1024
MAX_PIPELINE_ENVIRONMENT_BYTES = 32 * 1024
_HOSTNAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


class ModelBase(cdk.Resource):
    """What new and imported models have in common."""

    role: iam.IRole | None
    """What SageMaker runs the containers as; None where that is not known."""
    container_names: tuple[str, ...]
    """Host names of the containers in the order in which they see a request."""

    @property
    def model_name(self) -> str:
        """The name of the model."""
        raise NotImplementedError

    @property
    def model_arn(self) -> str:
        """The ARN of the model."""
        raise NotImplementedError


class ImportedModel(ModelBase):
    """A model that some other stack, or no stack, made."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model_arn: str,
        role: iam.IRole | None,
        container_names: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id, environment_from_arn=model_arn)
        parts = cdk.Stack.of(self).split_arn(model_arn, cdk.ArnFormat.SLASH_RESOURCE_NAME)
        self._arn = model_arn
        self._name = parts.resource_name or ""
        self.role = role
        self.container_names = tuple(container_names)

    @property
    def model_name(self) -> str:
        return self._name

    @property
    def model_arn(self) -> str:
        return self._arn


class Model(ModelBase):
    """One container that holds many models, alone or in a pipeline of up to 15.

    In a pipeline the containers handle each request one after the other.

    Parameters
    ----------
    containers
        1 to 15, in the order in which they see a request, and exactly one of them a
        ``MultiModelContainer``.
    role
        What SageMaker downloads and runs the containers as. Default: a role that may read the
        model data, pull the images and write metrics and, into the log group that
        ``MultiModelEndpoint`` makes, logs; and nothing else.
    vpc
        A VPC to run in. It needs a gateway endpoint for S3, and the scikit-learn container must
        start without the internet (see ``network_isolation``). Default: SageMaker's own
        network.
    vpc_subnets
        At least two, in different zones. Default: the private subnets.
    security_groups
        1 to 5. Default: a new one that lets everything out and nothing in.
    network_isolation
        Containers cannot reach any network; SageMaker still downloads the models. The
        scikit-learn container runs pip as it starts and then needs
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
        raise_problems(
            self,
            [
                *_pipeline_problems(containers),
                *_network_problems(vpc, vpc_subnets, security_groups),
            ],
        )
        self._network = _network(self, vpc, vpc_subnets, security_groups)
        self.role: iam.IRole = role or self._execution_role(containers)
        self.grant_principal = self.role.grant_principal
        self.container_names = tuple(
            container.name or f"container-{number}"
            for number, container in enumerate(containers, start=1)
        )
        definitions = [_definition(self, container) for container in containers]
        model = sagemaker.CfnModel(
            self,
            "Resource",
            execution_role_arn=self.role.role_arn,
            primary_container=definitions[0] if len(definitions) == 1 else None,
            containers=definitions if len(definitions) > 1 else None,
            enable_network_isolation=network_isolation or None,
            vpc_config=self._network,
        )
        # CreateModel tries the role at once, so its policies must be there before the model is.
        model.node.add_dependency(self.role)
        self._name = self._get_resource_name_attribute(model.attr_model_name)
        self._arn = self._get_resource_arn_attribute(
            model.ref, service="sagemaker", resource="model", resource_name=self._name
        )

    @staticmethod
    def from_model_name(scope: Construct, construct_id: str, model_name: str) -> ModelBase:
        """A model of this account and region, wherever it was made."""
        return Model.from_model_attributes(
            scope,
            construct_id,
            model_arn=cdk.Stack.of(scope).format_arn(
                service="sagemaker", resource="model", resource_name=model_name
            ),
        )

    @staticmethod
    def from_model_arn(scope: Construct, construct_id: str, model_arn: str) -> ModelBase:
        """A model by its ARN."""
        return Model.from_model_attributes(scope, construct_id, model_arn=model_arn)

    @staticmethod
    def from_model_attributes(
        scope: Construct,
        construct_id: str,
        *,
        model_arn: str,
        role: iam.IRole | None = None,
        container_names: Sequence[str] = ("container-1",),
    ) -> ModelBase:
        """A model whose role and containers are known, so that endpoints can grant and watch.

        Parameters
        ----------
        role
            What a volume key is granted to. Default: nobody; grant it yourself.
        container_names
            Whose latencies are watched. Default: one container without a name.
        """
        return ImportedModel(
            scope, construct_id, model_arn=model_arn, role=role, container_names=container_names
        )

    @property
    def model_name(self) -> str:
        return self._name

    @property
    def model_arn(self) -> str:
        return self._arn

    def _execution_role(self, containers: Sequence[PipelineContainer]) -> SageMakerRole:
        role = SageMakerRole(
            self,
            "Role",
            description="SageMaker serves an inference pipeline as this role",
            log_groups=["/aws/sagemaker/Endpoints/"],
            create_log_groups=False,
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
            sagemaker.CfnModel.MultiModelConfigProperty(
                model_cache_setting=container.model_cache_setting.value
            )
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
    if vpc is None:
        return None
    # It is the CDK's largest module: apps without a VPC synthesize two seconds sooner without it.
    from aws_cdk import aws_ec2 as ec2

    groups = security_groups or [ec2.SecurityGroup(scope, "SecurityGroup", vpc=vpc)]
    return sagemaker.CfnModel.VpcConfigProperty(
        subnets=_selected(vpc, vpc_subnets).subnet_ids,
        security_group_ids=[group.security_group_id for group in groups],
    )


def _selected(vpc: ec2.IVpc, subnets: ec2.SubnetSelection | None) -> ec2.SelectedSubnets:
    if subnets is None:
        return vpc.select_subnets()
    return vpc.select_subnets(
        availability_zones=subnets.availability_zones,
        one_per_az=subnets.one_per_az,
        subnet_filters=subnets.subnet_filters,
        subnet_group_name=subnets.subnet_group_name,
        subnets=subnets.subnets,
        subnet_type=subnets.subnet_type,
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
        return
    selected = _selected(vpc, vpc_subnets)
    if not selected.is_pending_lookup:
        yield from _subnet_problems(selected)
    if security_groups is not None and not 1 <= len(security_groups) <= MAX_SECURITY_GROUPS:
        yield (
            f"security_groups has {len(security_groups)} entries;"
            f" allowed: 1 to {MAX_SECURITY_GROUPS}"
        )


def _subnet_problems(selected: ec2.SelectedSubnets) -> Iterator[str]:
    if len(selected.subnet_ids) > MAX_SUBNETS:
        yield f"vpc_subnets selects {len(selected.subnet_ids)} subnets; allowed: 2 to {MAX_SUBNETS}"
    if len(set(selected.availability_zones)) < 2:
        yield (
            f"vpc_subnets selects subnets in {sorted(set(selected.availability_zones))};"
            " SageMaker wants two zones, for a single instance too"
        )


def _pipeline_problems(containers: Sequence[PipelineContainer]) -> Iterator[str]:
    if not 1 <= len(containers) <= MAX_CONTAINERS:
        yield f"containers has {len(containers)} entries; allowed: 1 to {MAX_CONTAINERS}"
    many = sum(isinstance(container, MultiModelContainer) for container in containers)
    if many != 1:
        yield (
            f"containers has {many} MultiModelContainers; a multi-model endpoint needs exactly one"
        )
    names = [container.name for container in containers]
    if any(names) and not all(names):
        yield f"containers are named {names}; SageMaker wants names for all of them or for none"
    if len(set(filter(None, names))) < len(list(filter(None, names))):
        yield f"containers are named {names}; two of them share a name"
    size = sum(
        len(f"{key}{value}".encode())
        for container in containers
        for key, value in container.environment.items()
    )
    if size > MAX_PIPELINE_ENVIRONMENT_BYTES:
        yield (
            f"the environments of all containers take {size} bytes;"
            f" allowed: {MAX_PIPELINE_ENVIRONMENT_BYTES}"
        )
    yield from chain.from_iterable(
        _container_problems(f"containers[{index}]", container)
        for index, container in enumerate(containers)
    )


def _container_problems(where: str, container: PipelineContainer) -> Iterator[str]:
    name = container.name
    if name is not None and not is_token(name) and not _HOSTNAME.fullmatch(name):
        yield f"{where}.name '{name}' is not a host name of letters, digits and inner hyphens"
    if container.model_data is not None:
        for problem in prefix_problems([container.model_data.prefix]):
            yield f"{where}: {problem}"
    if len(container.environment) > MAX_ENVIRONMENT_ENTRIES:
        yield (
            f"{where}.environment has {len(container.environment)} entries;"
            f" allowed: {MAX_ENVIRONMENT_ENTRIES}"
        )
    for key, value in container.environment.items():
        if not is_token(value) and len(value.encode()) > MAX_ENVIRONMENT_BYTES:
            yield f"{where}.environment['{key}'] is longer than {MAX_ENVIRONMENT_BYTES} bytes"
