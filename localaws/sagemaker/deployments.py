"""Deployments of endpoints, in the background: from Creating or Updating to what comes of it."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.hosting.endpoint import Capacity
from localaws.hosting.runtime import Runtime
from localaws.hosting.specification import EndpointSpecification
from localaws.hosting.start import DeploymentError
from localaws.sagemaker.endpoint_records import (
    DEPLOYED,
    PENDING,
    EndpointRecords,
    Record,
    deployed,
    summaries,
)
from localaws.sagemaker.resources import now
from localaws.sagemaker.rollback_alarms import RollbackAlarms, alarm_names, baking_seconds
from localaws.sagemaker.tags import Tags

THREADS = 4

logger = logging.getLogger(__name__)


class Deployments:
    """Runs deployments and records how they end. Each method but ``resume`` returns at once."""

    def __init__(
        self, records: EndpointRecords, runtime: Runtime, tags: Tags, alarms: RollbackAlarms
    ) -> None:
        self._records = records
        self._runtime = runtime
        self._tags = tags
        self._alarms = alarms
        self._threads = ThreadPoolExecutor(THREADS, "deploy")

    def create(self, specification: EndpointSpecification) -> None:
        """Creating → InService or Failed."""
        self._threads.submit(self._create, specification)

    def update(self, specification: EndpointSpecification) -> None:
        """Updating → InService, with the old config when the new one does not come up."""
        self._threads.submit(self._update, specification)

    def scale(
        self, scope: Scope, name: str, capacities: dict[str, Capacity]
    ) -> "Future[str | None]":
        """Updating → InService, with other counts and weights; in the end, why it failed."""
        return self._threads.submit(self._scale, scope, name, capacities)

    def delete(self, scope: Scope, record: Record) -> None:
        """Deleting → gone."""
        self._threads.submit(self._delete, scope, record)

    def resume(self) -> None:
        """Take all endpoints up where the last run left them; returns when that is done."""
        list(self._threads.map(lambda item: self._resume(*item), self._records.everywhere()))

    def stop(self) -> None:
        """Wait for deployments that are under way."""
        self._threads.shutdown(wait=True)

    def _create(self, specification: EndpointSpecification) -> None:
        outcome = self._deploy(specification)
        record = self._records.find(specification.scope, specification.name)
        self._records.save(specification.scope, record | outcome)

    def _update(self, specification: EndpointSpecification) -> None:
        record = self._records.find(specification.scope, specification.name)
        outcome = self._deploy(specification, record.get("LastDeploymentConfig"))
        record = self._records.find(specification.scope, specification.name)
        del record[PENDING]
        record.pop("FailureReason", None)
        self._records.save(specification.scope, record | outcome | {"EndpointStatus": "InService"})

    def _scale(self, scope: Scope, name: str, capacities: dict[str, Capacity]) -> str | None:
        record = self._records.find(scope, name)
        try:
            outcome = _serving(self._runtime.scale(scope, record["EndpointName"], capacities))
        except Exception as error:
            outcome = {"FailureReason": _reason(error)}
        changes = {"EndpointStatus": "InService", "LastModifiedTime": now()}
        self._records.save(scope, record | changes | outcome)
        return outcome.get("FailureReason")

    def _delete(self, scope: Scope, record: Record) -> None:
        self._runtime.remove(scope, record["EndpointName"])
        self._records.delete(scope, record)
        self._tags.forget(scope, record["EndpointArn"])

    def _resume(self, scope: Scope, record: Record) -> None:
        if record["EndpointStatus"] == "Failed":
            return
        if record["EndpointStatus"] == "Deleting":
            self._delete(scope, record)
        elif DEPLOYED in record:
            record.pop(PENDING, None)
            self._records.save(scope, record | self._deploy(deployed(record)))
        else:
            reason = "The creation of the endpoint was interrupted."
            failed = {"EndpointStatus": "Failed", "FailureReason": reason}
            self._records.save(scope, record | failed)

    def _deploy(
        self, specification: EndpointSpecification, config: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Deploy; the members of the record that this changes.

        With a DeploymentConfig that names alarms the update is taken back when one goes off.
        """
        try:
            if config and alarm_names(config):
                self._try_out(specification, config)
            else:
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

    def _try_out(self, specification: EndpointSpecification, config: Mapping[str, Any]) -> None:
        fault = self._runtime.try_out(
            specification,
            baking_seconds(config),
            lambda: self._alarms.fault(specification, config),
        )
        if fault is not None:
            raise DeploymentError(fault)


def _serving(specification: EndpointSpecification) -> dict[str, Any]:
    return {
        "EndpointConfigName": specification.config_name,
        "ProductionVariants": summaries(specification),
        DEPLOYED: specification.to_json(),
    }


def _reason(error: Exception) -> str:
    if isinstance(error, DeploymentError | AwsError):
        return str(error)
    logger.exception("a deployment failed")
    return f"Internal error: {error}"
