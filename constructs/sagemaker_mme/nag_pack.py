"""Rules about multi-model endpoints for cdk-nag, for any CDK app; needs the package cdk-nag."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
import cdk_nag
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import IConstruct

_DOCS = "https://docs.aws.amazon.com/sagemaker/latest/dg"
Check = Callable[[cdk.CfnResource], bool]
"""Whether a resource is at fault."""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Parameters
    ----------
    suffix
        What follows ``MultiModel-`` in its id.
    info
        What is wrong.
    explanation
        Why that matters.
    at_fault
        Finds it.
    """

    suffix: str
    info: str
    explanation: str
    at_fault: Check


class MultiModelChecks(cdk_nag.NagPack):
    """Rules about multi-model endpoints and who may invoke them.

    ``cdk.Validations.of(app).add_plugins(MultiModelChecks(app))``; acknowledge a finding as those
    of other packs, by its id, ``MultiModel-MME1`` for instance.

    Parameters
    ----------
    scope
        The app.
    verbose
        Print the explanations too. Default: False.
    """

    def __init__(self, scope: IConstruct | None = None, *, verbose: bool = False) -> None:
        super().__init__(scope, verbose=verbose)
        self._pack_name = "MultiModel"

    @property
    def name(self) -> str:
        return "MultiModel"

    def _check_resource(self, node: cdk.CfnResource) -> None:
        # Each rule that is applied crosses over to the CDK's Node.js process several times.
        for rule in RULES:
            if rule.at_fault(node):
                self._apply_rule(_Finding(rule, node))  # type: ignore[arg-type]  # jsii checks it


@jsii.implements(cdk_nag.IApplyRule)
class _Finding:
    """A rule that a resource breaks, as cdk-nag calls it; it looks whether it is acknowledged."""

    def __init__(self, rule: Rule, node: cdk.CfnResource) -> None:
        self._rule = rule
        self._node = node

    @property
    def node(self) -> cdk.CfnResource:
        return self._node

    @property
    def info(self) -> str:
        return self._rule.info

    @property
    def explanation(self) -> str:
        return self._rule.explanation

    @property
    def level(self) -> cdk_nag.NagMessageLevel:
        return cdk_nag.NagMessageLevel.ERROR

    @property
    def rule_suffix_override(self) -> str:
        return self._rule.suffix

    def rule(self, node: cdk.CfnResource) -> cdk_nag.NagRuleCompliance:
        return cdk_nag.NagRuleCompliance.NON_COMPLIANT


def _resolved(node: cdk.CfnResource, value: Any) -> Any:
    return cdk.Stack.of(node).resolve(value)


def _containers(model: sagemaker.CfnModel) -> list[Mapping[str, Any]]:
    found = [_resolved(model, model.primary_container), *(_resolved(model, model.containers) or [])]
    return [container for container in found if container]


def _multi_model(model: sagemaker.CfnModel) -> list[Mapping[str, Any]]:
    return [found for found in _containers(model) if found.get("mode") == "MultiModel"]


def _several_multi_model_containers(node: cdk.CfnResource) -> bool:
    return isinstance(node, sagemaker.CfnModel) and len(_multi_model(node)) > 1


def _one_artifact(node: cdk.CfnResource) -> bool:
    """A MultiModel container whose data is one object, or is not a prefix at all."""
    if not isinstance(node, sagemaker.CfnModel):
        return False
    return any(
        container.get("modelDataSource") is not None
        or str(container.get("modelDataUrl", "")).endswith(".tar.gz")
        for container in _multi_model(node)
    )


def _named(node: cdk.CfnResource) -> bool:
    if isinstance(node, sagemaker.CfnModel):
        return bool(_multi_model(node)) and node.model_name is not None
    return isinstance(node, sagemaker.CfnEndpointConfig) and (
        node.endpoint_config_name is not None and bool(_serves_many(node))
    )


def _serves_many(config: sagemaker.CfnEndpointConfig) -> list[sagemaker.CfnModel]:
    """The multi-model ones of a config's models, as far as its own stack has them."""
    names = str(_resolved(config, config.production_variants))
    models = (
        child
        for child in cdk.Stack.of(config).node.find_all()
        if isinstance(child, sagemaker.CfnModel)
    )
    return [
        model
        for model in models
        if _resolved(model, model.logical_id) in names and _multi_model(model)
    ]


