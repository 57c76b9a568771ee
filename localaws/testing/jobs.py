"""Jobs of a test: a bucket, a role for SageMaker, and requests."""

import io
import json
import re
import tarfile
import time
from collections.abc import Mapping
from typing import Any

import boto3
import numpy as np

from localaws.testing.hosting import Resources

LINEAR_LEARNER = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
SCIKIT_LEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
DEADLINE_SECONDS = 180
"""More than the 120 s after which a job is killed that was asked to end before it could listen."""
FINISHED = ("Completed", "Failed", "Stopped")


class Jobs(Resources):
    """Clients, and a bucket that the role may read and write."""

    def put(self, key: str, body: bytes | str) -> str:
        """Put an object; its URI."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        key = uri.removeprefix(f"s3://{self.bucket}/")
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def training_request(
        self, name: str, image: str, channels: Mapping[str, str], **members: Any
    ) -> dict[str, Any]:
        """A CreateTrainingJob request that reads these prefixes as CSV."""
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "RoleArn": self.role_arn,
            "InputDataConfig": [csv_channel(channel, uri) for channel, uri in channels.items()],
            "OutputDataConfig": {"S3OutputPath": self.uri("jobs")},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 5,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **members,
        }

    def train(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create a training job; its description once it has ended."""
        self.sagemaker.create_training_job(**request)
        return self.wait_for_training(request["TrainingJobName"])

    def wait_for_training(
        self, name: str, statuses: tuple[str, ...] = FINISHED, secondary: str = ""
    ) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            job: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
            if job["TrainingJobStatus"] in statuses and secondary in ("", job["SecondaryStatus"]):
                return job
            time.sleep(0.05)
        raise TimeoutError(f"training job {name} is {job['TrainingJobStatus']}")

    def transform(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create a transform job; its description once it has ended."""
        self.sagemaker.create_transform_job(**request)
        return self.wait_for_transform(request["TransformJobName"])

    def wait_for_transform(self, name: str) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            job: dict[str, Any] = self.sagemaker.describe_transform_job(TransformJobName=name)
            if job["TransformJobStatus"] in FINISHED:
                return job
            time.sleep(0.05)
        raise TimeoutError(f"transform job {name} is {job['TransformJobStatus']}")

    def log_lines(self, group: str, job: str) -> dict[str, list[str]]:
        """The lines of a job's log streams, by stream; none before the first line of any job."""
        logs = self.session.client("logs")
        try:
            streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")
        except logs.exceptions.ResourceNotFoundException:
            return {}
        return {
            stream["logStreamName"]: [
                event["message"]
                for event in logs.get_log_events(
                    logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
                )["events"]
            ]
            for stream in streams["logStreams"]
        }

    def wait_for_line(self, group: str, job: str, line: str) -> None:
        """Until a job has logged a line."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not any(line in lines for lines in self.log_lines(group, job).values()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {job} did not log {line!r}")
            time.sleep(0.1)


def make_jobs(session: boto3.Session, name: str) -> Jobs:
    """A bucket and a role for the jobs of one test module."""
    s3, iam = session.client("s3"), session.client("iam")
    s3.create_bucket(Bucket=name)
    trust = statement("Allow", "sts:AssumeRole", Principal={"Service": "sagemaker.amazonaws.com"})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    iam.put_role_policy(
        RoleName=name,
        PolicyName="data",
        PolicyDocument=statement(
            "Allow", ["s3:ListBucket", "s3:GetObject", "s3:PutObject"], Resource=resources
        ),
    )
    writes_logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    iam.put_role_policy(
        RoleName=name,
        PolicyName="logs",
        PolicyDocument=statement("Allow", writes_logs, Resource="*"),
    )
    return Jobs(session, name, role["Role"]["Arn"])


def statement(effect: str, action: str | list[str], **members: Any) -> str:
    """A policy of one statement."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": action, **members}],
        }
    )


def csv_channel(name: str, uri: str, **members: Any) -> dict[str, Any]:
    """A channel of CSV with its label in front."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {
        "ChannelName": name,
        "ContentType": "text/csv;label_size=1",
        "DataSource": {"S3DataSource": {**source, **members}},
    }


def houses_csv(rows: int, seed: int = 0) -> str:
    """Labelled rows of ten features; the label is an exact affine function of them."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, 10))
    labels = features @ np.arange(1, 11) * 1000 + 400_000
    table = np.column_stack([labels, features])
    return "\n".join(",".join(repr(float(cell)) for cell in row) for row in table) + "\n"


def source_archive(**files: str | bytes) -> bytes:
    """A sourcedir.tar.gz; ``train_py="..."`` is the file train.py."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, contents in files.items():
            body = contents.encode() if isinstance(contents, str) else contents
            member = tarfile.TarInfo(re.sub(r"_(py|txt)$", r".\1", name))
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The files of a tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {
            member.name: contents.read()
            for member in tar
            if (contents := tar.extractfile(member)) is not None
        }
