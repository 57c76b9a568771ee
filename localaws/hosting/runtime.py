"""The SageMaker Runtime: endpoints in service, and InvokeEndpoint."""

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from localaws.backend import Backend, Scope
from localaws.containers.process_host import ProcessHost
from localaws.containers.registry import ContainerRegistry
from localaws.errors import AwsError
from localaws.hosting.endpoint import (
    Capacity,
    HostedEndpoint,
    HostedVariant,
    Instance,
    with_capacities,
)
from localaws.hosting.gauges import Gauges
from localaws.hosting.invocation import (
    InvocationRequest,
    InvocationResponse,
    check_request,
    check_response,
    endpoint_not_found,
)
from localaws.hosting.logs import LogPublisher, RegularFlush
from localaws.hosting.metrics import MetricsPublisher, VariantMetrics
from localaws.hosting.settings import HostingSettings
from localaws.hosting.specification import EndpointSpecification
from localaws.hosting.start import Host, start_instance

LOADING_THREADS = 16
INVOCATION_THREADS = 32
DRAIN_SECONDS = 60.0
STOP_SECONDS = 5.0
FLUSH_SECONDS = 1.0

SHOWN_MODELS = 200

NOTHING_KEPT: Mapping[str, Sequence[Instance]] = {}


@dataclass(frozen=True)
class InstanceCache:
    """Models in the memory of one instance; ``models`` names the most recently used of them."""

    variant: str
    type: str
    loaded: int
    models: tuple[str, ...]
    memory_percent: float


@dataclass(frozen=True)
class EndpointCache:
    """Models in the memory of an endpoint's instances."""

    endpoint: str
    instances: tuple[InstanceCache, ...]


