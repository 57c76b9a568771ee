"""Endpoints: their states, and the deployments behind them.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localaws.backend import Scope
from localaws.control_plane.endpoint_configs import EndpointConfigs
from localaws.control_plane.endpoint_variants import (
    capacities_of,
    pending_summaries,
    resolve,
    retain_properties,
    summaries,
)
from localaws.control_plane.listing import Listing
from localaws.control_plane.models import Models
from localaws.control_plane.resources import (
    Request,
    ResourceFamily,
    Response,
    arn,
    now,
    validation_exception,
)
from localaws.control_plane.scalable_targets import scaled_variants
from localaws.control_plane.store import ResourceStore
from localaws.control_plane.tags import Tags
from localaws.errors import AwsError
from localaws.hosting.fleet import DeploymentError
from localaws.hosting.gauges import SIMULATED_METRICS
from localaws.hosting.runtime import FLUSH_SECONDS, Capacity, Runtime
from localaws.hosting.specification import EndpointSpecification

KIND = "endpoint"
LISTING = Listing(member="Endpoints", name="EndpointName", status="EndpointStatus")
IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
DEPLOYING_THREADS = 4
# Kept beside the members that DescribeEndpoint answers.
DEPLOYED = "_deployed"
PENDING = "PendingDeploymentSummary"
# What clients should know of metrics here and cannot learn from any other operation.
ENVIRONMENT_TAGS = (
    {"Key": "metrics-period-seconds", "Value": f"{FLUSH_SECONDS:g}"},
    {"Key": "simulated-metrics", "Value": " ".join(SIMULATED_METRICS)},
)

logger = logging.getLogger(__name__)


class Endpoints(ResourceFamily):
    """Create, Describe, List, Update and DeleteEndpoint, UpdateEndpointWeightsAndCapacities.

    An endpoint's record keeps the specification that it serves, so that it survives the deletion of
    its config and models, and a restart.
    """

    def __init__(
        self,
        store: ResourceStore,
        models: Models,
        configs: EndpointConfigs,
        runtime: Runtime,
        tags: Tags,
    ) -> None:
        self._store = store
        self._models = models
        self._configs = configs
        self._runtime = runtime
        self._tags = tags
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(DEPLOYING_THREADS, "deploy")

    def start(self) -> None:
        """Bring the endpoints of an earlier run back into service."""
        records = [
            (scope, record)
            for scope in self._store.scopes(KIND)
            for record in self._store.list(KIND, scope)
        ]
        list(self._threads.map(lambda item: self._resume(*item), records))

    def stop(self) -> None:
        """Wait for deployments that are under way."""
        self._threads.shutdown(wait=True)

    def create_endpoint(self, scope: Scope, request: Request) -> Response:
        name = request["EndpointName"]
        endpoint_arn = arn(scope, KIND, name)
        with self._lock:
            if self._store.get(KIND, scope, name.lower()) is not None:
                raise validation_exception(
                    f'Cannot create already existing endpoint "{endpoint_arn}".'
                )
            specification = self._specification(scope, name, request)
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
            if "DeploymentConfig" in request:
                record["LastDeploymentConfig"] = request["DeploymentConfig"]
            self._save(scope, record)
        self._threads.submit(self._create, scope, name, specification)
        return {"EndpointArn": endpoint_arn}

    def describe_endpoint(self, scope: Scope, request: Request) -> Response:
        record = self.find(scope, request["EndpointName"])
        return {key: value for key, value in record.items() if not key.startswith("_")}

    def list_endpoints(self, scope: Scope, request: Request) -> Response:
        members = (
            "EndpointName",
            "EndpointArn",
            "EndpointStatus",
            "CreationTime",
            "LastModifiedTime",
        )
        summaries = [
            {key: record[key] for key in members} for record in self._store.list(KIND, scope)
        ]
        return LISTING.page(summaries, request)

    def update_endpoint(self, scope: Scope, request: Request) -> Response:
        name = request["EndpointName"]
        with self._lock:
            record = self._settled(scope, name)
            specification = self._specification(scope, record["EndpointName"], request)
            self._check_scaled_variants(scope, record, specification)
            if request.get("RetainAllVariantProperties"):
                specification = retain_properties(specification, record, request)
            pending = {
                "EndpointConfigName": specification.config_name,
                "ProductionVariants": pending_summaries(specification),
                "StartTime": now(),
            }
            changes = {
                "EndpointStatus": "Updating",
                "LastModifiedTime": now(),
                PENDING: pending,
            }
            self._save(scope, record | changes)
        self._threads.submit(self._update, scope, name, specification)
        return {"EndpointArn": record["EndpointArn"]}

    def update_endpoint_weights_and_capacities(self, scope: Scope, request: Request) -> Response:
        name = request["EndpointName"]
        with self._lock:
            record = self._settled(scope, name)
            capacities = capacities_of(record, request["DesiredWeightsAndCapacities"])
            self._save(scope, record | {"EndpointStatus": "Updating", "LastModifiedTime": now()})
        self._threads.submit(self._scale, scope, name, capacities)
        return {"EndpointArn": record["EndpointArn"]}

    def delete_endpoint(self, scope: Scope, request: Request) -> Response:
        name = request["EndpointName"]
        with self._lock:
            record = self.find(scope, name)
            if record["EndpointStatus"] in IN_PROGRESS:
                raise _in_progress(record)
            self._save(scope, record | {"EndpointStatus": "Deleting", "LastModifiedTime": now()})
        self._threads.submit(self._delete, scope, record)
        return {}

    def find(self, scope: Scope, name: str) -> dict[str, Any]:
        """The endpoint's record; raises ``AwsError`` when there is none."""
        record = self._store.get(KIND, scope, name.lower())
        if record is None:
            raise validation_exception(f'Could not find endpoint "{arn(scope, KIND, name)}".')
        return record

    def _settled(self, scope: Scope, name: str) -> dict[str, Any]:
        """The record of an endpoint that may be changed."""
        record = self.find(scope, name)
        if record["EndpointStatus"] in IN_PROGRESS:
            raise _in_progress(record)
        if record["EndpointStatus"] != "InService":
            raise validation_exception(
                f'Cannot update endpoint "{record["EndpointArn"]}" with status '
                f"{record['EndpointStatus']}; delete it and create it anew."
            )
        return record

    def _specification(self, scope: Scope, name: str, request: Request) -> EndpointSpecification:
        config = self._configs.find(scope, request["EndpointConfigName"])
        return resolve(scope, name, config, self._models)

    def _check_scaled_variants(
        self, scope: Scope, record: dict[str, Any], specification: EndpointSpecification
    ) -> None:
        """https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling.html."""
        before = {variant.name: variant.instance_type for variant in _deployed(record).variants}
        after = {variant.name: variant.instance_type for variant in specification.variants}
        for name in sorted(scaled_variants(self._store, scope, record["EndpointName"])):
            if name in before and before[name] != after.get(name):
                raise validation_exception(
                    f'Variant {name} of endpoint "{record["EndpointArn"]}" is registered as a '
                    "scalable target; deregister it before you change its instance type or remove "
                    "it."
                )

    def _save(self, scope: Scope, record: dict[str, Any]) -> None:
        self._store.put(KIND, scope, record["EndpointName"].lower(), record)

    def _create(self, scope: Scope, name: str, specification: EndpointSpecification) -> None:
        record = self.find(scope, name)
        self._save(scope, record | self._deploy(specification))

    def _update(self, scope: Scope, name: str, specification: EndpointSpecification) -> None:
        """A deployment that fails leaves the endpoint in service with its old config."""
        outcome = self._deploy(specification)
        record = self.find(scope, name)
        record.pop(PENDING, None)
        if outcome["EndpointStatus"] == "Failed":
            outcome["EndpointStatus"] = "InService"
        else:
            record.pop("FailureReason", None)
        self._save(scope, record | outcome)

    def _scale(self, scope: Scope, name: str, capacities: dict[str, Capacity]) -> None:
        record = self.find(scope, name)
        outcome: dict[str, Any] = {"EndpointStatus": "InService", "LastModifiedTime": now()}
        try:
            specification = self._runtime.scale(scope, record["EndpointName"], capacities)
        except Exception as error:
            outcome["FailureReason"] = _reason(error)
        else:
            outcome |= _serving(specification)
        self._save(scope, record | outcome)

    def _delete(self, scope: Scope, record: dict[str, Any]) -> None:
        self._runtime.remove(scope, record["EndpointName"])
        self._store.delete(KIND, scope, record["EndpointName"].lower())
        self._tags.forget(scope, record["EndpointArn"])

    def _resume(self, scope: Scope, record: dict[str, Any]) -> None:
        """Take one endpoint up where the last run left it."""
        if record["EndpointStatus"] == "Failed":
            return
        if record["EndpointStatus"] == "Deleting":
            self._delete(scope, record)
        elif DEPLOYED in record:
            record.pop(PENDING, None)
            self._save(scope, record | self._deploy(_deployed(record)))
        else:
            reason = "The creation of the endpoint was interrupted."
            self._save(scope, record | {"EndpointStatus": "Failed", "FailureReason": reason})

    def _deploy(self, specification: EndpointSpecification) -> dict[str, Any]:
        """Deploy; the members of the record that this changes."""
        try:
            self._runtime.deploy(specification)
        except Exception as error:
            return {
                "EndpointStatus": "Failed",
                "FailureReason": _reason(error),
                "LastModifiedTime": now(),
            }
        return {
            "EndpointStatus": "InService",
            "LastModifiedTime": now(),
            **_serving(specification),
        }


def _serving(specification: EndpointSpecification) -> dict[str, Any]:
    return {
        "EndpointConfigName": specification.config_name,
        "ProductionVariants": summaries(specification),
        DEPLOYED: specification.to_json(),
    }


def _deployed(record: dict[str, Any]) -> EndpointSpecification:
    return EndpointSpecification.from_json(record[DEPLOYED])


def _in_progress(record: dict[str, Any]) -> AwsError:
    return validation_exception(f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')


def _reason(error: Exception) -> str:
    if isinstance(error, DeploymentError | AwsError):
        return str(error)
    logger.exception("a deployment failed")
    return f"Internal error: {error}"
