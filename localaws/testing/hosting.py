"""Endpoints of a test: a bucket with models, roles, and a pipeline of echoes."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import boto3

from localaws.testing.memory import model_archive
from localaws.testing.stacks import ECHO

DEADLINE_SECONDS = 60


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll until ``condition`` holds.

    Raises
    ------
    TimeoutError
        It did not within a minute; the message names ``what``.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.05)


@dataclass(frozen=True)
class Resources:
    """Clients, and a bucket and a role of a test's own."""

    session: boto3.Session
    bucket: str
    role_arn: str

    @property
    def sagemaker(self) -> Any:
        return self.session.client("sagemaker")

    @property
    def runtime(self) -> Any:
        return self.session.client("sagemaker-runtime")

    @property
    def s3(self) -> Any:
        return self.session.client("s3")


class Hosting(Resources):
    """Clients, a bucket with models a, b and c, and a role that may read it."""

    @property
    def models_url(self) -> str:
        return f"s3://{self.bucket}/models/"

    def pipeline(self, **environment: str) -> list[dict[str, Any]]:
        """An echo in front of a multi-model echo, which gets the environment."""
        return [
            {"Image": ECHO},
            {
                "Image": ECHO,
                "Mode": "MultiModel",
                "ModelDataUrl": self.models_url,
                "Environment": environment,
            },
        ]

    def create_config(
        self,
        name: str,
        containers: Sequence[dict[str, Any]] | None = None,
        role_arn: str = "",
        **variant: Any,
    ) -> None:
        """A model and an endpoint config of the same name."""
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=role_arn or self.role_arn,
            Containers=list(containers or self.pipeline()),
        )
        members = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            **variant,
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[members])

    def deploy(self, name: str, *arguments: Any, **members: Any) -> dict[str, Any]:
        """Model, config and endpoint of one name, waited for; the description."""
        self.create_config(name, *arguments, **members)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        return self.settled(name)

    def settled(self, name: str) -> dict[str, Any]:
        """The description once no deployment is under way."""
        moving = ("Creating", "Updating", "Deleting")
        wait_until(lambda: self.describe(name)["EndpointStatus"] not in moving, name)
        return self.describe(name)

    def describe(self, name: str) -> dict[str, Any]:
        description: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
        return description

    def invoke(self, name: str, body: bytes = b"1,2", **members: Any) -> dict[str, Any]:
        """InvokeEndpoint of model a, unless told otherwise; ``Body`` read."""
        request = {"TargetModel": "a.tar.gz", "ContentType": "text/csv", **members}
        answer: dict[str, Any] = self.runtime.invoke_endpoint(
            EndpointName=name, Body=body, **request
        )
        return answer | {"Body": answer["Body"].read()}


def make_hosting(session: boto3.Session, name: str) -> Hosting:
    """The bucket and role ``name``."""
    s3 = session.client("s3")
    s3.create_bucket(Bucket=name)
    for model in "abc":
        s3.put_object(
            Bucket=name, Key=f"models/{model}.tar.gz", Body=model_archive({"model": b"weights"})
        )
    role_arn = make_role(
        session,
        name,
        [
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{name}/*",
            },
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:aws:s3:::{name}",
                "Condition": {"StringLike": {"s3:prefix": "models/*"}},
            },
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": "*",
            },
        ],
    )
    return Hosting(session, name, role_arn)


def make_role(
    session: boto3.Session,
    name: str,
    statements: Sequence[dict[str, Any]],
    service: str = "sagemaker.amazonaws.com",
) -> str:
    """A role that the service may assume, with one inline policy; its ARN."""
    iam = session.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document([trust]))
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=_document(statements))
    return str(role["Role"]["Arn"])


def _document(statements: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