def _shadowed(node: cdk.CfnResource) -> bool:
    return (
        isinstance(node, sagemaker.CfnEndpointConfig)
        and node.shadow_production_variants is not None
        and bool(_serves_many(node))
    )


def _serverless_or_async(node: cdk.CfnResource) -> bool:
    if not isinstance(node, sagemaker.CfnEndpointConfig) or not _serves_many(node):
        return False
    variants = _resolved(node, node.production_variants) or []
    return node.async_inference_config is not None or any(
        variant.get("serverlessConfig") for variant in variants
    )


def _upper_case(node: cdk.CfnResource) -> bool:
    if not isinstance(node, sagemaker.CfnEndpoint):
        return False
    name = _resolved(node, node.endpoint_name)
    return isinstance(name, str) and name != name.lower()


def _statements(node: cdk.CfnResource) -> Iterator[Mapping[str, Any]]:
    documents: list[Any] = []
    if isinstance(node, iam.CfnPolicy | iam.CfnManagedPolicy):
        documents.append(_resolved(node, node.policy_document))
    elif isinstance(node, iam.CfnRole | iam.CfnUser | iam.CfnGroup):
        inline = _resolved(node, node.policies) or []
        documents += [policy.get("policyDocument") for policy in inline]
    for document in documents:
        statements = (document or {}).get("Statement", [])
        yield from statements if isinstance(statements, list) else [statements]


_INVOKES = re.compile(r"\*|sagemaker:(invokeendpoint|i?n?v?o?k?e?\w*\*.*|\*.*)", re.IGNORECASE)


def _any_target_model(node: cdk.CfnResource) -> bool:
    for statement in _statements(node):
        actions = statement.get("Action", [])
        actions = actions if isinstance(actions, list) else [actions]
        condition = statement.get("Condition", {})
        told = any(
            "sagemaker:TargetModel" in condition.get(operator, {})
            for operator in ("StringLike", "StringEquals")
        )
        invokes = any(isinstance(a, str) and _INVOKES.fullmatch(a) for a in actions)
        if statement.get("Effect") == "Allow" and invokes and not told:
            return True
    return False


def _full_access(node: cdk.CfnResource) -> bool:
    """A role that SageMaker assumes with the managed policy for everything."""
    return isinstance(node, iam.CfnRole) and "AmazonSageMakerFullAccess" in str(
        _resolved(node, node.managed_policy_arns)
    )


RULES = (
    Rule(
        "MME1",
        "A statement allows sagemaker:InvokeEndpoint without naming target models.",
        "Whoever has it may invoke every model behind a multi-model endpoint, also those that are"
        f" added later: {_DOCS}/multi-model-endpoint-security.html",
        _any_target_model,
    ),
    Rule(
        "MME2",
        "A model has several containers in MultiModel mode.",
        f"CreateModel refuses it: {_DOCS}/multi-model-endpoints.html",
        _several_multi_model_containers,
    ),
    Rule(
        "MME3",
        "A container in MultiModel mode has one artifact instead of a prefix.",
        f"Its models lie below a prefix of S3: {_DOCS}/create-multi-model-endpoint.html",
        _one_artifact,
    ),
    Rule(
        "MME4",
        "A multi-model endpoint has a shadow variant.",
        f"SageMaker refuses it: {_DOCS}/shadow-tests-exclusions.html",
        _shadowed,
    ),
    Rule(
        "MME5",
        "A multi-model endpoint is serverless or asynchronous.",
        f"SageMaker refuses it: {_DOCS}/serverless-endpoints.html",
        _serverless_or_async,
    ),
    Rule(
        "MME6",
        "A model or endpoint config of a multi-model endpoint has a name.",
        "Each change replaces it, and the new one would collide with the old one's name.",
        _named,
    ),
    Rule(
        "MME7",
        "The name of an endpoint has capital letters.",
        "ARNs have it in lower case, so that policies made from the name match nothing.",
        _upper_case,
    ),
    Rule(
        "MME8",
        "A role has the policy AmazonSageMakerFullAccess.",
        f"An execution role needs far less: {_DOCS}/sagemaker-roles.html",
        _full_access,
    ),
)
"""All rules, by their number."""
