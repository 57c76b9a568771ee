"""What stands in the way of a deployment, found before anything is paid."""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fleet.checks import Finding, failed, passed, warned
from fleet.config import REGIONS_WITHOUT_RESOURCE_TYPES, DeploymentConfig
from fleet.deployment import Deployment
from fleet.names import ALL_STACKS, Prefix, endpoint_name, stack_name
from fleet.project import cdk_command, in_project, options_of, project_folder, spelled
from fleet.quotas import CONSOLE, Need, Quota, judge, needs, read_quotas

if TYPE_CHECKING:
    import boto3

CDK_VERSION = "2.1148.1"
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = 6
"""What aws-cdk-lib's stack synthesizer asks for."""
STUCK = re.compile(r"(ROLLBACK_COMPLETE|ROLLBACK_FAILED|DELETE_FAILED)$")
SECONDS = 30


@dataclass(frozen=True)
class Doctor:
    """The checks of one stage; ``image_of`` raises ``HousingError`` for a region without images."""

    session: "boto3.Session"
    deployment: Deployment
    config: DeploymentConfig
    image_of: Callable[[str], str]

    @property
    def checks(self) -> Mapping[str, Callable[[], Finding]]:
        """By name, in the order in which a first deployment would meet them."""
        return {
            "Python": _python,
            "cdk CLI": _cdk,
            "credentials": self._credentials,
            "region": self._region,
            "bootstrap": self._bootstrap,
            **{f"quota of {need.quota}": partial(self._quota, need) for need in needs(self.config)},
            "stacks": self._stacks,
            "leftovers": self._leftovers,
            "preprocessor": self._preprocessor,
            "models": self._models,
        }

    def _client(self, service: str) -> Any:
        return self.session.client(service)  # type: ignore[call-overload]

    def _credentials(self) -> Finding:
        identity = self._client("sts").get_caller_identity()
        account, arn = identity["Account"], identity["Arn"]
        if self.config.account not in (None, account):
            return failed(
                f"account {account}; the config of the stage says {self.config.account}",
                "choose another profile with --profile or AWS_PROFILE",
            )
        return passed(arn)

    def _region(self) -> Finding:
        region = self.session.region_name
        if self.config.region not in (None, region):
            return failed(
                f"{region}; the config of the stage says {self.config.region}",
                f"export AWS_REGION={self.config.region}",
            )
        if region in REGIONS_WITHOUT_RESOURCE_TYPES:
            return failed(
                f"{region} has no AWS::SageMaker resource types for CloudFormation",
                "choose another region",
            )
        self.image_of(region)
        return passed(region)

    def _bootstrap(self) -> Finding:
        account = self._client("sts").get_caller_identity()["Account"]
        command = self._cdk("bootstrap", f"aws://{account}/{self.session.region_name}")
        ssm = self._client("ssm")
        try:
            bootstrapped = int(ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return failed("this account and region were never bootstrapped", command)
        if bootstrapped < BOOTSTRAP_VERSION:
            return failed(f"version {bootstrapped}; {BOOTSTRAP_VERSION} is needed", command)
        return passed(f"version {bootstrapped}")

    def _quota(self, need: Need) -> Finding:
        try:
            return judge(need, self._quotas, self._housing("doctor --request-quotas"))
        except (BotoCoreError, ClientError) as error:
            return warned(f"not known: {' '.join(str(error).split())}", f"look it up: {CONSOLE}")

    @cached_property
    def _quotas(self) -> Mapping[str, Quota]:
        return read_quotas(self.session)

    def _stacks(self) -> Finding:
        pages = self._client("cloudformation").get_paginator("describe_stacks").paginate()
        names = [stack_name(self.deployment.stage, part) for part in ALL_STACKS]
        found = {
            stack["StackName"]: stack["StackStatus"]
            for page in pages
            for stack in page["Stacks"]
            if stack["StackName"] in names and stack["StackStatus"] != "DELETE_COMPLETE"
        }
        stuck = {name: status for name, status in found.items() if _is_stuck(status)}
        if stuck:
            name, status = next(iter(stuck.items()))
            again = "rollback" if status == "UPDATE_ROLLBACK_FAILED" else "destroy"
            return failed(f"{name} is {status}", f"{self._cdk(again, name)}, then deploy it again")
        return passed(f"{len(found)} deployed" if found else "none deployed yet")

    def _leftovers(self) -> Finding:
        """What an earlier deployment left under the names that the next one wants."""
        if self.deployment.endpoint_name is not None:
            return passed("the stage is deployed")
        name = endpoint_name(self.deployment.stage)
        endpoints = self._client("sagemaker").list_endpoints(NameContains=name)["Endpoints"]
        if any(endpoint["EndpointName"] == name for endpoint in endpoints):
            return failed(
                f"endpoint {name} exists and belongs to no stack",
                self._housing("teardown --keep-data"),
            )
        group = f"/aws/sagemaker/Endpoints/{name}"
        groups = self._client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        if any(found["logGroupName"] == group for found in groups):
            return failed(
                f"log group {group} exists and belongs to no stack",
                self._housing("teardown --keep-data"),
            )
        return passed("none")

    def _preprocessor(self) -> Finding:
        if self.deployment.bucket_name is None:
            return warned("nothing is stored yet", self._first_steps)
        ssm, s3 = self._client("ssm"), self._client("s3")
        parameter = self.deployment.preprocessor_parameter
        try:
            url = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return failed("none is published; hosting would not deploy", self._train)
        bucket, _, key = url.removeprefix("s3://").partition("/")
        try:
            s3.head_object(Bucket=bucket, Key=key)
        except ClientError:
            return failed(f"{url} of {parameter} is not there", self._train)
        return passed(url)

    def _models(self) -> Finding:
        if self.deployment.bucket_name is None:
            return warned("nothing is stored yet", self._first_steps)
        page = self._client("s3").list_objects_v2(
            Bucket=self.deployment.bucket_name, Prefix=Prefix.MODELS, MaxKeys=1000
        )
        if not page.get("Contents"):
            return failed("none is published; hosting would not deploy", self._train)
        return passed(f"{page['KeyCount']}{' or more' if page['IsTruncated'] else ''} objects")

    @property
    def _train(self) -> str:
        return self._housing("train")

    @property
    def _first_steps(self) -> str:
        return f"{self.deployment.deploy_command('storage')}, then {self._train}"

    def _housing(self, command: str) -> str:
        chosen = options_of(self.deployment.stage, self.deployment.profile)
        return spelled(f"housing {command}{chosen}")

    def _cdk(self, *arguments: str) -> str:
        return cdk_command(self.deployment.stage, *arguments, profile=self.deployment.profile)


def _is_stuck(status: str) -> bool:
    return bool(STUCK.search(status)) and not status.startswith("UPDATE_ROLLBACK_COMPLETE")


def _python() -> Finding:
    return passed(f"{sys.version.split()[0]}, aws-cdk-lib {version('aws-cdk-lib')}")


def _cdk() -> Finding:
    program = project_folder() / "node_modules" / ".bin" / "cdk"
    if not program.exists():
        return failed(f"{program} is missing", in_project("make setup"))
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
    try:
        done = subprocess.run(
            [str(program), "--version"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return warned(f"it did not answer within {SECONDS} s")
    found = done.stdout.split()[0] if done.returncode == 0 and done.stdout else "broken"
    if found != CDK_VERSION:
        return failed(f"{found}; {CDK_VERSION} is needed", in_project("make setup"))
    return passed(found)
