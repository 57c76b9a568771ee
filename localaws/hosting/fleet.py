"""Brings up the instances that a specification asks for."""

import secrets
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from localaws.backend import Backend, ObjectStore
from localaws.containers.base import (
    Container,
    ContainerImage,
    ContainerSettings,
    ContainerStartError,
    ModelLoadError,
)
from localaws.containers.registry import ContainerRegistry, UnknownImageError
from localaws.errors import AwsError
from localaws.hosting.artifacts import ArtifactError, S3Location, unpack
from localaws.hosting.instance import Instance
from localaws.hosting.instance_types import InstanceType, instance_type
from localaws.hosting.logs import LogPublisher, LogStream
from localaws.hosting.metrics import MetricsPublisher
from localaws.hosting.multi_model import ModelBounds, MultiModelServer
from localaws.hosting.settings import HostingSettings
from localaws.hosting.specification import (
    ContainerSpecification,
    EndpointSpecification,
    VariantSpecification,
)
from localaws.hosting.stage import ContainerCaller, MultiModelStage, SingleModelStage, Stage
from localaws.hosting.variant_metrics import VariantMetrics


class DeploymentError(Exception):
    """An endpoint did not come up; the text becomes its FailureReason."""


@dataclass(frozen=True)
class FleetBuilder:
    """Starts instances; ``directory`` is where they keep their models.

    Models are loaded on ``loading_threads`` and user code runs on ``invocation_threads``, so that
    the one never waits for the other.
    """

    directory: Path
    backend: Backend
    images: ContainerRegistry
    settings: HostingSettings
    metrics: MetricsPublisher
    logs: LogPublisher
    loading_threads: Executor
    invocation_threads: Executor

    def start_instance(
        self,
        endpoint: EndpointSpecification,
        variant: VariantSpecification,
        metrics: VariantMetrics,
    ) -> Instance:
        """Start one instance of a variant; raises ``DeploymentError`` with the reason."""
        start = _InstanceStart(self, endpoint, variant, metrics, f"i-{secrets.token_hex(9)[:17]}")
        return start.run()


@dataclass(frozen=True)
class _InstanceStart:
    """The start of one instance."""

    builder: FleetBuilder
    endpoint: EndpointSpecification
    variant: VariantSpecification
    metrics: VariantMetrics
    instance_id: str

    def run(self) -> Instance:
        instance = Instance(
            id=self.instance_id,
            directory=self._directory,
            type=self._type,
            endpoint=self.endpoint,
            stages=[],
            container_latencies=[
                self.metrics.container_latency(container.name)
                for container in self.variant.containers
                if self.variant.is_pipeline
            ],
        )
        try:
            for number, specification in enumerate(self.variant.containers):
                stage = self._stage(specification, number)
                instance.stages.append(stage)
                if isinstance(stage, MultiModelStage):
                    instance.models = stage.models
                    instance.multi_model_stage = number
        except BaseException:
            instance.drain(timeout_seconds=0)
            raise
        return instance

    @property
    def _directory(self) -> Path:
        return self.builder.directory / self.instance_id

    @property
    def _type(self) -> InstanceType:
        return instance_type(self.variant.instance_type, self.variant.volume_size_gb)

    def _stage(self, specification: ContainerSpecification, number: int) -> Stage:
        builder = self.builder
        log = builder.logs.stream(
            self.endpoint.scope, self.endpoint.log_group, self._log_stream_name(specification)
        )
        directory = self._directory / specification.name
        try:
            image = builder.images.find(specification.image)
        except UnknownImageError as error:
            raise DeploymentError(str(error)) from None
        settings = ContainerSettings(
            image=specification.image,
            environment=specification.environment,
            model_directory=None if specification.multi_model else directory / "model",
            log=log.write,
        )
        if not specification.multi_model:
            self._fetch_model(specification, directory / "model", number)
        container = image.container(settings)
        self._start(container, specification, log)
        caller = ContainerCaller(
            container,
            log,
            builder.invocation_threads,
            builder.settings.localaws_invocation_timeout_seconds,
        )
        if specification.multi_model:
            models = self._models(specification, image, container, directory, log)
            return MultiModelStage(specification.name, container, models, caller)
        try:
            model = container.load(directory / "model")
        except ModelLoadError as error:
            log.write(str(error))
            container.stop()
            raise self._ping_failure(specification, str(error)) from None
        return SingleModelStage(specification.name, container, model, caller)

    def _log_stream_name(self, specification: ContainerSpecification) -> str:
        """https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html."""
        name = f"{self.variant.name}/{self.instance_id}"
        return f"{name}/{specification.name}" if self.variant.is_pipeline else name

    def _models(
        self,
        specification: ContainerSpecification,
        image: ContainerImage,
        container: Container,
        directory: Path,
        log: LogStream,
    ) -> MultiModelServer:
        settings = self.builder.settings
        storage = int(settings.localaws_model_storage_gib * 1024**3)
        return MultiModelServer(
            container=container,
            location=S3Location.parse(specification.model_data_url),
            object_store=self._object_store,
            directory=directory / "models",
            bounds=ModelBounds(
                memory=settings.memory_for_models(self._type.memory_bytes),
                memory_per_model=settings.model_memory_bytes(image.model_memory_bytes),
                storage=storage or self._type.storage_bytes,
            ),
            metrics=self.metrics,
            log=log,
            threads=self.builder.loading_threads,
            keep_models=specification.cache_models,
            wait_seconds=settings.localaws_model_wait_seconds,
        )

    def _object_store(self) -> ObjectStore:
        return self.builder.backend.object_store_as(self.variant.execution_role_arn)

    def _start(
        self, container: Container, specification: ContainerSpecification, log: LogStream
    ) -> None:
        try:
            container.start()
        except ContainerStartError as error:
            log.write(str(error))
            raise self._ping_failure(specification, str(error)) from None

    def _ping_failure(self, specification: ContainerSpecification, reason: str) -> DeploymentError:
        return DeploymentError(
            f"The {specification.name} container for production variant {self.variant.name} did "
            "not pass the ping health check. Please check CloudWatch logs for this endpoint. "
            f"({reason})"
        )

    def _fetch_model(
        self, specification: ContainerSpecification, directory: Path, number: int
    ) -> None:
        if not specification.model_data_url:
            directory.mkdir(parents=True)
            return
        location = S3Location.parse(specification.model_data_url)
        try:
            archive = self._object_store().get_object(location.bucket, location.key)
        except AwsError as error:
            raise DeploymentError(
                f'Failed to download model data for container "container_{number + 1}" from URL: '
                f'"{location.url}". Please ensure that there is an object located at the URL and '
                "that the role passed to CreateModel has permissions to download the object. "
                f"({error})"
            ) from None
        try:
            unpack(archive, directory)
        except ArtifactError as error:
            raise DeploymentError(
                f'Failed to extract model data archive for container "container_{number + 1}" from '
                f'URL "{location.url}". Please ensure that the object located at the URL is a '
                f"valid tar.gz archive. ({error})"
            ) from None
