"""The roles that SageMaker itself assumes: one to host a pipeline, one to run jobs.

Both get what https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html lists for
CreateModel and CreateTrainingJob, narrowed to the resources at hand, instead of the managed policy
AmazonSageMakerFullAccess.
"""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagemaker_mme.container_image import ContainerImage
from sagemaker_mme.model_store import ModelStoreBase

NETWORK_INTERFACE_ACTIONS = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
]
"""What a model in a VPC needs; see
https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html."""


class SageMakerRole(iam.Role):
    """A role that SageMaker may assume for its own account, with logs and metrics of one kind.

    Parameters
    ----------
    log_groups
        What the names of the log groups that it may write to start with.
    create_log_groups
        Whether it may make them too. Who makes a log group decides how long it is kept; and
        late lines would make one again that was deleted.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        log_groups: Sequence[str],
        create_log_groups: bool,
    ) -> None:
        stack = cdk.Stack.of(scope)
        super().__init__(
            scope,
            construct_id,
            description=description,
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )
        self.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    *(["logs:CreateLogGroup"] if create_log_groups else []),
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                ],
                resources=[_log_group_arn(stack, name) for name in log_groups],
            )
        )
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # the action knows no resources; the namespace narrows it
                conditions={
                    "StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}
                },
            )
        )

    def allow_pull(self, repository_arns: Sequence[str]) -> None:
        """Let the role pull images of the given repositories."""
        if not repository_arns:
            return
        self.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                resources=list(repository_arns),
            )
        )
        self.add_to_policy(
            iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"])
        )

    def allow_network_interfaces(self) -> None:
        """Let the role place containers in a VPC; these actions know no resources."""
        self.add_to_policy(iam.PolicyStatement(actions=NETWORK_INTERFACE_ACTIONS, resources=["*"]))

    def allow_encryption_key(self, key: kms.IKey) -> None:
        """Let SageMaker encrypt the storage volumes of instances with ``key``."""
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:CreateGrant"],
                resources=[key.key_arn],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"],
                resources=[key.key_arn],
            )
        )


class TrainingRole(SageMakerRole):
    """The role that training and batch transform jobs run as.

    It reads data, preprocessors, the outputs of earlier jobs and the models that serve, and writes
    below ``jobs/`` and ``preprocessed/``. It cannot publish: ``models/`` and ``preprocessor/`` are
    written by whoever runs the training pipeline.

    Parameters
    ----------
    model_store
        Where data and artifacts are.
    images
        What jobs may run. Default: scikit-learn and Linear Learner.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model_store: ModelStoreBase,
        images: Sequence[ContainerImage] | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Training and batch transform jobs run as this role",
            log_groups=["/aws/sagemaker/TrainingJobs", "/aws/sagemaker/TransformJobs"],
            create_log_groups=True,
        )
        if images is None:
            images = [ContainerImage.scikit_learn(), ContainerImage.linear_learner()]
        bound = [image.bind(self) for image in images]
        self.allow_pull([image.repository_arn for image in bound if image.repository_arn])
        keys = model_store.key_layout
        model_store.grants.read(
            self, keys.raw, keys.preprocessor, keys.preprocessed, keys.jobs, keys.models
        )
        model_store.grants.write(self, keys.preprocessed, keys.jobs)


def _log_group_arn(stack: cdk.Stack, name: str) -> str:
    return stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"{name}*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
