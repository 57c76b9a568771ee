"""Refuses instances beyond the quotas that were set for the account.

Those that nobody set are not counted. The message is SageMaker's own:
https://github.com/aws/amazon-sagemaker-examples/issues/307
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.sagemaker import endpoint_configs, endpoint_records, training_jobs, transform_jobs
from localaws.sagemaker.endpoint_records import DEPLOYED, deployed
from localaws.sagemaker.job_family import UNFINISHED
from localaws.sagemaker.resources import Request
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tuning_requests import resources_of

SetQuota = Callable[[str], int | None]
"""The value that was set for the quota of a name, or None."""

_ENDPOINTS = ("endpoint usage", "Number of instances across active endpoints")
_TRAINING = ("training job usage", "Number of instances across all training jobs")
_TRANSFORM = ("transform job usage", "Number of instances across all transform jobs")
Instances = Counter[str]
"""How many there are of each type."""


class InstanceQuotas:
    """What the account uses and may use; ``check`` is asked before each operation."""

    def __init__(self, store: ResourceStore, set_quota: SetQuota) -> None:
        self._store = store
        self._set_quota = set_quota

    def check(self, scope: Scope, operation: str, request: Request) -> None:
        """Raise ``AwsError`` ResourceLimitExceeded where an operation asks for too much."""
        match operation:
            case "CreateEndpoint" | "UpdateEndpoint":
                config = self._store.get(
                    endpoint_configs.KIND, scope, request.get("EndpointConfigName", "")
                )
                self._refuse(scope, _of_config(config or {}), _ENDPOINTS, self._hosting)
            case "CreateTrainingJob":
                asked = _of_resources(request, "ResourceConfig")
                self._refuse(scope, asked, _TRAINING, self._training)
            case "CreateHyperParameterTuningJob":
                self._refuse(scope, _of_tuning(request), _TRAINING, self._training)
            case "CreateTransformJob":
                asked = _of_resources(request, "TransformResources")
                self._refuse(scope, asked, _TRANSFORM, self._transform)

    def _refuse(
        self,
        scope: Scope,
        asked: Instances,
        kind: tuple[str, str],
        used: Callable[[Scope], Instances],
    ) -> None:
        usage, total = kind
        for instance_type, count in asked.items():
            name = f"{instance_type} for {usage}"
            if (value := self._set_quota(name)) is not None:
                _require(name, value, used(scope)[instance_type], count)
        if (value := self._set_quota(total)) is not None:
            _require(total, value, used(scope).total(), asked.total())

    def _hosting(self, scope: Scope) -> Instances:
        """While it is updated, an endpoint has its new instances beside its old ones."""
        found: Instances = Counter()
        for record in self._store.list(endpoint_records.KIND, scope):
            if DEPLOYED in record:
                types = {v.name: v.instance_type for v in deployed(record).variants}
                for variant in record.get("ProductionVariants", []):
                    count = variant["DesiredInstanceCount"]
                    found[types.get(variant["VariantName"], "")] += count
            else:
                name = record["EndpointConfigName"]
                found += _of_config(self._store.get(endpoint_configs.KIND, scope, name) or {})
        return found

    def _training(self, scope: Scope) -> Instances:
        return self._jobs(scope, training_jobs.KIND, "TrainingJobStatus", "ResourceConfig")

    def _transform(self, scope: Scope) -> Instances:
        return self._jobs(scope, transform_jobs.KIND, "TransformJobStatus", "TransformResources")

    def _jobs(self, scope: Scope, kind: str, status: str, resources: str) -> Instances:
        found: Instances = Counter()
        for record in self._store.members(kind, scope, (status, resources)):
            if record[status] in UNFINISHED:
                found += _of_resources(record, resources)
        return found


def _of_config(config: dict[str, Any]) -> Instances:
    found: Instances = Counter()
    for variant in config.get("ProductionVariants", []):
        found[variant["InstanceType"]] += variant["InitialInstanceCount"]
    return found


def _of_resources(request: dict[str, Any], member: str) -> Instances:
    resources = request[member]
    return Counter({resources.get("InstanceType", ""): resources.get("InstanceCount", 1)})


def _of_tuning(request: dict[str, Any]) -> Instances:
    """Those of the training jobs that it runs at the same time."""
    definition = request.get("TrainingJobDefinition", {})
    limits = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    one = _of_resources({"ResourceConfig": resources_of(definition)}, "ResourceConfig")
    return Counter({kind: n * limits["MaxParallelTrainingJobs"] for kind, n in one.items()})


def _require(name: str, value: int, used: int, asked: int) -> None:
    if used + asked > value:
        raise AwsError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{name}' is {value} Instances, with current"
            f" utilization of {used} Instances and a request delta of {asked} Instances. Please"
            " use AWS Service Quotas to request an increase for this quota.",
        )
