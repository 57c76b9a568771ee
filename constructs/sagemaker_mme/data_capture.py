"""Requests and responses of an endpoint, written to S3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_mme.prefixes import PrefixGrants, prefix_problems
from sagemaker_mme.problems import count_problem


class CaptureMode(Enum):
    """What of an invocation is written."""

    INPUT = "Input"
    OUTPUT = "Output"


@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """Write a sample of all requests and responses to S3.

    They may hold what people are entitled to keep to themselves: decide who reads the bucket. Model
    Monitor does not analyse what multi-model endpoints capture:
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor.html

    Parameters
    ----------
    bucket
        Where to. The model's role may write there.
    prefix
        What the keys begin with, slash at its end. Default: ``capture/``.
    sampling_percentage
        How many of a hundred invocations. Default: 100.
    modes
        Default: requests and responses.
    encryption_key
        Encrypts what is written. Default: the bucket's own encryption.
    csv_content_types
        Content types to write as CSV instead of Base64, up to 10. Default: ``text/csv``.
    json_content_types
        Content types to write as JSON, up to 10. Default: ``application/json``.
    """

    bucket: s3.IBucket
    prefix: str = "capture/"
    sampling_percentage: int = 100
    modes: Sequence[CaptureMode] = (CaptureMode.INPUT, CaptureMode.OUTPUT)
    encryption_key: kms.IKey | None = None
    csv_content_types: Sequence[str] = ("text/csv",)
    json_content_types: Sequence[str] = ("application/json",)

    def problems(self) -> Iterator[str]:
        """Why SageMaker would refuse it."""
        for problem in prefix_problems([self.prefix]):
            yield f"data_capture: {problem}"
        yield from count_problem("sampling_percentage", self.sampling_percentage, 0, 100)
        if not self.modes:
            yield "data_capture has no modes; name INPUT, OUTPUT or both"
        for kind in ("csv_content_types", "json_content_types"):
            yield from count_problem(f"number of {kind}", len(getattr(self, kind)), 0, 10)

    def grant(self, role: iam.IRole) -> None:
        """Let the endpoint's role write what is captured."""
        PrefixGrants(self.bucket).write(role, self.prefix)
        if self.encryption_key is not None:
            iam.Grant.add_to_principal(
                grantee=role,
                actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
                resource_arns=[self.encryption_key.key_arn],
            )

    def render(self) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
        """The capture as CloudFormation has it."""
        config = sagemaker.CfnEndpointConfig
        typed = bool(self.csv_content_types or self.json_content_types)
        return config.DataCaptureConfigProperty(
            enable_capture=True,
            destination_s3_uri=self.bucket.s3_url_for_object(self.prefix),
            initial_sampling_percentage=self.sampling_percentage,
            capture_options=[
                config.CaptureOptionProperty(capture_mode=mode.value) for mode in self.modes
            ],
            capture_content_type_header=(
                config.CaptureContentTypeHeaderProperty(
                    csv_content_types=list(self.csv_content_types) or None,
                    json_content_types=list(self.json_content_types) or None,
                )
                if typed
                else None
            ),
            kms_key_id=self.encryption_key.key_arn if self.encryption_key else None,
        )
