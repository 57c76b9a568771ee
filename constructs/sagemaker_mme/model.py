"""The SageMaker model: one container that holds many models, alone or in an inference pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_mme.container import MultiModelContainer, PipelineContainer
from sagemaker_mme.container_image import BoundImage
from sagemaker_mme.images import Processor
from sagemaker_mme.pipeline_rules import (
    InferenceExecutionMode,
    direct_problems,
    pipeline_problems,
)
from sagemaker_mme.prefixes import PrefixGrants
from sagemaker_mme.problems import raise_problems
from sagemaker_mme.service_roles import SageMakerRole
from sagemaker_mme.vpc_config import vpc_config, vpc_problems

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2


class ModelBase(cdk.Resource):
    """What new and imported models have in common."""

    role: iam.IRole | None
    """What SageMaker runs the containers as; None where that is not known."""
    container_names: tuple[str, ...]
    """Host names of the containers in the order in which they see a request."""
    processors: frozenset[Processor] = frozenset()
    """What their images are built for; none where that is not known."""

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
    inference_execution_mode
        Whether several containers make a pipeline, or each is invoked by itself. Default: a
        pipeline (SERIAL).
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
        inference_execution_mode: InferenceExecutionMode = InferenceExecutionMode.SERIAL,
    ) -> None:
        super().__init__(scope, construct_id)
        raise_problems(
            self,
            [
                *pipeline_problems(containers),
                *direct_problems(containers, inference_execution_mode),
                *vpc_problems(vpc, vpc_subnets, security_groups),
            ],
        )
        self._network = vpc_config(self, vpc, vpc_subnets, security_groups)
        images = [container.image.bind(self) for container in containers]
        self.role: iam.IRole = role or self._execution_role(containers, images)
        self.grant_principal = self.role.grant_principal
        self.container_names = tuple(
            container.name or f"container-{number}"
            for number, container in enumerate(containers, start=1)
        )
        self.processors = frozenset(container.image.processor for container in containers)
        definitions = [
            _definition(container, image.uri)
            for container, image in zip(containers, images, strict=True)
        ]
        model = sagemaker.CfnModel(
            self,
            "Resource",
            execution_role_arn=self.role.role_arn,
            primary_container=definitions[0] if len(definitions) == 1 else None,
            containers=definitions if len(definitions) > 1 else None,
            enable_network_isolation=network_isolation or None,
            inference_execution_config=_execution_config(inference_execution_mode),
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

    def _execution_role(
        self, containers: Sequence[PipelineContainer], images: Sequence[BoundImage]
    ) -> SageMakerRole:
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
        role.allow_pull([image.repository_arn for image in images if image.repository_arn])
        if self._network is not None:
            role.allow_network_interfaces()
        return role


def _execution_config(
    mode: InferenceExecutionMode,
) -> sagemaker.CfnModel.InferenceExecutionConfigProperty | None:
    """None for a pipeline, which is what SageMaker takes without it."""
    if mode is InferenceExecutionMode.SERIAL:
        return None
    return sagemaker.CfnModel.InferenceExecutionConfigProperty(mode=mode.value)


def _definition(
    container: PipelineContainer, image_uri: str
) -> sagemaker.CfnModel.ContainerDefinitionProperty:
    many = isinstance(container, MultiModelContainer)
    return sagemaker.CfnModel.ContainerDefinitionProperty(
        image=image_uri,
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
