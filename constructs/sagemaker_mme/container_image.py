"""The image that a container of the pipeline runs."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from sagemaker_mme.images import Processor, PublishedImage, dns_suffix, published_image
from sagemaker_mme.problems import InvalidPropsError, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ecr_assets as ecr_assets

_MAPPING_ID = "SageMakerRegistryAccounts"


@dataclass(frozen=True)
class BoundImage:
    """An image as one stack sees it; the ARN is None when the repository is not known."""

    uri: str
    repository_arn: str | None


class ContainerImage(ABC):
    """An image for one container; make it with one of the static methods."""

    processor: Processor
    """What it is built for."""

    @property
    def serves_many_models(self) -> bool:
        """False for an image of AWS's without the label; your own are taken at their word."""
        return True

    @staticmethod
    def scikit_learn(
        version: str = "1.9-0", *, processor: Processor = Processor.CPU
    ) -> ContainerImage:
        """AWS's scikit-learn container.

        Parameters
        ----------
        version
            The framework version in the tag ``<version>-cpu-py3``. The default is the newest
            one, and the only one that still gets patches.
        processor
            CPU; or GRAVITON, which AWS builds for version ``1.0-1`` alone.
        """
        return _SageMakerImage.of("scikit-learn", version, processor)

    @staticmethod
    def linear_learner(version: str = "1") -> ContainerImage:
        """AWS's Linear Learner container."""
        return _SageMakerImage.of("linear-learner", version, Processor.CPU)

    @staticmethod
    def knn(version: str = "1") -> ContainerImage:
        """AWS's container for k nearest neighbours."""
        return _SageMakerImage.of("knn", version, Processor.CPU)

    @staticmethod
    def random_cut_forest(version: str = "1") -> ContainerImage:
        """AWS's container for random cut forests."""
        return _SageMakerImage.of("random-cut-forest", version, Processor.CPU)

    @staticmethod
    def xgboost(version: str = "3.2-0", *, processor: Processor = Processor.CPU) -> ContainerImage:
        """AWS's XGBoost container; for GRAVITON there are ``1.3-1`` and ``1.5-1``."""
        return _SageMakerImage.of("xgboost", version, processor)

    @staticmethod
    def triton(version: str = "26.05", *, processor: Processor = Processor.GPU) -> ContainerImage:
        """NVIDIA's Triton inference server, the one that serves many models on a GPU.

        https://docs.aws.amazon.com/sagemaker/latest/dg/triton.html
        """
        return _SageMakerImage.of("triton", version, processor)

    @staticmethod
    def pytorch(version: str = "2.6.0", *, processor: Processor = Processor.CPU) -> ContainerImage:
        """AWS's PyTorch container with TorchServe; on a GPU it serves one model only."""
        return _SageMakerImage.of("pytorch", version, processor)

    @staticmethod
    def tensorflow(
        version: str = "2.20.0", *, processor: Processor = Processor.CPU
    ) -> ContainerImage:
        """AWS's TensorFlow Serving container; on a GPU it serves one model only."""
        return _SageMakerImage.of("tensorflow", version, processor)

    @staticmethod
    def mxnet(version: str = "1.9.0", *, processor: Processor = Processor.CPU) -> ContainerImage:
        """AWS's MXNet container; on a GPU it serves one model only."""
        return _SageMakerImage.of("mxnet", version, processor)

    @staticmethod
    def hugging_face(
        version: str = "5.5.3", *, processor: Processor = Processor.CPU
    ) -> ContainerImage:
        """AWS's container for Hugging Face on PyTorch, by the version of Transformers.

        On a GPU it serves one model only.
        """
        return _SageMakerImage.of("hugging-face", version, processor)

    @staticmethod
    def from_ecr_repository(
        repository: ecr.IRepository, tag: str = "latest", *, processor: Processor = Processor.CPU
    ) -> ContainerImage:
        """An image of your own in Amazon ECR.

        In a ``MultiModelContainer`` it needs the label of
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-multi-model-build-container.html.
        """
        uri = repository.repository_uri_for_tag(tag)
        return _GivenImage(processor, uri, repository.repository_arn)

    @staticmethod
    def from_asset(
        directory: str,
        *,
        file: str = "Dockerfile",
        build_args: Mapping[str, str] | None = None,
        processor: Processor = Processor.CPU,
    ) -> ContainerImage:
        """An image that ``cdk deploy`` builds and pushes to the account's asset repository.

        Parameters
        ----------
        directory
            The folder with the Dockerfile and what it copies.
        file
            The Dockerfile.
        build_args
            Passed to ``docker build``. Default: none.
        processor
            What it is built for; GRAVITON builds it for ``linux/arm64``.
        """
        return _AssetImage(processor, directory, file, tuple(sorted((build_args or {}).items())))

    @staticmethod
    def from_uri(
        uri: str, *, repository_arn: str | None = None, processor: Processor = Processor.CPU
    ) -> ContainerImage:
        """An image by its address.

        Parameters
        ----------
        repository_arn
            The repository that the execution role may pull from. Default: none, so that the
            role needs a permission from elsewhere.
        processor
            What it is built for.
        """
        return _GivenImage(processor, uri, repository_arn)

    @abstractmethod
    def bind(self, scope: Construct) -> BoundImage:
        """The image in the region of the stack of ``scope``."""


