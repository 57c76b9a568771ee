"""Where the training pipeline works: one bucket, one role, one region."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config

from fleet.gate import GateRules
from fleet.registry import Registry
from training.publish import list_keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_ssm import SSMClient

CONNECTIONS = 20
"""More than threads that publish; a connection that finds no place in the pool is closed again."""
# SageMaker throttles early; this mode retries with jitter and slows the client down.
_RETRIES = Config(retries={"mode": "adaptive", "max_attempts": 10})
# Half of the client's time where a fleet is published went into what botocore does anew for each
# call: to check types that are checked here, and to put its user agent together.
UNCHECKED = Config(
    parameter_validation=False, max_pool_connections=CONNECTIONS, user_agent="sagemaker-mme-fleet"
)


@dataclass(frozen=True)
class Workspace:
    """Clients and names that every step needs.

    ``role_arn`` is the role that the jobs run with, ``parameter`` the SSM parameter of the
    preprocessor's model data URL, ``key_arn`` the KMS key of what jobs write.
    """

    stage: str
    region: str
    bucket: str
    role_arn: str
    parameter: str
    s3: "S3Client"
    sagemaker: "SageMakerClient"
    ssm: "SSMClient"
    registry: Registry
    rules: GateRules
    key_arn: str | None = None

    @classmethod
    def create(
        cls,
        session: boto3.Session,
        stage: str,
        bucket: str,
        role_arn: str,
        parameter: str,
        registry_table: str,
        rules: GateRules,
        key_arn: str | None = None,
    ) -> Self:
        """Make the clients out of a session."""
        sagemaker = session.client("sagemaker", config=_RETRIES)
        return cls(
            stage=stage,
            region=sagemaker.meta.region_name,
            bucket=bucket,
            role_arn=role_arn,
            parameter=parameter,
            s3=session.client("s3", config=UNCHECKED),
            sagemaker=sagemaker,
            ssm=session.client("ssm"),
            registry=Registry(session.client("dynamodb", config=UNCHECKED), registry_table),
            rules=rules,
            key_arn=key_arn,
        )

    def url(self, key: str) -> str:
        """The S3 URL of a key, or of a prefix."""
        return f"s3://{self.bucket}/{key}"

    def key_of(self, url: str) -> str:
        """The key of an S3 URL in this bucket."""
        return url.removeprefix(self.url(""))

    def read(self, key: str) -> bytes:
        """An object's bytes."""
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def write(self, key: str, body: bytes) -> None:
        """Put an object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def keys(self, prefix: str) -> list[str]:
        """All keys with this prefix."""
        return list_keys(self.s3, self.bucket, prefix)
