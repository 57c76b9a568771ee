"""Starts instances and their containers, as SageMaker does when an endpoint is deployed."""

import secrets
import shutil
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from localaws.artifacts import ArtifactError, S3Location, unpack
from localaws.backend import Backend, ObjectStore
from localaws.containers.contract import (
    Container,
    ContainerImage,
    ContainerSettings,
    ContainerStartError,
    ModelLoadError,
)
from localaws.containers.process_host import ProcessHost
from localaws.containers.registry import ContainerRegistry, UnknownImageError
from localaws.errors import AwsError
from localaws.hosting.endpoint import Instance
from localaws.hosting.instance_types import InstanceType, instance_type
from localaws.hosting.loading import load_model
from localaws.hosting.logs import LogPublisher, LogStream
from localaws.hosting.metrics import MetricsPublisher, VariantMetrics
from localaws.hosting.multi_model import ModelBounds, MultiModelServer
from localaws.hosting.pipeline import Pipeline
from localaws.hosting.settings import HostingSettings
from localaws.hosting.specification import (
    ContainerSpecification,
    EndpointSpecification,
    VariantSpecification,
)
from localaws.hosting.stage import ContainerCaller, MultiModelStage, SingleModelStage, Stage


@dataclass(frozen=True)
class Host:
    """Services, settings and threads.

    Models are loaded on ``loading_threads`` and user code runs on ``invocation_threads``, so that
    the one never waits for the other; ``containers`` runs those that are processes of their own.
    Instances keep their models beneath ``directory``.
    """

    directory: Path
    backend: Backend
    images: ContainerRegistry
    settings: HostingSettings
    metrics: MetricsPublisher
    logs: LogPublisher
    loading_threads: Executor
    invocation_threads: Executor
    containers: ProcessHost


class DeploymentError(Exception):
    """An endpoint did not come up; the text becomes its FailureReason."""


@dataclass(frozen=True)
class ContainerStart:
    """The start of container ``number``, counted from 1, on an instance."""

    host: Host
    endpoint: EndpointSpecification
    variant: VariantSpecification
    specification: ContainerSpecification
    number: int
    instance_id: str
    instance_directory: Path
    metrics: VariantMetrics

    def run(self) -> Stage:
        """Start it.

        Raises
        ------
        DeploymentError
            With the reason when it does not come up.
        """
        image, log = self._image(), self._log()
        if not self.specification.multi_model:
            self._fetch_model()
        container = image.container(self._container_settings(log))
        try:
            container.start()
            return self._stage(image, container, log)
        except (ContainerStartError, ModelLoadError) as error:
            log.write(str(error))
            container.stop()
            raise DeploymentError(
                f"The {self.specification.name} container for production variant "
                f"{self.variant.name} did not pass the ping health check. Please check CloudWatch "
                f"logs for this endpoint. ({error})"
            ) from None

    @property
    def _directory(self) -> Path:
        return self.instance_directory / self.specification.name

    @property
    def _model_directory(self) -> Path:
        return self._directory / "model"

    @property
    def _instance_type(self) -> InstanceType:
        return instance_type(self.variant.instance_type, self.variant.volume_size_gb)

    def _image(self) -> ContainerImage:
        try:
            return self.host.images.find(self.specification.image)
        except UnknownImageError as error:
            raise DeploymentError(str(error)) from None

    def _log(self) -> LogStream:
        """https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html."""
        name = f"{self.variant.name}/{self.instance_id}"
        if self.variant.is_pipeline:
            name += f"/{self.specification.name}"
        return self.host.logs.stream(
            self.endpoint.scope, self.endpoint.log_group, name, self.variant.execution_role_arn
        )

    def _container_settings(self, log: LogStream) -> ContainerSettings:
        return ContainerSettings(
            image=self.specification.image,
            environment=self.specification.environment,
            directory=self._directory,
            is_multi_model=self.specification.multi_model,
            log=log.write,
            download=self._download,
            host=self.host.containers,
            timeout_seconds=self.host.settings.invocation_timeout_seconds,
            start_seconds=self.variant.start_seconds,
        )

    def _download(self, uri: str) -> bytes:
        location = S3Location.parse(uri)
        return self._object_store().get_object(location.bucket, location.key)

    def _stage(self, image: ContainerImage, container: Container, log: LogStream) -> Stage:
        name = self.specification.name
        latency = self.metrics.container_latency(name) if self.variant.is_pipeline else None
        timeout = self.host.settings.invocation_timeout_seconds
        caller = ContainerCaller(container, log, self.host.invocation_threads, timeout)
        if self.specification.multi_model:
            models = self._models(image, container, log)
            return MultiModelStage(name, container, models, caller, latency)
        model = load_model(container, self._model_directory, log)
        return SingleModelStage(name, container, model, caller, latency)

    def _models(
        self, image: ContainerImage, container: Container, log: LogStream
    ) -> MultiModelServer:
        settings = self.host.settings
        host_type = self._instance_type
        return MultiModelServer(
            container=container,
            location=S3Location.parse(self.specification.model_data_url),
            object_store=self._object_store,
            directory=self._directory / "models",
            bounds=ModelBounds(
                memory=settings.memory_for_models(host_type.memory_bytes),
                memory_per_model=settings.model_memory_bytes(image.model_memory_bytes),
                storage=settings.model_storage_bytes(host_type.storage_bytes),
            ),
            metrics=self.metrics,
            log=log,
            threads=self.host.loading_threads,
            keep_models=self.specification.cache_models,
            wait_seconds=settings.model_wait_seconds,
        )

    def _object_store(self) -> ObjectStore:
        return self.host.backend.object_store_as(self.variant.execution_role_arn)

    def _fetch_model(self) -> None:
        """Bring the one model of a SingleModel container; it may have none."""
        if not self.specification.model_data_url:
            self._model_directory.mkdir(parents=True)
            return
        location = S3Location.parse(self.specification.model_data_url)
        container = f"container_{self.number}"
        try:
            archive = self._object_store().get_object(location.bucket, location.key)
        except AwsError as error:
            raise DeploymentError(
                f'Failed to download model data for container "{container}" from URL: '
                f'"{location.url}". Please ensure that there is an object located at the URL and '
                "that the role passed to CreateModel has permissions to download the object. "
                f"({error})"
            ) from None
        try:
            unpack(archive, self._model_directory)
        except ArtifactError as error:
            raise DeploymentError(
                f'Failed to extract model data archive for container "{container}" from URL '
                f'"{location.url}". Please ensure that the object located at the URL is a valid '
                f"tar.gz archive. ({error})"
            ) from None


def start_instance(
    host: Host,
    endpoint: EndpointSpecification,
    variant: VariantSpecification,
    metrics: VariantMetrics,
) -> Instance:
    """Start one instance of a variant.

    Raises
    ------
    DeploymentError
        With the reason.
    """
    instance_id = f"i-{secrets.token_hex(9)[:17]}"
    directory = host.directory / instance_id
    stages: list[Stage] = []
    try:
        for number, container in enumerate(variant.containers, start=1):
            start = ContainerStart(
                host, endpoint, variant, container, number, instance_id, directory, metrics
            )
            stages.append(start.run())
    except BaseException:
        for stage in stages:
            stage.close()
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return Instance(
        id=instance_id,
        type=instance_type(variant.instance_type, variant.volume_size_gb),
        directory=directory,
        pipeline=Pipeline(endpoint, stages),
        models=next((stage.models for stage in stages if stage.models is not None), None),
    )
