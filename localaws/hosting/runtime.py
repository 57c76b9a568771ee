"""The SageMaker Runtime: endpoints in service, and InvokeEndpoint."""

import logging
import random
import shutil
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from localaws.backend import Backend, Scope
from localaws.containers.registry import ContainerRegistry
from localaws.errors import AwsError
from localaws.hosting.errors import endpoint_not_found, validation_error
from localaws.hosting.fleet import FleetBuilder
from localaws.hosting.gauges import Gauges
from localaws.hosting.instance import Instance
from localaws.hosting.invocation import MAXIMUM_BODY_BYTES, InvocationRequest, InvocationResponse
from localaws.hosting.logs import LogPublisher
from localaws.hosting.metrics import MetricsPublisher
from localaws.hosting.request_rules import check_request
from localaws.hosting.settings import HostingSettings
from localaws.hosting.specification import EndpointSpecification, VariantSpecification
from localaws.hosting.variant import HostedVariant
from localaws.hosting.variant_metrics import VariantMetrics

LOADING_THREADS = 16
INVOCATION_THREADS = 32
DRAIN_SECONDS = 60.0
STOP_SECONDS = 5.0
FLUSH_SECONDS = 1.0

logger = logging.getLogger(__name__)


class HostedEndpoint:
    """The variants of one endpoint, and what it was deployed from."""

    def __init__(self, specification: EndpointSpecification, variants: list[HostedVariant]) -> None:
        self.specification = specification
        self.variants = {variant.specification.name: variant for variant in variants}
        self._choices = list(variants)
        self._weights = list(accumulate(variant.specification.weight for variant in variants))

    def variant(self, target_variant: str) -> HostedVariant:
        """The variant that a request names, else one drawn by weight."""
        if target_variant:
            try:
                return self.variants[target_variant]
            except KeyError:
                raise validation_error(
                    f"Variant {target_variant} not found for Endpoint {self.specification.name}."
                ) from None
        if len(self._choices) == 1 or not self._weights[-1]:
            return self._choices[0]
        return random.choices(self._choices, cum_weights=self._weights)[0]

    @property
    def instances(self) -> list[Instance]:
        """All running instances."""
        return [instance for variant in self.variants.values() for instance in variant.instances]