class Runtime:
    """Endpoints in service.

    ``deploy``, ``scale`` and ``remove`` are slow and belong on a thread of the caller's; ``invoke``
    runs on one event loop, which it blocks for microseconds only.
    """

    def __init__(
        self,
        directory: Path,
        backend: Backend,
        images: ContainerRegistry,
        settings: HostingSettings | None = None,
        containers: ProcessHost | None = None,
    ) -> None:
        settings = settings or HostingSettings()
        self._host = Host(
            directory=directory,
            backend=backend,
            images=images,
            settings=settings,
            metrics=MetricsPublisher(backend),
            logs=LogPublisher(backend),
            loading_threads=ThreadPoolExecutor(LOADING_THREADS, "load"),
            invocation_threads=ThreadPoolExecutor(INVOCATION_THREADS, "invoke"),
            containers=containers or ProcessHost(),
        )
        self._gauges = Gauges(settings)
        self._endpoints: dict[tuple[Scope, str], HostedEndpoint] = {}
        self._flush = RegularFlush(self._publish, FLUSH_SECONDS)

    def start(self) -> None:
        """Begin to publish metrics and logs; instances of an earlier run leave the disk.

        Nobody waits for that: they may have held the files of thousands of models.
        """
        left = list(self._host.directory.glob("*"))  # each of an instance; no name comes again
        threading.Thread(target=_delete_folders, args=(left,), daemon=True).start()
        self._flush.start()

    def stop(self) -> None:
        """Stop all containers and publish what is left; the next start deletes their files."""
        endpoints, self._endpoints = self._endpoints, {}
        for endpoint in endpoints.values():
            for instance in endpoint.instances:
                instance.drain(STOP_SECONDS)
        self._flush.stop()
        self._host.loading_threads.shutdown(wait=False, cancel_futures=True)
        self._host.invocation_threads.shutdown(wait=False, cancel_futures=True)

    def flush(self) -> None:
        """Publish metrics and log lines now."""
        self._flush.now()

    def deploy(self, specification: EndpointSpecification) -> None:
        """Bring up all instances, then let them take over from those of an earlier deployment.

        Raises
        ------
        DeploymentError
            With the reason; what served before still serves.
        """
        key = (specification.scope, specification.name)
        self._replace(self._start(specification, NOTHING_KEPT), self._endpoints.get(key))

    def try_out(
        self, specification: EndpointSpecification, seconds: float, fault: Callable[[], str | None]
    ) -> str | None:
        """Deploy, but keep what served before for ``seconds`` of AWS's time, and ask for faults.

        All traffic at once, as
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html has
        it. Returns the fault for which the earlier deployment was brought back, or None.
        """
        key = (specification.scope, specification.name)
        blue, green = self._endpoints[key], self._start(specification, NOTHING_KEPT)
        self._endpoints[key] = green
        deadline = time.monotonic() + seconds / self._host.settings.baking_divisor
        while (found := fault()) is None and time.monotonic() < deadline:
            time.sleep(0.1)
        self._replace(green if found is None else blue, blue if found is None else green)
        return found

    def scale(
        self, scope: Scope, name: str, capacities: Mapping[str, Capacity]
    ) -> EndpointSpecification:
        """Change instance counts and weights; instances that stay keep their models."""
        current = self._endpoints[scope, name]
        specification = with_capacities(current.specification, capacities)
        self._replace(self._start(specification, current.kept_by(specification)), current)
        return specification

    def remove(self, scope: Scope, name: str) -> None:
        """Take an endpoint out of service, if it is in service."""
        endpoint = self._endpoints.pop((scope, name), None)
        if endpoint is not None:
            _end(endpoint.instances, DRAIN_SECONDS)

    def caches(self) -> list[EndpointCache]:
        """What each endpoint in service has loaded, most recently used models first."""
        return [
            EndpointCache(
                endpoint=name,
                instances=tuple(
                    self._instance_cache(variant.specification.name, instance)
                    for variant in endpoint.variants
                    for instance in variant.instances
                ),
            )
            for (_, name), endpoint in list(self._endpoints.items())
        ]

    def _instance_cache(self, variant: str, instance: Instance) -> InstanceCache:
        names = instance.models.loaded_names() if instance.models is not None else []
        return InstanceCache(
            variant=variant,
            type=instance.type.name,
            loaded=len(names),
            models=tuple(reversed(names[-SHOWN_MODELS:])),
            memory_percent=self._gauges.read(instance).memory_percent,
        )

    async def invoke(
        self,
        scope: Scope,
        endpoint_name: str,
        request: InvocationRequest,
        arrived: float | None = None,
    ) -> InvocationResponse:
        """InvokeEndpoint.

        ``arrived`` is when the platform got the request, as ``time.perf_counter`` counts: what was
        done with it since is overhead. Default: now.

        Raises
        ------
        AwsError
            As the platform answers.
        """
        arrived = time.perf_counter() if arrived is None else arrived
        variant, instance = self._enter(scope, endpoint_name, request)
        try:
            answer = await instance.invoke(request)
            check_response(answer.response)
        except AwsError as error:
            variant.metrics.record_failure(len(variant.instances), error)
            raise
        finally:
            instance.leave()
        overhead = time.perf_counter() - arrived - answer.seconds
        variant.metrics.record_success(len(variant.instances), answer.seconds, overhead)
        return InvocationResponse(
            body=answer.response.body,
            content_type=answer.response.content_type,
            invoked_production_variant=variant.specification.name,
            custom_attributes=answer.response.custom_attributes,
        )

    def _enter(
        self, scope: Scope, endpoint_name: str, request: InvocationRequest
    ) -> tuple[HostedVariant, Instance]:
        """The instance for a request, which is counted in there."""
        while True:
            endpoint = self._endpoints.get((scope, endpoint_name))
            if endpoint is None:
                raise endpoint_not_found(endpoint_name, scope.account_id)
            variant = endpoint.variant(request.target_variant)
            check_request(endpoint_name, variant.is_multi_model, request)
            instance = variant.route(request.target_model)
            if instance.enter():
                return variant, instance

    def _start(
        self, specification: EndpointSpecification, kept: Mapping[str, Sequence[Instance]]
    ) -> HostedEndpoint:
        """Start the instances that are not kept; all of them or none."""
        started: list[Instance] = []
        variants = []
        try:
            for variant in specification.variants:
                metrics = VariantMetrics(self._host.metrics, specification, variant)
                instances = list(kept.get(variant.name, ()))
                while len(instances) < variant.instance_count:
                    instance = start_instance(self._host, specification, variant, metrics)
                    instances.append(instance)
                    started.append(instance)
                variants.append(HostedVariant(variant, metrics, instances))
        except BaseException:
            _end(started, 0)
            raise
        return HostedEndpoint(specification, variants)

    def _replace(self, endpoint: HostedEndpoint, previous: HostedEndpoint | None) -> None:
        """Let it take over from ``previous``, whose other instances then end."""
        key = (endpoint.specification.scope, endpoint.specification.name)
        self._endpoints[key] = endpoint
        if previous is not None:
            kept = {instance.id for instance in endpoint.instances}
            _end((i for i in previous.instances if i.id not in kept), DRAIN_SECONDS)

    def _publish(self) -> None:
        endpoints = list(self._endpoints.values())
        self._gauges.record(variant for endpoint in endpoints for variant in endpoint.variants)
        self._host.metrics.flush()
        self._host.logs.flush()


def _delete_folders(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _end(instances: Iterable[Instance], timeout_seconds: float) -> None:
    for instance in instances:
        instance.drain(timeout_seconds)
        instance.delete_files()
