"""Proves a deployment from outside, as its callers see it; what one runs first on an account."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fleet.cache.metrics import INVOCATION_NAMESPACE
from fleet.checks import Checked, Finding, Outcome, failed, passed, warned
from fleet.deployment import Deployment
from fleet.names import STACKS, Prefix, stack_name

if TYPE_CHECKING:
    import boto3

METRICS_SECONDS = 300
"""CloudWatch shows invocations after a minute or two."""
ABSENT = "NoSuchCity/NoSuchCity.tar.gz"
OTHER_CITY = "SomeOtherCity/SomeOtherCity.tar.gz"
DENIED = ("AccessDenied", "AccessDeniedException")


@dataclass(frozen=True)
class Smoke:
    """The checklist of one deployed stage; ``row`` is a CSV row of features."""

    session: "boto3.Session"
    deployment: Deployment
    row: bytes
    metrics_seconds: float = METRICS_SECONDS

    @property
    def checks(self) -> Mapping[str, Callable[[], Finding]]:
        """By name, in the order in which they are made."""
        return {
            "stacks are complete": self._stacks,
            "the bucket is private, versioned and encrypted": self._bucket,
            "the endpoint is in service": self._endpoint,
            "a model answers": self._answers,
            "the second answer is warm": self._warm,
            "without a target model it is refused": self._no_target_model,
            "a target model that is not there is refused": self._absent_target_model,
            "a restricted role is denied another's model": self._restricted_roles,
            "a tenant's session is denied another's model": self._tenant,
            "logs arrive": self._logs,
            "metrics arrive": self._metrics,
            "alarms are quiet": self._alarms,
        }

    def _client(self, service: str, session: "boto3.Session | None" = None) -> Any:
        return (session or self.session).client(service)  # type: ignore[call-overload]

    @cached_property
    def _target_model(self) -> str:
        """Any published model."""
        pages = (
            self._client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.deployment.require("bucket_name"), Prefix=Prefix.MODELS)
        )
        keys = (item["Key"] for page in pages for item in page.get("Contents", []))
        found = next((key for key in keys if key.endswith(".tar.gz")), None)
        return found.removeprefix(Prefix.MODELS) if found else ABSENT

    def _invoke(self, target_model: str | None, session: "boto3.Session | None" = None) -> str:
        target = {"TargetModel": target_model} if target_model else {}
        answer = self._client("sagemaker-runtime", session).invoke_endpoint(
            EndpointName=self.deployment.require("endpoint_name"),
            ContentType="text/csv",
            Body=self.row,
            **target,
        )
        body: bytes = answer["Body"].read()
        return body.decode()

    def _stacks(self) -> Finding:
        client = self._client("cloudformation")
        statuses = {}
        for part in STACKS:
            name = stack_name(self.deployment.stage, part)
            statuses[name] = client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        bad = {name: s for name, s in statuses.items() if not s.endswith("_COMPLETE")}
        bad |= {name: s for name, s in statuses.items() if s == "ROLLBACK_COMPLETE"}
        if bad:
            return failed(json.dumps(bad), "cdk deploy them again")
        return passed(f"{len(statuses)} stacks")

    def _bucket(self) -> Finding:
        s3, bucket = self._client("s3"), self.deployment.require("bucket_name")
        versioning = s3.get_bucket_versioning(Bucket=bucket).get("Status")
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
        algorithm = rules["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
        closed = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        if versioning != "Enabled" or algorithm != "aws:kms" or not all(closed.values()):
            return failed(f"{versioning}, {algorithm}, {closed}", "cdk deploy the storage stack")
        return passed(bucket)

    def _endpoint(self) -> Finding:
        name = self.deployment.require("endpoint_name")
        described = self._client("sagemaker").describe_endpoint(EndpointName=name)
        if described["EndpointStatus"] != "InService":
            reason = described.get("FailureReason", "")
            return failed(f"{described['EndpointStatus']} {reason}", "see its logs")
        if reason := described.get("FailureReason"):
            return failed(f"its last update was taken back: {reason}", "deploy hosting again")
        [variant] = described["ProductionVariants"]
        return passed(f"{name}, {variant['CurrentInstanceCount']} instances")

    def _answers(self) -> Finding:
        began = time.perf_counter()
        answer = self._invoke(self._target_model)
        score = json.loads(answer)["predictions"][0]["score"]
        milliseconds = 1000 * (time.perf_counter() - began)
        return passed(f"{self._target_model}: {score:,.0f} after {milliseconds:,.0f} ms")

    def _warm(self) -> Finding:
        began = time.perf_counter()
        self._invoke(self._target_model)
        return passed(f"{1000 * (time.perf_counter() - began):,.0f} ms")

    def _no_target_model(self) -> Finding:
        return self._refused(None, ("ValidationError",))

    def _absent_target_model(self) -> Finding:
        return self._refused(ABSENT, ("ValidationError", "ModelError"))

    def _refused(
        self, target: str | None, codes: Sequence[str], session: "boto3.Session | None" = None
    ) -> Finding:
        try:
            answer = self._invoke(target, session)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in codes:
                return passed(code)
            return failed(f"{code}: {error.response['Error']['Message']}", f"expected: {codes[0]}")
        return failed(f"it was answered: {answer[:80]}", f"expected: {codes[0]}")

    def _restricted_roles(self) -> Finding:
        roles = sorted(self.deployment.role_arns.items())
        if not roles:
            return warned("the config has no restricted role")
        name, arn = roles[0]
        denied = self._refused(OTHER_CITY, DENIED, self._session_as(arn))
        return denied if denied.outcome is Outcome.FAILED else passed(f"{name}: {denied.detail}")

    def _tenant(self) -> Finding:
        arn = self.deployment.require("tenant_role_arn")
        city = self._target_model.partition("/")[0]
        session = self._session_as(arn, Tags=[{"Key": "City", "Value": city}])
        self._invoke(self._target_model, session)
        denied = self._refused(OTHER_CITY, DENIED, session)
        return denied if denied.outcome is Outcome.FAILED else passed(f"{city}: {denied.detail}")

    def _session_as(self, role_arn: str, **request: Any) -> "boto3.Session":
        keys = self._client("sts").assume_role(
            RoleArn=role_arn, RoleSessionName="smoke", **request
        )["Credentials"]
        import boto3

        # The profile's other settings, its endpoint_url among them, stay as they are.
        import botocore.session

        inner = botocore.session.Session(profile=self.session.profile_name)
        inner.set_credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        return boto3.Session(botocore_session=inner, region_name=self.session.region_name)

    def _logs(self) -> Finding:
        group = f"/aws/sagemaker/Endpoints/{self.deployment.require('endpoint_name')}"
        client = self._client("logs")
        return self._awaited(
            lambda: len(client.describe_log_streams(logGroupName=group)["logStreams"]),
            f"streams in {group}",
        )

    def _metrics(self) -> Finding:
        client = self._client("cloudwatch")
        dimensions = [
            {"Name": "EndpointName", "Value": self.deployment.require("endpoint_name")},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ]

        def invocations() -> float:
            now = datetime.now(UTC)
            points = client.get_metric_statistics(
                Namespace=INVOCATION_NAMESPACE,
                MetricName="Invocations",
                Dimensions=dimensions,
                StartTime=now - timedelta(minutes=15),
                EndTime=now + timedelta(minutes=1),
                Period=60,
                Statistics=["Sum"],
            )["Datapoints"]
            return float(sum(point["Sum"] for point in points))

        return self._awaited(invocations, "invocations in CloudWatch")

    def _awaited(self, count: Callable[[], float], what: str) -> Finding:
        deadline = time.monotonic() + self.metrics_seconds
        while (found := count()) == 0 and time.monotonic() < deadline:
            time.sleep(min(5.0, self.metrics_seconds / 10))
        if found == 0:
            return failed(f"none within {self.metrics_seconds:.0f} s", "see the execution role")
        return passed(f"{found:,.0f} {what}")

    def _alarms(self) -> Finding:
        prefix = f"{self.deployment.require('endpoint_name')}-"
        pages = self._client("cloudwatch").get_paginator("describe_alarms")
        alarms = [
            alarm
            for page in pages.paginate(AlarmNamePrefix=prefix)
            for alarm in page["MetricAlarms"]
        ]
        off = [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]
        if off:
            return failed(", ".join(off), "see the dashboard")
        if not any(alarm.get("AlarmActions") for alarm in alarms):
            return warned(f"{len(alarms)} alarms, which reach nobody", "alarmEmails in cdk.json")
        return passed(f"{len(alarms)} alarms")


def report(made: Sequence[Checked], deployment: Deployment) -> str:
    """What the checks found, as a page to keep."""
    lines = [
        f"# Smoke test of stage {deployment.stage} in {deployment.region}",
        "",
        datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "",
        "| check | outcome | found | seconds |",
        "|---|---|---|---:|",
    ]
    for checked in made:
        detail = checked.finding.detail.replace("|", "\\|")
        lines.append(
            f"| {checked.name} | {checked.finding.outcome} | {detail} | {checked.seconds:.2f} |"
        )
    return "\n".join(lines) + "\n"
