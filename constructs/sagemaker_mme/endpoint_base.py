"""What new and imported endpoints have in common: who may invoke them, and their metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.interfaces import aws_sagemaker as sagemaker_refs
from constructs import Construct

from sagemaker_mme.metrics import EndpointMetrics
from sagemaker_mme.problems import InvalidPropsError, raise_problems
from sagemaker_mme.production_variant import DEFAULT_VARIANT
from sagemaker_mme.target_model import CONDITION_KEY, pattern_problems

DEFAULT_CONTAINER_NAMES = ("container-1", "container-2")


class MultiModelEndpointGrants:
    """Permissions to invoke an endpoint; reach them as ``endpoint.grants``.

    Only ``sagemaker:InvokeEndpoint`` knows the condition key ``sagemaker:TargetModel``. Streaming
    and asynchronous invocations do not, so nothing here grants them.
    """

    def __init__(self, endpoint: MultiModelEndpointBase) -> None:
        self._endpoint = endpoint

    def invoke(
        self, grantee: iam.IGrantable, *, target_models: Sequence[str], allow_wide: bool = False
    ) -> iam.Grant:
        """Let ``grantee`` invoke the models that match one of ``target_models``.

        Parameters
        ----------
        target_models
            Patterns such as ``NewYork_NY/*``: ``*`` stands for any characters, ``?`` for one,
            policy variables for their values, and case matters.
        allow_wide
            Accept a pattern with a wildcard before its first slash.
        """
        raise_problems(self._endpoint, pattern_problems(target_models, allow_wide=allow_wide))
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["sagemaker:InvokeEndpoint"],
            resource_arns=[self._endpoint.endpoint_arn],
            conditions={"StringLike": {CONDITION_KEY: list(target_models)}},
        )

    def invoke_any(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` invoke every model, those included that are added later."""
        return self.invoke(grantee, target_models=["*"], allow_wide=True)


@dataclass(frozen=True)
class EndpointVariant(EndpointMetrics):
    """One variant of an endpoint: its metrics."""

    endpoint_name: str
    variant_name: str
    container_names: tuple[str, ...]

    @property
    def metric_dimensions(self) -> Mapping[str, str]:
        return {"EndpointName": self.endpoint_name, "VariantName": self.variant_name}


@jsii.implements(sagemaker.IEndpoint)
class MultiModelEndpointBase(EndpointMetrics, cdk.Resource):
    """What new and imported endpoints have in common."""

    variants: tuple[EndpointVariant, ...]
    """The production variants."""

    @property
    def variant_name(self) -> str:
        """The name of the one production variant; see ``find_production_variant``."""
        return self._only_variant.variant_name

    @property
    def container_names(self) -> tuple[str, ...]:
        """The containers of the one production variant, in the order of requests."""
        return self._only_variant.container_names

    @property
    def metric_dimensions(self) -> Mapping[str, str]:
        return self._only_variant.metric_dimensions

    def find_production_variant(self, variant_name: str) -> EndpointVariant:
        """The variant of that name, for its metrics.

        Raises
        ------
        InvalidPropsError
        """
        for variant in self.variants:
            if variant.variant_name == variant_name:
                return variant
        raise InvalidPropsError(
            f"{self.node.path} has no production variant '{variant_name}'; it has"
            f" {', '.join(variant.variant_name for variant in self.variants)}"
        )

    @property
    def _only_variant(self) -> EndpointVariant:
        if len(self.variants) != 1:
            names = ", ".join(variant.variant_name for variant in self.variants)
            raise InvalidPropsError(
                f"{self.node.path} has several production variants ({names}): say whose metrics"
                " are meant with find_production_variant(name)"
            )
        return self.variants[0]

    @property
    def endpoint_arn(self) -> str:
        """The ARN of the endpoint; its name is in lower case there."""
        raise NotImplementedError

    @property
    def endpoint_name(self) -> str:
        """The name of the endpoint."""
        raise NotImplementedError

    @property
    def endpoint_ref(self) -> sagemaker_refs.EndpointReference:
        """A reference to the endpoint, for constructs that take ``IEndpointRef``."""
        return sagemaker_refs.EndpointReference(endpoint_arn=self.endpoint_arn)

    @property
    def grants(self) -> MultiModelEndpointGrants:
        """Permissions to invoke the endpoint."""
        return MultiModelEndpointGrants(self)

    def grant_invoke(
        self, grantee: iam.IGrantable, *, target_models: Sequence[str] | None = None
    ) -> iam.Grant:
        """Let ``grantee`` invoke ``target_models``; every model when None.

        Other constructs call this, ``SagemakerIntegration`` for one. Prefer ``grants`` in code.
        """
        if target_models is None:
            return self.grants.invoke_any(grantee)
        return self.grants.invoke(grantee, target_models=target_models)


def generated_name(scope: Construct) -> str:
    """A name made from a construct's path."""
    return cdk.Names.unique_resource_name(scope, max_length=63, separator="-").lower()


def endpoint_logs(
    scope: Construct, name: str, retention: logs.RetentionDays, removal_policy: cdk.RemovalPolicy
) -> logs.LogGroup:
    """The log group of an endpoint: SageMaker would make it itself, and keep all for ever."""
    return logs.LogGroup(
        scope,
        "LogGroup",
        log_group_name=f"/aws/sagemaker/Endpoints/{name}",
        retention=retention,
        removal_policy=removal_policy,
    )


class ImportedEndpoint(MultiModelEndpointBase):
    """An endpoint that some other stack, or no stack, made."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_arn: str,
        endpoint_name: str | None = None,
        variant_name: str = DEFAULT_VARIANT,
        container_names: Sequence[str] = DEFAULT_CONTAINER_NAMES,
    ) -> None:
        super().__init__(scope, construct_id, environment_from_arn=endpoint_arn)
        parts = cdk.Stack.of(self).split_arn(endpoint_arn, cdk.ArnFormat.SLASH_RESOURCE_NAME)
        self._arn = endpoint_arn
        self._name = endpoint_name or parts.resource_name or ""
        self.variants = (EndpointVariant(self._name, variant_name, tuple(container_names)),)

    @property
    def endpoint_arn(self) -> str:
        return self._arn

    @property
    def endpoint_name(self) -> str:
        return self._name
