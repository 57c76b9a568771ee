"""Removes a stage: what costs most goes first, and one failure stops nothing else.

``cdk destroy`` is enough where the removal policy is DESTROY. This also ends running jobs, and
takes what CloudFormation leaves: what a stack retained, what services wrote beside the stacks.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fleet.console import Console
from fleet.errors import HousingError
from fleet.names import (
    ALL_STACKS,
    JOB_LOG_GROUPS,
    PROJECT,
    endpoint_name,
    preprocessor_url_parameter,
    stack_name,
)
from fleet.project import options_of, spelled

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

ORDER = ("retraining", "hosting", "monitoring", "access", "delivery", "storage")
"""By what they cost; the storage stack is last, for the others use it."""
SHORTEST_POLL, LONGEST_POLL = 0.2, 10.0
KEY_DELETION_DAYS = 7
"""The shortest that KMS allows."""


@dataclass
class Teardown:
    """One removal; ``failures`` gathers what could not be removed, a line each.

    ``profile`` is an AWS profile other than the shell's.
    """

    session: "boto3.Session"
    stage: str
    console: Console
    profile: str | None = None
    failures: list[str] = field(default_factory=list)

    def run(self, *, keep_data: bool) -> None:
        """Remove everything, or with ``keep_data`` all but the storage stack.

        Raises
        ------
        HousingError
            Where a stack is protected, before anything is removed; and at the end, with
            everything that is left.
        """
        parts = ORDER[:-1] if keep_data else ORDER
        names = [stack_name(self.stage, part) for part in parts]
        stacks = {name: stack for name in names if (stack := self._find_stack(name))}
        self._refuse_protected(stacks)
        self._attempt("stop running jobs", self._stop_jobs)
        for name, stack in stacks.items():
            if name == stack_name(self.stage, "storage") and self.failures:
                self.failures.append(f"{name} was kept: what is left above may still use it")
                continue
            self._attempt(f"delete {name}", partial(self._delete_stack, stack))
        if not stacks:
            self.console.say(f"nothing is deployed in stage {self.stage}")
        if self._is_endpoint_left():
            self._attempt("delete an endpoint without a stack", self._delete_endpoint)
        if keep_data:
            self._attempt("delete the endpoint's log group", self._delete_endpoint_logs)
        else:
            self._attempt("delete logs and parameter", self._delete_logs_and_parameter)
        if self.failures:
            lines = "\n".join(f"  - {failure}" for failure in self.failures)
            raise HousingError(f"not everything was removed; run this again:\n{lines}")

    def _attempt(self, what: str, act: Callable[[], object]) -> None:
        """Do one thing; a failure is noted and the next thing done all the same."""
        try:
            with self.console.step(what) as step:
                step.detail = f"{act()}"
        except (ClientError, HousingError) as error:
            self.failures.append(f"{what}: {error}")

    def _client(self, service: str) -> Any:
        return self.session.client(service)  # type: ignore[call-overload]

    def _find_stack(self, name: str) -> "StackTypeDef | None":
        """By its id a deleted stack can still be described.

        Raises
        ------
        ClientError
            CloudFormation refuses.
        """
        try:
            stacks = self._client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return stacks[0] if stacks else None

    def _stop_jobs(self) -> str:
        sagemaker, stopped = self._client("sagemaker"), 0
        for kind in ("Training", "Transform"):
            pages = sagemaker.get_paginator(f"list_{kind.lower()}_jobs").paginate(
                NameContains=f"{PROJECT}-{self.stage}-", StatusEquals="InProgress"
            )
            for page in pages:
                for job in page[f"{kind}JobSummaries"]:
                    name = f"{kind}JobName"
                    stop = getattr(sagemaker, f"stop_{kind.lower()}_job")
                    stop(**{name: job[name]})
                    stopped += 1
        return f"{stopped} stopped"

    def _delete_stack(self, stack: "StackTypeDef") -> str:
        client = self._client("cloudformation")
        stack_id = stack["StackId"]
        emptied = sum(
            empty_bucket(self._client("s3"), bucket)
            for bucket in self._resources(stack_id, "AWS::S3::Bucket")
        )
        client.delete_stack(StackName=stack["StackName"])
        wait = SHORTEST_POLL
        while (now := self._find_stack(stack_id)) and now["StackStatus"] != "DELETE_COMPLETE":
            if now["StackStatus"] == "DELETE_FAILED":
                raise HousingError(now.get("StackStatusReason", "see its events"))
            time.sleep(wait)
            wait = min(1.5 * wait, LONGEST_POLL)
        for kind, identity in self._retained(stack_id):
            self._delete_resource(kind, identity)
        return f"{emptied:,} object versions" if emptied else ""

    def _resources(self, stack_id: str, kind: str) -> list[str]:
        pages = self._client("cloudformation").get_paginator("list_stack_resources")
        return [
            resource["PhysicalResourceId"]
            for page in pages.paginate(StackName=stack_id)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == kind
            and resource["ResourceStatus"] != "DELETE_COMPLETE"
            and resource.get("PhysicalResourceId")
        ]

    def _retained(self, stack_id: str) -> Iterator[tuple[str, str]]:
        """Type and id of what the deletion of a stack left, as its removal policy says."""
        pages = self._client("cloudformation").get_paginator("describe_stack_events")
        for page in pages.paginate(StackName=stack_id):
            for event in page["StackEvents"]:
                if event["ResourceStatus"] == "DELETE_SKIPPED":
                    yield event["ResourceType"], event["PhysicalResourceId"]

    def _delete_resource(self, kind: str, identity: str) -> None:
        match kind:
            case "AWS::S3::Bucket":
                s3 = self._client("s3")
                empty_bucket(s3, identity)
                s3.delete_bucket(Bucket=identity)
            case "AWS::KMS::Key":
                self._client("kms").schedule_key_deletion(
                    KeyId=identity, PendingWindowInDays=KEY_DELETION_DAYS
                )
            case "AWS::DynamoDB::Table":
                self._client("dynamodb").delete_table(TableName=identity)
            case "AWS::Logs::LogGroup":
                self._client("logs").delete_log_group(logGroupName=identity)
            case _:
                raise HousingError(f"{kind} {identity} was retained and has to go by hand")

    def _is_endpoint_left(self) -> bool:
        name = endpoint_name(self.stage)
        found = self._client("sagemaker").list_endpoints(NameContains=name)["Endpoints"]
        statuses = {each["EndpointName"]: each["EndpointStatus"] for each in found}
        return name in statuses and statuses[name] != "Deleting"

    def _delete_endpoint(self) -> str:
        """It costs by the hour, and may have been made by hand or left by a failed deletion."""
        name = endpoint_name(self.stage)
        self._client("sagemaker").delete_endpoint(EndpointName=name)
        return name

    def _delete_endpoint_logs(self) -> int:
        """The next endpoint's stack makes the group, and fails where it is."""
        logs = self._client("logs")
        group = f"/aws/sagemaker/Endpoints/{endpoint_name(self.stage)}"
        try:
            logs.delete_log_group(logGroupName=group)
        except logs.exceptions.ResourceNotFoundException:
            return 0
        return 1

    def _delete_logs_and_parameter(self) -> str:
        ssm, logs = self._client("ssm"), self._client("logs")
        with suppress(ssm.exceptions.ParameterNotFound):
            ssm.delete_parameter(Name=preprocessor_url_parameter(self.stage))
        deleted = self._delete_endpoint_logs()
        prefix = f"/aws/lambda/{PROJECT}-{self.stage}-"
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        for group in [found for page in pages for found in page["logGroups"]]:
            logs.delete_log_group(logGroupName=group["logGroupName"])
            deleted += 1
        for name in JOB_LOG_GROUPS:
            with suppress(logs.exceptions.ResourceNotFoundException):
                pages = logs.get_paginator("describe_log_streams").paginate(
                    logGroupName=name, logStreamNamePrefix=f"{PROJECT}-{self.stage}-"
                )
                for stream in [found for page in pages for found in page["logStreams"]]:
                    logs.delete_log_stream(logGroupName=name, logStreamName=stream["logStreamName"])
                    deleted += 1
        return f"{deleted} log groups and streams"

    def _refuse_protected(self, stacks: "dict[str, StackTypeDef]") -> None:
        protected = [n for n, stack in stacks.items() if stack.get("EnableTerminationProtection")]
        if protected:
            command = f"housing unprotect{options_of(self.stage, self.profile)}"
            raise HousingError(
                f"termination protection is on: {', '.join(protected)};"
                f" to turn it off: {spelled(command)}"
            )


def unprotect(session: "boto3.Session", stage: str, parts: Sequence[str]) -> list[str]:
    """Turn termination protection off; returns the stacks that had it.

    Raises
    ------
    ClientError
        CloudFormation refuses.
    """
    client = session.client("cloudformation")
    named = {stack_name(stage, part) for part in parts or ALL_STACKS}
    protected = [
        stack["StackName"]
        for page in client.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackName"] in named and stack.get("EnableTerminationProtection")
    ]
    for name in protected:
        client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    return protected


def empty_bucket(s3: "S3Client", bucket: str) -> int:
    """Delete every version of every object; returns how many there were.

    Raises
    ------
    HousingError
    """
    count = 0
    # Always the first page: what arrives meanwhile is found too, and no page follows a deleted one.
    while objects := _first_versions(s3, bucket):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for failure in answer.get("Errors", []):
            raise HousingError(f"s3://{bucket}/{failure['Key']}: {failure['Message']}")
        count += len(objects)
    return count


def _first_versions(s3: "S3Client", bucket: str) -> "list[ObjectIdentifierTypeDef]":
    page = s3.list_object_versions(Bucket=bucket)
    found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
