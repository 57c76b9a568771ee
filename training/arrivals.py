"""A file below ``incoming/`` on its way to a model that serves."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fleet.errors import HousingError
from fleet.names import Prefix, stack_name
from fleet.versions import City
from training.table import Table
from training.workspace import Workspace

if TYPE_CHECKING:
    import boto3

LONGEST_WAIT_SECONDS = 1800
"""A training job on AWS waits for its instance for some minutes."""


@dataclass(frozen=True)
class Arrival:
    """A city's file that was dropped into the bucket, and when."""

    city: str
    dropped: datetime

    @classmethod
    def drop(cls, workspace: Workspace, city: str, table: Table) -> "Arrival":
        """Put the rows below ``incoming/``."""
        dropped = datetime.now(UTC)
        workspace.write(f"{Prefix.INCOMING}{city}.csv", table.to_csv().encode())
        return cls(city, dropped)

    def wait_until_served(self, session: "boto3.Session", workspace: Workspace) -> City:
        """The city's item of the registry, once a version serves.

        Raises
        ------
        HousingError
            Where a run failed, or none came to an end in time.
        """
        states = session.client("stepfunctions")
        machine = _state_machine(session, workspace.stage)
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < deadline:
            city = workspace.registry.city(self.city)
            if city is not None and city.serving is not None:
                return city
            failed = states.list_executions(stateMachineArn=machine, statusFilter="FAILED")
            for execution in failed["executions"]:
                if execution["startDate"] >= self.dropped:
                    told = states.describe_execution(executionArn=execution["executionArn"])
                    raise HousingError(f"the retraining run failed: {told.get('cause')}")
            time.sleep(0.5)
        raise HousingError(f"{self.city} does not serve after {LONGEST_WAIT_SECONDS} seconds")

    def seconds_until(self, city: City) -> float:
        """From the file's arrival to the moment since which the version serves."""
        return (datetime.fromisoformat(city.since or "") - self.dropped).total_seconds()


def _state_machine(session: "boto3.Session", stage: str) -> str:
    name = stack_name(stage, "retraining")
    stacks = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[0].get("Outputs", [])}
    return outputs["StateMachineArn"]
