"""The deployed access stack, in front of an endpoint that answers what it is sent."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from fleet.deployment import Deployment, find_deployment
from localaws.testing import LocalAws
from localaws.testing.memory import model_archive
from localaws.testing.stacks import ECHO
from tests.local.access.http import Answer, SignedInvocation, sign_invocation
from tests.local.conftest import StageOf, StartLocalAws

NEW_YORK = "NewYork_NY/NewYork_NY.tar.gz"
CHICAGO = "Chicago_IL/Chicago_IL.tar.gz"
LOOKALIKE = "NewYork_NYC/x.tar.gz"
ENDPOINT = "housing-dev"
BUCKET = "access-test-models"


@dataclass(frozen=True)
class Access:
    """The server, what is deployed there, and ways to act as somebody."""

    aws: LocalAws
    deployment: Deployment
    _sessions: dict[str, boto3.Session] = field(default_factory=dict)

    def role(self, name: str) -> boto3.Session:
        """A session of a restricted role, opened once."""
        if name not in self._sessions:
            self._sessions[name] = self.aws.session_as(self.deployment.role_arn(name))
        return self._sessions[name]

    def tenant(self, *tags: tuple[str, str], **request: Any) -> boto3.Session:
        """A session of the tenants' role with session tags."""
        passed = [{"Key": key, "Value": value} for key, value in tags]
        arn = self.deployment.require("tenant_role_arn")
        return self.aws.session_as(arn, Tags=passed, **request)

    def sign(self, session: boto3.Session, *target_models: str) -> SignedInvocation:
        return sign_invocation(session, self.aws.endpoint_url, target_models=target_models)

    @property
    def log(self) -> str:
        """The access log so far; it is written every second."""
        return self.aws.state.access_log.read_text()


def invoke(session: boto3.Session, target_model: str | None, endpoint: str = ENDPOINT) -> Answer:
    """Invoke through boto3, as a client would."""
    target: dict[str, Any] = {} if target_model is None else {"TargetModel": target_model}
    runtime = session.client("sagemaker-runtime")
    return outcome(
        lambda: runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Body=b"1", **target
        )
    )


def outcome(call: Callable[[], object]) -> Answer:
    """What a boto3 call came to."""
    try:
        call()
    except ClientError as error:
        details = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return Answer(status, details["Code"], details["Message"])
    return Answer(200, "", "")


@pytest.fixture(scope="session")
def access(
    start_with_storage: StartLocalAws, dev: StageOf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Access]:
    """A server with the access stack, deployed by the real CLI, and the endpoint."""
    directory = tmp_path_factory.mktemp("access")
    aws = start_with_storage(directory / "state")
    try:
        dev(aws).deploy("access")
        session = aws.session()
        _create_endpoint(session)
        yield Access(aws, find_deployment(session, "dev"))
    finally:
        aws.stop()


def _create_endpoint(session: boto3.Session) -> None:
    s3, iam, sagemaker = session.client("s3"), session.client("iam"), session.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    for model in (NEW_YORK, CHICAGO, LOOKALIKE):
        s3.put_object(Bucket=BUCKET, Key=f"models/{model}", Body=model_archive())
    role = iam.create_role(
        RoleName="access-test-hosting",
        AssumeRolePolicyDocument=_document(
            Action="sts:AssumeRole", Principal={"Service": "sagemaker.amazonaws.com"}
        ),
    )["Role"]
    iam.put_role_policy(
        RoleName="access-test-hosting",
        PolicyName="read-models",
        PolicyDocument=_document(
            Action=["s3:GetObject", "s3:ListBucket", "ecr:*", "logs:*"], Resource="*"
        ),
    )
    sagemaker.create_model(
        ModelName="access-test",
        ExecutionRoleArn=role["Arn"],
        PrimaryContainer={
            "Image": ECHO,
            "Mode": "MultiModel",
            "ModelDataUrl": f"s3://{BUCKET}/models/",
        },
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName="access-test",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": "access-test",
                "InstanceType": "ml.m5.xlarge",
                "InitialInstanceCount": 1,
            }
        ],
    )
    for name in (ENDPOINT, f"{ENDPOINT}-2"):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="access-test")
        waiter = sagemaker.get_waiter("endpoint_in_service")
        waiter.wait(EndpointName=name, WaiterConfig={"Delay": 1})


def _document(**elements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **elements}})