@dataclass(frozen=True)
class Capacity:
    """What UpdateEndpointWeightsAndCapacities may change of a variant."""

    instance_count: int
    weight: float


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
        *,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._directory = directory
        self._flush_seconds = flush_seconds
        self._settings = settings or HostingSettings()
        self._metrics = MetricsPublisher(backend)
        self._logs = LogPublisher(backend)
        self._loading_threads = ThreadPoolExecutor(LOADING_THREADS, "load")
        self._invocation_threads = ThreadPoolExecutor(INVOCATION_THREADS, "invoke")
        self._builder = FleetBuilder(
            directory,
            backend,
            images,
            self._settings,
            self._metrics,
            self._logs,
            self._loading_threads,
            self._invocation_threads,
        )
        self._gauges = Gauges(self._settings)
        self._endpoints: dict[tuple[Scope, str], HostedEndpoint] = {}
        self._stopping = threading.Event()
        self._flushing = threading.Lock()
        self._flusher = threading.Thread(target=self._flush_regularly, name="flush", daemon=True)

    def start(self) -> None:
        """Begin to publish metrics and logs; instances of an earlier run leave the disk."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._flusher.start()

    def stop(self) -> None:
        """Stop all containers and publish what is left."""
        self._stopping.set()
        endpoints, self._endpoints = self._endpoints, {}
        for endpoint in endpoints.values():
            _drain(endpoint.instances, STOP_SECONDS)
        if self._flusher.is_alive():
            self._flusher.join()
        self.flush()
        self._loading_threads.shutdown(wait=False, cancel_futures=True)
        self._invocation_threads.shutdown(wait=False, cancel_futures=True)

    def flush(self) -> None:
        """Publish metrics and log lines now."""
        with self._flushing:
            endpoints = list(self._endpoints.values())
            self._gauges.record(v for endpoint in endpoints for v in endpoint.variants.values())
            self._metrics.flush()
            self._logs.flush()

    def deploy(self, specification: EndpointSpecification) -> None:
        """Bring up all instances, then let them take over from those of an earlier deployment.

        Raises
        ------
        DeploymentError
            With the reason; what served before still serves.
        """
        variants: list[HostedVariant] = []
        try:
            for variant in specification.variants:
                variants.append(self._start_variant(specification, variant))
        except BaseException:
            _drain([i for variant in variants for i in variant.instances], 0)
            raise
        self._replace(HostedEndpoint(specification, variants))

    def scale(
        self, scope: Scope, name: str, capacities: Mapping[str, Capacity]
    ) -> EndpointSpecification:
        """Change instance counts and weights; instances that stay keep their models."""
        current = self._endpoints[scope, name]
        variants = tuple(
            replace(
                variant,
                instance_count=capacities[variant.name].instance_count,
                weight=capacities[variant.name].weight,
            )
            for variant in current.specification.variants
        )
        specification = replace(current.specification, variants=variants)
        hosted = [
            self._start_variant(
                specification,
                variant,
                keep=list(current.variants[variant.name].instances)[: variant.instance_count],
            )
            for variant in variants
        ]
        self._replace(HostedEndpoint(specification, hosted))
        return specification

    def remove(self, scope: Scope, name: str) -> None:
        """Take an endpoint out of service, if it is in service."""
        endpoint = self._endpoints.pop((scope, name), None)
        if endpoint is not None:
            _drain(endpoint.instances, DRAIN_SECONDS)

    async def invoke(
        self,
        scope: Scope,
        endpoint_name: str,
        request: InvocationRequest,
        arrived: float | None = None,
    ) -> InvocationResponse:
        """InvokeEndpoint. Raises ``AwsError`` as the platform answers.

        ``arrived`` is when the platform got the request, as ``time.perf_counter`` counts: what was
        done with it since is overhead. Default: now.
        """
        arrived = time.perf_counter() if arrived is None else arrived
        variant, instance = self._enter(scope, endpoint_name, request)
        metrics = variant.metrics
        metrics.invocations.record(1.0)
        metrics.invocations_per_instance.record(1.0 / len(variant.instances))
        try:
            response, model_seconds = await instance.invoke(request)
            if len(response.body) > MAXIMUM_BODY_BYTES:
                raise validation_error(
                    f"Response payload is {len(response.body)} bytes, which has exceeded the "
                    f"maximum limit of {MAXIMUM_BODY_BYTES} bytes."
                )
        except AwsError as error:
            _record_failure(metrics, error)
            raise
        finally:
            instance.leave()
        _record_success(metrics, model_seconds, time.perf_counter() - arrived)
        return InvocationResponse(
            body=response.body,
            content_type=response.content_type,
            invoked_production_variant=variant.specification.name,
            custom_attributes=response.custom_attributes,
        )

    def _enter(
        self, scope: Scope, endpoint_name: str, request: InvocationRequest
    ) -> tuple[HostedVariant, Instance]:
        while True:
            endpoint = self._endpoints.get((scope, endpoint_name))
            if endpoint is None:
                raise endpoint_not_found(endpoint_name, scope.account_id)
            variant = endpoint.variant(request.target_variant)
            check_request(endpoint.specification.name, variant.is_multi_model, request)
            instance = variant.route(request.target_model)
            if instance.enter():
                return variant, instance

    def _start_variant(
        self,
        endpoint: EndpointSpecification,
        variant: VariantSpecification,
        keep: list[Instance] | None = None,
    ) -> HostedVariant:
        metrics = VariantMetrics(self._metrics, endpoint, variant)
        instances = list(keep or [])
        kept = len(instances)
        try:
            while len(instances) < variant.instance_count:
                instances.append(self._builder.start_instance(endpoint, variant, metrics))
        except BaseException:
            _drain(instances[kept:], 0)
            raise
        return HostedVariant(variant, metrics, instances)

    def _replace(self, endpoint: HostedEndpoint) -> None:
        key = (endpoint.specification.scope, endpoint.specification.name)
        previous = self._endpoints.get(key)
        self._endpoints[key] = endpoint
        if previous is not None:
            kept = {instance.id for instance in endpoint.instances}
            _drain([i for i in previous.instances if i.id not in kept], DRAIN_SECONDS)

    def _flush_regularly(self) -> None:
        # On whole seconds: values then lag by one period of a second, never by two.
        while not self._stopping.wait(self._flush_seconds - time.time() % self._flush_seconds):
            try:
                self.flush()
            except Exception:
                logger.exception("metrics or log lines could not be published")


def _drain(instances: list[Instance], timeout_seconds: float) -> None:
    for instance in instances:
        instance.drain(timeout_seconds)


def _record_success(metrics: VariantMetrics, model_seconds: float, seconds: float) -> None:
    metrics.model_latency.record(model_seconds * 1e6)
    metrics.overhead_latency.record((seconds - model_seconds) * 1e6)
    metrics.client_errors.record(0.0)
    metrics.server_errors.record(0.0)
    metrics.model_errors.record(0.0)


def _record_failure(metrics: VariantMetrics, error: AwsError) -> None:
    """A ModelError counts by what the container answered, another error by its own status."""
    is_model_error = error.code == "ModelError"
    original = error.fields.get("OriginalStatusCode", error.status)
    is_client_error = isinstance(original, int) and 400 <= original < 500
    metrics.client_errors.record(1.0 if is_client_error else 0.0)
    metrics.server_errors.record(0.0 if is_client_error else 1.0)
    metrics.model_errors.record(1.0 if is_model_error else 0.0)
