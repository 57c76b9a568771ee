"""The image that a container of the pipeline runs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from sagemaker_mme.problems import InvalidPropsError, is_token
from sagemaker_mme.registry import REGISTRY_ACCOUNTS, dns_suffix

_MAPPING_ID = "SageMakerRegistryAccounts"


@dataclass(frozen=True)
class BoundImage:
    """An image as one stack sees it; the ARN is None when the repository is not known."""

    uri: str
    repository_arn: str | None


class ContainerImage(ABC):
    """An image for one container; make it with one of the static methods."""

    @staticmethod
    def scikit_learn(version: str = "1.9-0") -> "ContainerImage":
        """AWS's scikit-learn container for CPUs.

        Parameters
        ----------
        version
            The framework version in the tag ``<version>-cpu-py3``. The default is the newest
            one, and the only one that still gets patches.
        """
        return _SageMakerImage("sagemaker-scikit-learn", f"{version}-cpu-py3", "scikit_learn")

    @staticmethod
    def linear_learner(version: str = "1") -> "ContainerImage":
        """AWS's Linear Learner container.

        Parameters
        ----------
        version
            The tag; AWS publishes ``1`` and ``latest``.
        """
        return _SageMakerImage("linear-learner", version, "linear_learner")

    @staticmethod
    def from_ecr_repository(repository: ecr.IRepository, tag: str = "latest") -> "ContainerImage":
        """An image of your own in Amazon ECR."""
        return _GivenImage(repository.repository_uri_for_tag(tag), repository.repository_arn)

    @staticmethod
    def from_uri(uri: str, *, repository_arn: str | None = None) -> "ContainerImage":
        """An image by its address.

        Parameters
        ----------
        repository_arn
            The repository that the execution role may pull from. Default: none, so that the
            role needs a permission from elsewhere.
        """
        return _GivenImage(uri, repository_arn)

    @abstractmethod
    def bind(self, scope: Construct) -> BoundImage:
        """The image in the region of the stack of ``scope``."""


@dataclass(frozen=True)
class _GivenImage(ContainerImage):
    uri: str
    repository_arn: str | None

    def bind(self, scope: Construct) -> BoundImage:
        return BoundImage(self.uri, self.repository_arn)


@dataclass(frozen=True)
class _SageMakerImage(ContainerImage):
    """An image that AWS publishes from a different account in every region."""

    repository: str
    tag: str
    owner: str

    def bind(self, scope: Construct) -> BoundImage:
        stack = cdk.Stack.of(scope)
        if is_token(stack.region):
            account, suffix = self._account_at_deploy_time(stack), stack.url_suffix
        else:
            account, suffix = self._account_in(stack), dns_suffix(stack.region)
        return BoundImage(
            uri=f"{account}.dkr.ecr.{stack.region}.{suffix}/{self.repository}:{self.tag}",
            repository_arn=stack.format_arn(
                service="ecr", account=account, resource="repository", resource_name=self.repository
            ),
        )

    def _account_in(self, stack: cdk.Stack) -> str:
        accounts = REGISTRY_ACCOUNTS.get(stack.region)
        if accounts is None:
            raise InvalidPropsError(
                f"AWS publishes no {self.repository} image in {stack.region} (stack"
                f" '{stack.node.path}'); regions that have it: {', '.join(REGISTRY_ACCOUNTS)}"
            )
        return str(getattr(accounts, self.owner))

    def _account_at_deploy_time(self, stack: cdk.Stack) -> str:
        return _accounts_mapping(stack).find_in_map(cdk.Aws.REGION, _mapping_key(self.owner))


def _accounts_mapping(stack: cdk.Stack) -> cdk.CfnMapping:
    """The stack's one mapping of regions to registry accounts."""
    existing = stack.node.try_find_child(_MAPPING_ID)
    if isinstance(existing, cdk.CfnMapping):
        return existing
    return cdk.CfnMapping(
        stack,
        _MAPPING_ID,
        mapping={
            region: {_mapping_key(owner): account for owner, account in accounts._asdict().items()}
            for region, accounts in REGISTRY_ACCOUNTS.items()
        },
    )


def _mapping_key(owner: str) -> str:
    """CloudFormation allows letters and digits only: ``scikit_learn`` becomes ``scikitLearn``."""
    first, *rest = owner.split("_")
    return first + "".join(word.title() for word in rest)