@dataclass(frozen=True)
class _GivenImage(ContainerImage):
    processor: Processor
    uri: str
    repository_arn: str | None

    def bind(self, scope: Construct) -> BoundImage:
        return BoundImage(self.uri, self.repository_arn)


@dataclass(frozen=True)
class _AssetImage(ContainerImage):
    processor: Processor
    directory: str
    file: str
    build_args: tuple[tuple[str, str], ...]

    def bind(self, scope: Construct) -> BoundImage:
        asset = self._asset(scope)
        return BoundImage(asset.image_uri, asset.repository.repository_arn)

    def _asset(self, scope: Construct) -> ecr_assets.DockerImageAsset:
        """The asset below ``scope``, made at the first call."""
        from aws_cdk import aws_ecr_assets as ecr_assets

        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:8]
        made = scope.node.try_find_child(f"Image{digest}")
        if isinstance(made, ecr_assets.DockerImageAsset):
            return made
        arm = self.processor is Processor.GRAVITON
        return ecr_assets.DockerImageAsset(
            scope,
            f"Image{digest}",
            directory=self.directory,
            file=self.file,
            build_args=dict(self.build_args) or None,
            platform=ecr_assets.Platform.LINUX_ARM64 if arm else ecr_assets.Platform.LINUX_AMD64,
        )


@dataclass(frozen=True)
class _SageMakerImage(ContainerImage):
    """An image that AWS publishes from a different account in every region."""

    processor: Processor
    published: PublishedImage

    @staticmethod
    def of(name: str, version: str, processor: Processor) -> _SageMakerImage:
        return _SageMakerImage(processor, published_image(name, version, processor))

    @property
    def serves_many_models(self) -> bool:
        return self.published.multi_model

    def bind(self, scope: Construct) -> BoundImage:
        stack = cdk.Stack.of(scope)
        found = self.published
        if is_token(stack.region):
            account = self._account_at_deploy_time(stack)
            suffix = stack.url_suffix
        else:
            account = self._account_in(stack)
            suffix = dns_suffix(stack.region)
        registry = f"{account}.dkr.ecr.{stack.region}.{suffix}"
        return BoundImage(
            uri=f"{registry}/{found.repository}:{found.tag}",
            repository_arn=stack.format_arn(
                service="ecr",
                account=account,
                resource="repository",
                resource_name=found.repository,
            ),
        )

    def _account_in(self, stack: cdk.Stack) -> str:
        accounts = self.published.accounts
        if stack.region not in accounts:
            raise InvalidPropsError(
                f"AWS publishes no {self.published.repository} image in {stack.region} (stack"
                f" '{stack.node.path}'); regions that have it: {', '.join(accounts)}"
            )
        return accounts[stack.region]

    def _account_at_deploy_time(self, stack: cdk.Stack) -> str:
        key, accounts = self.published.key, self.published.accounts
        mapping = stack.node.try_find_child(_MAPPING_ID)
        if isinstance(mapping, cdk.CfnMapping):
            for region, account in accounts.items():
                mapping.set_value(region, key, account)
        else:
            table = {region: {key: account} for region, account in accounts.items()}
            mapping = cdk.CfnMapping(stack, _MAPPING_ID, mapping=table)
        return mapping.find_in_map(cdk.Aws.REGION, key)
