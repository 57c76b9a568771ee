"""What localaws answers itself, SageMaker above all, put together of their parts."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from localaws.autoscaling.activities import Activities
from localaws.autoscaling.api import ApplicationAutoScalingApi, ScalableTargets
from localaws.autoscaling.scaler import Scaler
from localaws.autoscaling.schedules import Clock, ScheduledActions
from localaws.autoscaling.targets import ScalableTargetTags, scaled_variants
from localaws.backend import Backend, Scope
from localaws.cloudtrail.api import CloudTrailApi
from localaws.cloudtrail.history import EventHistory
from localaws.cloudtrail.recorder import DELIVERY_SECONDS, Recorder
from localaws.cloudtrail.trails import Trails
from localaws.containers.process_host import ProcessHost
from localaws.containers.registry import ContainerRegistry
from localaws.hosting.logs import RegularFlush
from localaws.hosting.runtime import Runtime
from localaws.hosting.settings import HostingSettings
from localaws.jobs.executor import JobExecutor
from localaws.jobs.processes import Cores
from localaws.sagemaker.authorizations import Authorization, sagemaker_authorizations
from localaws.sagemaker.dispatch import ServiceApi
from localaws.sagemaker.encryption_keys import check_keys
from localaws.sagemaker.endpoint_configs import EndpointConfigs
from localaws.sagemaker.endpoints import Endpoints
from localaws.sagemaker.instance_quotas import InstanceQuotas
from localaws.sagemaker.job_family import JobFamily
from localaws.sagemaker.models import Models
from localaws.sagemaker.resources import Request, ResourceFamily
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tags import Tags
from localaws.sagemaker.training_jobs import TrainingJobs
from localaws.sagemaker.transform_jobs import TransformJobs
from localaws.sagemaker.tuning_jobs import TuningJobs
from localaws.service_quotas.api import ServiceQuotasApi
from localaws.service_quotas.quotas import SetQuotas

CLOCK_SECONDS = 1.0
"""Between two looks for scheduled actions that are due."""


class SageMakerApi(ServiceApi):
    """The SageMaker control plane."""

    def __init__(
        self,
        families: Iterable[ResourceFamily],
        tags: Tags,
        quotas: InstanceQuotas,
        backend: Backend,
    ) -> None:
        super().__init__("sagemaker", families)
        self._tags = tags
        self._quotas = quotas
        self._backend = backend

    def admit(self, scope: Scope, operation: str, request: Request) -> None:
        """Refuse keys that do not exist, and what the account's quotas do not allow."""
        check_keys(scope, request, self._backend)
        self._quotas.check(scope, operation, request)

    def discard_interrupted_job(self, scope: Scope, request: Request) -> None:
        """Drop the job of a Create request if localaws's own end let it fail."""
        for family in self.families:
            if isinstance(family, JobFamily):
                family.discard_interrupted(scope, request)

    def authorizations(self, scope: Scope, operation: str, request: Request) -> list[Authorization]:
        """What the caller must be allowed to do for this request."""
        return sagemaker_authorizations(
            scope, operation, request, lambda arn: self._tags.of(scope, arn)
        )


@dataclass(frozen=True)
class Apis:
    """Everything that localaws serves itself."""

    sagemaker: SageMakerApi
    autoscaling: ApplicationAutoScalingApi
    quotas: ServiceQuotasApi
    cloudtrail: CloudTrailApi
    recorder: Recorder
    delivery: RegularFlush
    scaler: Scaler
    schedules: RegularFlush
    runtime: Runtime
    containers: ProcessHost
    store: ResourceStore

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Bring back what an earlier run left: endpoints are in service when this returns.

        ``loop`` is the event loop on which requests are answered, and this not called there.
        """
        self.containers.use_loop(loop)
        self.runtime.start()
        for family in self.sagemaker.families:
            family.start()
        for family in self.cloudtrail.families:
            family.start()
        self.delivery.start()
        self.scaler.start()
        self.schedules.start()

    def stop(self) -> None:
        """End everything; what was acknowledged stays in the state directory."""
        self.schedules.stop()
        self.scaler.stop()
        for family in reversed(self.sagemaker.families):
            family.stop()
        self.runtime.stop()
        self.containers.close()
        self.delivery.stop()
        self.recorder.close()
        self.store.close()


def create_apis(
    state_directory: Path,
    backend: Backend,
    *,
    images: ContainerRegistry | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Apis:
    """Put the services together; their state lives beneath ``state_directory``."""
    images = images or ContainerRegistry.installed()
    store = ResourceStore(state_directory / "sagemaker.sqlite")
    containers = ProcessHost()
    runtime = Runtime(
        state_directory / "hosting",
        backend,
        images,
        HostingSettings.from_environment(environment),
        containers,
    )
    tags = Tags(store)
    models = Models(store, backend, images, tags)
    configs = EndpointConfigs(store, models, tags)
    endpoints = Endpoints(
        store,
        models,
        configs,
        runtime,
        tags,
        partial(scaled_variants, store),
        backend,
    )
    executor = JobExecutor(Cores(os.cpu_count() or 1), containers.processes)
    training_jobs = TrainingJobs(
        store, tags, backend, images, executor, state_directory / "jobs" / "training"
    )
    transform_jobs = TransformJobs(
        store, tags, models, backend, executor, state_directory / "jobs" / "transform"
    )
    tuning_jobs = TuningJobs(
        store, tags, backend, images, executor, training_jobs, state_directory / "jobs" / "tuning"
    )
    families = [tags, models, configs, endpoints, training_jobs, transform_jobs, tuning_jobs]
    set_quotas = SetQuotas(state_directory / "quotas.json")
    sagemaker = SageMakerApi(families, tags, InstanceQuotas(store, set_quotas.get), backend)
    target_tags = ScalableTargetTags(store)
    activities = Activities(store)
    targets = ScalableTargets(store, backend, endpoints, target_tags, activities)
    actions = ScheduledActions(store, backend.next_of_cron)
    autoscaling = ApplicationAutoScalingApi([targets, actions, target_tags])
    scaler = Scaler(store, endpoints, activities)
    clock = Clock(store, scaler, backend.next_of_cron)
    trails = Trails(store, backend)
    history = EventHistory(state_directory / "cloudtrail.sqlite")
    recorder = Recorder(trails, history)
    return Apis(
        sagemaker,
        autoscaling,
        ServiceQuotasApi(set_quotas),
        CloudTrailApi(trails, history),
        recorder,
        RegularFlush(recorder.deliver, DELIVERY_SECONDS),
        scaler,
        RegularFlush(clock.tick, CLOCK_SECONDS),
        runtime,
        containers,
        store,
    )
