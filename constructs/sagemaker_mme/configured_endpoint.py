"""An endpoint whose endpoint config was made elsewhere."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_mme.endpoint_base import (
    DEFAULT_CONTAINER_NAMES,
    EndpointVariant,
    MultiModelEndpointBase,
    endpoint_logs,
    generated_name,
)
from sagemaker_mme.endpoint_problems import name_problems
from sagemaker_mme.problems import raise_problems
from sagemaker_mme.production_variant import DEFAULT_VARIANT


class ConfiguredEndpoint(MultiModelEndpointBase):
    """A real-time endpoint in front of an endpoint config that some other stack, or no stack, made.

    It may be granted and watched like any other. What is in the config is not checked; another
    name of the config moves the endpoint there.

    Parameters
    ----------
    endpoint_config_name
        The name of the config.
    variants
        The names of its variants' containers, by the variants' names. Default: one variant,
        ``AllTraffic``, of two containers without names.
    endpoint_name
        As in ``MultiModelEndpoint``.
    log_retention, log_removal_policy
        Likewise.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_config_name: str,
        variants: Mapping[str, Sequence[str]] | None = None,
        endpoint_name: str | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        log_removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        super().__init__(scope, construct_id, physical_name=endpoint_name)
        self._name = endpoint_name or generated_name(self)
        raise_problems(self, list(name_problems(self._name)))
        self.variants = tuple(
            EndpointVariant(self._name, name, tuple(containers))
            for name, containers in (variants or {DEFAULT_VARIANT: DEFAULT_CONTAINER_NAMES}).items()
        )
        self.log_group = endpoint_logs(self, self._name, log_retention, log_removal_policy)
        self._resource = sagemaker.CfnEndpoint(
            self,
            "Resource",
            endpoint_name=self._name,
            endpoint_config_name=endpoint_config_name,
        )
        self._resource.node.add_dependency(self.log_group)

    @property
    def endpoint_arn(self) -> str:
        return self._get_resource_arn_attribute(
            self._resource.ref, service="sagemaker", resource="endpoint", resource_name=self._name
        )

    @property
    def endpoint_name(self) -> str:
        return self._get_resource_name_attribute(self._resource.attr_endpoint_name)
