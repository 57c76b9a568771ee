"""Stacks of a test, through CloudFormation's API; templates small enough to read."""

import json
import time
from typing import Any

from botocore.exceptions import ClientError

from localaws.testing.memory import model_archive
from localaws.testing.server import LocalAws

Template = dict[str, Any]

ECHO = "123456789012.dkr.ecr.us-east-1.amazonaws.com/localaws-echo:1"
TRUST_SAGEMAKER = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}


class Stack:
    """A stack, deployed and deleted by its test."""

    def __init__(self, localaws: LocalAws, name: str) -> None:
        self.session = localaws.session()
        self.name = name
        self._client = self.session.client("cloudformation")
        self._exists = False

    @classmethod
    def existing(cls, localaws: LocalAws, name: str) -> "Stack":
        """A stack that was deployed before."""
        stack = cls(localaws, name)
        stack._exists = True
        return stack

    def deploy(self, resources: Template, **template: Any) -> str:
        """Create or update the stack; its final status."""
        body = json.dumps({"Resources": resources, **template})
        act = self._client.update_stack if self._exists else self._client.create_stack
        act(StackName=self.name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        self._exists = True
        return self.wait()

    def wait(self) -> str:
        """Wait until nothing is in progress; the status."""
        while True:
            status = self._client.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.05)

    def delete(self) -> None:
        """Delete the stack and wait for its end."""
        self._client.delete_stack(StackName=self.name)
        try:
            self.wait()
        except ClientError:
            self._exists = False

    def physical_id(self, logical_id: str) -> str:
        """What ``Ref`` answers for a resource."""
        detail = self._client.describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return detail["StackResourceDetail"]["PhysicalResourceId"]

    def reasons(self) -> list[str]:
        """Why resources failed."""
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            event.get("ResourceStatusReason", "")
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        ]


def echo_endpoint(bucket: str, name: str, **environment: str) -> Template:
    """An endpoint with a pipeline of two echo containers, the second one with many models.

    ``environment`` is that of the first container; the models are under ``models/``.
    """
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": TRUST_SAGEMAKER,
                "Policies": [{"PolicyName": "read", "PolicyDocument": _reads(bucket)}],
            },
        },
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "Containers": [
                    {
                        "Image": ECHO,
                        "ModelDataUrl": f"s3://{bucket}/first/model.tar.gz",
                        "Environment": environment,
                    },
                    {"Image": ECHO, "Mode": "MultiModel", "ModelDataUrl": f"s3://{bucket}/models/"},
                ],
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "AllTraffic",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "InitialInstanceCount": "1",
                        "InitialVariantWeight": 1,
                        "InstanceType": "ml.m5.xlarge",
                    }
                ]
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": name,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
    }


def _reads(bucket: str) -> Template:
    arn = f"arn:aws:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{arn}/*"},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn},
        ],
    }


def put_artifacts(session: Any, bucket: str, models: int = 1) -> None:
    """Make the bucket that ``echo_endpoint`` reads, with ``models/0.tar.gz`` and so on."""
    s3 = session.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="first/model.tar.gz", Body=model_archive())
    for number in range(models):
        s3.put_object(Bucket=bucket, Key=f"models/{number}.tar.gz", Body=model_archive())
