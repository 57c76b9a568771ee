"""A CloudTrail trail of an endpoint's invocations."""

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sagemaker_mme.auto_delete import keep_auto_delete_logs
from sagemaker_mme.endpoint_base import MultiModelEndpointBase


class InvocationTrail(Construct):
    """Records who invoked the endpoint, when, from where, and whether it was denied.

    Invocations are data events, which no trail records unless it is told to, and which cost money:
    https://docs.aws.amazon.com/sagemaker/latest/dg/logging-using-cloudtrail.html
    The same page says that their request parameters are left out, so that the **target model is not
    in the record**: the role or session that called has to tell it.

    Parameters
    ----------
    endpoint
        The endpoint.
    retention
        How long records are kept. Default: one year.
    removal_policy
        What becomes of the records. Default: they stay, except when the deployment that made
        their bucket fails (RETAIN_ON_UPDATE_OR_DELETE).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: MultiModelEndpointBase,
        retention: cdk.Duration | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Records",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=retention or cdk.Duration.days(365),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                )
            ],
            removal_policy=removal_policy,
            auto_delete_objects=removal_policy == cdk.RemovalPolicy.DESTROY,
        )
        keep_auto_delete_logs(self)
        self.trail = cloudtrail.Trail(
            self,
            "Trail",
            bucket=self.bucket,
            enable_file_validation=True,
            include_global_service_events=False,
            is_multi_region_trail=False,
        )
        self._record_invocations(endpoint.endpoint_arn)

    def _record_invocations(self, endpoint_arn: str) -> None:
        """The L2 has no selectors for SageMaker's data events.

        Raises
        ------
        TypeError
            The L2 stands for another kind of resource than it did.
        """
        trail = self.trail.node.default_child
        if not isinstance(trail, cloudtrail.CfnTrail):
            raise TypeError(f"the trail's default child is {trail!r}, not a CfnTrail")
        fields = {
            "eventCategory": "Data",
            "resources.type": "AWS::SageMaker::Endpoint",
            "resources.ARN": endpoint_arn,
        }
        trail.event_selectors = None
        trail.advanced_event_selectors = [
            cloudtrail.CfnTrail.AdvancedEventSelectorProperty(
                name="Invocations of the endpoint",
                field_selectors=[
                    cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(field=field, equal_to=[value])
                    for field, value in fields.items()
                ],
            )
        ]
