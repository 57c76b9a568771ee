"""Endpoints, as clients see them.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from localaws.backend import Backend, Scope
from localaws.hosting.gauges import SIMULATED_METRICS
from localaws.hosting.runtime import FLUSH_SECONDS, Runtime
from localaws.hosting.specification import EndpointSpecification
from localaws.sagemaker.deployment_config import check_deployment_config
from localaws.sagemaker.deployments import Deployments
from localaws.sagemaker.endpoint_configs import EndpointConfigs
from localaws.sagemaker.endpoint_records import (
    DEPLOYED,
    KIND,
    PENDING,
    EndpointRecords,
    Record,
    capacities_of,
    deployed,
    pending_summaries,
    resolve,
    retain_properties,
)
from localaws.sagemaker.listing import Listing
from localaws.sagemaker.models import Models
from localaws.sagemaker.resources import (
    Request,
    ResourceFamily,
    Response,
    arn,
    now,
    validation_exception,
)
from localaws.sagemaker.rollback_alarms import RollbackAlarms
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tags import Tags

LISTING = Listing(member="Endpoints", name="EndpointName", status="EndpointStatus")
SUMMARY = ("EndpointName", "EndpointArn", "EndpointStatus", "CreationTime", "LastModifiedTime")
# What clients should know of metrics here and cannot learn from any other operation.
ENVIRONMENT_TAGS = (
    {"Key": "metrics-period-seconds", "Value": f"{FLUSH_SECONDS:g}"},
    {"Key": "simulated-metrics", "Value": " ".join(SIMULATED_METRICS)},
)


ScaledVariants = Callable[[Scope, str], set[str]]
"""The variants of the endpoint of a name that are registered as scalable targets."""


class Endpoints(ResourceFamily):
    """Create, Describe, List, Update and DeleteEndpoint, UpdateEndpointWeightsAndCapacities."""

    def __init__(
        self,
        store: ResourceStore,
        models: Models,
        configs: EndpointConfigs,
        runtime: Runtime,
        tags: Tags,
        scaled_variants: ScaledVariants,
        backend: Backend,
    ) -> None:
        self._store = store
        self._backend = backend
        self._models = models
        self._configs = configs
        self._tags = tags
        self._records = EndpointRecords(store)
        self._alarms = RollbackAlarms(backend)
        self._deployments = Deployments(self._records, runtime, tags, self._alarms)
        self._scaled_variants = scaled_variants
        self._lock = threading.Lock()

    def start(self) -> None:
        """Bring the endpoints of an earlier run back into service."""
        self._deployments.resume()

    def stop(self) -> None:
        """Wait for deployments that are under way."""
        self._deployments.stop()

    def create_endpoint(self, scope: Scope, request: Request) -> Response:
        name = request["EndpointName"]
        endpoint_arn = arn(scope, KIND, name)
        with self._lock:
            if self._records.exists(scope, name):
                raise validation_exception(
                    f'Cannot create already existing endpoint "{endpoint_arn}".'
                )
            specification = self._specification(scope, name, request)
            check_deployment_config(scope, request, specification, self._backend)
            self._alarms.fault(specification, request.get("DeploymentConfig"))
            self._tags.create(
                scope, endpoint_arn, {"Tags": [*request.get("Tags", []), *ENVIRONMENT_TAGS]}
            )
            created = now()
            record = {
                "EndpointName": name,
                "EndpointArn": endpoint_arn,
                "EndpointConfigName": specification.config_name,
                "EndpointStatus": "Creating",
                "CreationTime": created,
                "LastModifiedTime": created,
            }
            self._records.save(scope, _with_deployment_config(record, request))
        self._deployments.create(specification)
        return {"EndpointArn": endpoint_arn}

    def describe_endpoint(self, scope: Scope, request: Request) -> Response:
        record = self.find(scope, request["EndpointName"])
        return {key: value for key, value in record.items() if not key.startswith("_")}

    def list_endpoints(self, scope: Scope, request: Request) -> Response:
        summaries = [
            {member: record[member] for member in SUMMARY} for record in self._records.list(scope)
        ]
        return LISTING.page(summaries, request)

    def update_endpoint(self, scope: Scope, request: Request) -> Response:
        with self._lock:
            record = self._records.find_in_service(scope, request["EndpointName"])
            specification = self._specification(scope, record["EndpointName"], request)
            self._check_scaled_variants(scope, record, specification)
            check_deployment_config(scope, request, specification, self._backend)
            record = _with_deployment_config(record, request)
            self._alarms.fault(specification, record.get("LastDeploymentConfig"))
            if request.get("RetainAllVariantProperties"):
                specification = retain_properties(specification, record, request)
            started = now()
            record[PENDING] = {
                "EndpointConfigName": specification.config_name,
                "ProductionVariants": pending_summaries(specification),
                "StartTime": started,
            }
            self._records.save(scope, _updating(record, started))
        self._deployments.update(specification)
        return {"EndpointArn": record["EndpointArn"]}

    def update_endpoint_weights_and_capacities(self, scope: Scope, request: Request) -> Response:
        name = request["EndpointName"]
        self._change_capacities(scope, name, request["DesiredWeightsAndCapacities"])
        return {"EndpointArn": arn(scope, KIND, name)}

    def delete_endpoint(self, scope: Scope, request: Request) -> Response:
        with self._lock:
            record = self._records.find_settled(scope, request["EndpointName"])
            deleting = {"EndpointStatus": "Deleting", "LastModifiedTime": now()}
            self._records.save(scope, record | deleting)
        self._deployments.delete(scope, record)
        return {}

    def set_instance_count(self, scope: Scope, name: str, variant_name: str, count: int) -> None:
        """Change the desired instances of a variant, and wait until they serve.

        Raises
        ------
        AwsError
            When that is refused or fails.
        """
        desired = {"VariantName": variant_name, "DesiredInstanceCount": count}
        if reason := self._change_capacities(scope, name, [desired]).result():
            raise validation_exception(reason)

    def find(self, scope: Scope, name: str) -> dict[str, Any]:
        """The endpoint's record.

        Raises
        ------
        AwsError
            When there is none.
        """
        return self._records.find(scope, name)

    def instance_type_of(self, record: dict[str, Any], variant_name: str) -> str:
        """The instance type of a variant that is deployed; empty without one."""
        if DEPLOYED not in record:
            return ""
        types = {variant.name: variant.instance_type for variant in deployed(record).variants}
        return types.get(variant_name, "")

    def _change_capacities(
        self, scope: Scope, name: str, desired: list[dict[str, Any]]
    ) -> "Future[str | None]":
        with self._lock:
            record = self._records.find_in_service(scope, name)
            capacities = capacities_of(record, desired)
            self._records.save(scope, _updating(record, now()))
        return self._deployments.scale(scope, record["EndpointName"], capacities)

    def _specification(self, scope: Scope, name: str, request: Request) -> EndpointSpecification:
        config = self._configs.find(scope, request["EndpointConfigName"])
        return resolve(scope, name, config, self._models)

    def _check_scaled_variants(
        self, scope: Scope, record: Record, specification: EndpointSpecification
    ) -> None:
        """https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling.html."""
        before = {variant.name: variant.instance_type for variant in deployed(record).variants}
        after = {variant.name: variant.instance_type for variant in specification.variants}
        for name in sorted(self._scaled_variants(scope, record["EndpointName"])):
            if name in before and before[name] != after.get(name):
                raise validation_exception(
                    f'Variant {name} of endpoint "{record["EndpointArn"]}" is registered as a '
                    "scalable target; deregister it before you change its instance type or remove "
                    "it."
                )


def _updating(record: Record, moment: float) -> Record:
    return record | {"EndpointStatus": "Updating", "LastModifiedTime": moment}


def _with_deployment_config(record: Record, request: Request) -> Record:
    """With the DeploymentConfig of the request, or the last one where that is to be retained."""
    if "DeploymentConfig" in request:
        return record | {"LastDeploymentConfig": request["DeploymentConfig"]}
    if request.get("RetainDeploymentConfig"):
        return record
    return {member: value for member, value in record.items() if member != "LastDeploymentConfig"}
