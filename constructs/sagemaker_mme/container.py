"""The containers that a pipeline is made of, and what each of them serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from sagemaker_mme.container_image import ContainerImage


class ModelCacheSetting(Enum):
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

        Parameters
        ----------
        bucket
            The bucket of the URL.
        prefix
            The keys that the execution role may read there, with the slash at its end.
        """
        return ModelData(url, bucket, prefix)


@dataclass(frozen=True, kw_only=True)
class Container:
    """An ordinary container of the pipeline.

    Parameters
    ----------
    image
        What it runs.
    model_data
        What it serves. Default: nothing, all is in the image.
    environment
        Its environment variables. Default: none.
    name
        Its host name, by which metrics and logs call it. Default: SageMaker names the
        containers ``container-1``, ``container-2``, and so on. All containers have names, or
        none.
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

        Parameters
        ----------
        script
            The file in the folder ``code`` of ``model.tar.gz``.
        model_data
            The artifact.
        image
            Default: ``ContainerImage.scikit_learn()``.
        environment
            Further environment variables, or other values for these. Default: none.
        name
            As in ``Container``.
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

    Parameters
    ----------
    image
        What it runs; it must be able to serve several models.
    bucket
        Where the models are.
    prefix
        What all model keys begin with, slash at its end. Default: ``models/``.
    model_cache_setting
        Whether models stay in memory. Default: they do.
    environment
        Its environment variables. Default: none.
    name
        Its host name, as in ``Container``.
    """

    image: ContainerImage
    bucket: s3.IBucket
    prefix: str = "models/"
    model_cache_setting: ModelCacheSetting = ModelCacheSetting.ENABLED
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    @property
    def model_data(self) -> ModelData:
        return ModelData.from_url(
            self.bucket.s3_url_for_object(self.prefix), bucket=self.bucket, prefix=self.prefix
        )


PipelineContainer = Container | MultiModelContainer
