"""What is kept of each endpoint: the members that DescribeEndpoint answers, and some of our own."""

from collections.abc import Iterator
from typing import Any

from localaws.backend import Scope
from localaws.control_plane.resources import arn, validation_exception
from localaws.control_plane.store import ResourceStore
from localaws.hosting.specification import EndpointSpecification

KIND = "endpoint"
IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
# What the endpoint serves. With it, it survives the deletion of its config and models, and a
# restart. Names with an underscore are not shown to clients.
DEPLOYED = "_deployed"
PENDING = "PendingDeploymentSummary"

Record = dict[str, Any]


class EndpointRecords:
    """The records of endpoints; a name finds its record in any case."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    def exists(self, scope: Scope, name: str) -> bool:
        """Whether the name is taken."""
        return self._store.get(KIND, scope, name.lower()) is not None

    def find(self, scope: Scope, name: str) -> Record:
        """The endpoint's record; raises ``AwsError`` when there is none."""
        record = self._store.get(KIND, scope, name.lower())
        if record is None:
            raise validation_exception(f'Could not find endpoint "{arn(scope, KIND, name)}".')
        return record

    def find_settled(self, scope: Scope, name: str) -> Record:
        """The record of an endpoint of which no deployment is under way."""
        record = self.find(scope, name)
        if record["EndpointStatus"] in IN_PROGRESS:
            raise validation_exception(
                f'Cannot update in-progress endpoint "{record["EndpointArn"]}".'
            )
        return record

    def find_in_service(self, scope: Scope, name: str) -> Record:
        """The record of an endpoint that may be changed."""
        record = self.find_settled(scope, name)
        if record["EndpointStatus"] != "InService":
            raise validation_exception(
                f'Cannot update endpoint "{record["EndpointArn"]}" with status '
                f"{record['EndpointStatus']}; delete it and create it anew."
            )
        return record

    def list(self, scope: Scope) -> list[Record]:
        """All records of a scope."""
        return self._store.list(KIND, scope)

    def everywhere(self) -> Iterator[tuple[Scope, Record]]:
        """All records, with their scopes."""
        for scope in self._store.scopes(KIND):
            for record in self._store.list(KIND, scope):
                yield scope, record

    def save(self, scope: Scope, record: Record) -> None:
        """Add or replace a record."""
        self._store.put(KIND, scope, record["EndpointName"].lower(), record)

    def delete(self, scope: Scope, record: Record) -> None:
        """Remove a record."""
        self._store.delete(KIND, scope, record["EndpointName"].lower())


def deployed(record: Record) -> EndpointSpecification:
    """What an endpoint that was in service once serves."""
    return EndpointSpecification.from_json(record[DEPLOYED])
