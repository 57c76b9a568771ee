"""Rules for other people's templates: a cdk-nag pack and Guard rules, each by itself."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

import sagemaker_mme as mme
from sagemaker_mme.nag_pack import RULES, MultiModelChecks

FULL_ACCESS = "AmazonSageMakerFullAccess"
Faulty = Callable[[cdk.Stack], object]
Config = sagemaker.CfnEndpointConfig


def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))


def container(**props: Any) -> sagemaker.CfnModel.ContainerDefinitionProperty:
    given = {"image": "i", "mode": "MultiModel", "model_data_url": "s3://b/models/", **props}
    return sagemaker.CfnModel.ContainerDefinitionProperty(**given)


def model(stack: cdk.Stack, **props: Any) -> sagemaker.CfnModel:
    given = {"primary_container": container(), "execution_role_arn": role(stack).role_arn}
    return sagemaker.CfnModel(stack, "Model", **{**given, **props})


def config(stack: cdk.Stack, **props: Any) -> Config:
    variant = Config.ProductionVariantProperty(
        variant_name="A",
        model_name=model(stack).attr_model_name,
        instance_type="ml.m5.large",
        initial_instance_count=1,
        initial_variant_weight=1,
        serverless_config=props.pop("serverless_config", None),
    )
    if props.pop("shadowed", False):
        props["shadow_production_variants"] = [variant]
    return Config(stack, "Config", production_variants=[variant], **props)


def invoker(stack: cdk.Stack, *actions: str, **props: Any) -> None:
    role(stack).add_to_policy(iam.PolicyStatement(actions=list(actions), resources=["*"], **props))


FAULTS: dict[str, list[Faulty]] = {
    "MME1": [
        lambda stack: invoker(stack, "sagemaker:InvokeEndpoint"),
        lambda stack: invoker(stack, "sagemaker:*"),
        lambda stack: invoker(stack, "sagemaker:Invoke*"),
        lambda stack: invoker(
            stack,
            "sagemaker:invokeendpoint",
            conditions={"StringLikeIfExists": {"sagemaker:TargetModel": "a/*"}},
        ),
    ],
    "MME2": [
        lambda stack: model(stack, primary_container=None, containers=[container(), container()])
    ],
    "MME3": [
        lambda stack: model(stack, primary_container=container(model_data_url="s3://b/one.tar.gz")),
    ],
    "MME4": [lambda stack: config(stack, shadowed=True)],
    "MME5": [
        lambda stack: config(
            stack,
            serverless_config=Config.ServerlessConfigProperty(
                max_concurrency=1, memory_size_in_mb=1024
            ),
        ),
        lambda stack: config(
            stack,
            async_inference_config=Config.AsyncInferenceConfigProperty(
                output_config=Config.AsyncInferenceOutputConfigProperty(s3_output_path="s3://b/")
            ),
        ),
    ],
    "MME6": [
        lambda stack: model(stack, model_name="named"),
        lambda stack: config(stack, endpoint_config_name="named"),
    ],
    "MME7": [
        lambda stack: sagemaker.CfnEndpoint(
            stack, "Endpoint", endpoint_config_name="c", endpoint_name="Prices"
        )
    ],
    "MME8": [
        lambda stack: role(stack).add_managed_policy(
            iam.ManagedPolicy.from_aws_managed_policy_name(FULL_ACCESS)
        )
    ],
}


def findings(stack: cdk.Stack) -> list[str]:
    app = cdk.App.of(stack)
    assert app is not None
    return [found.rule_name for found in MultiModelChecks(app).validate_scope(app).violations]


def new_app() -> cdk.App:
    return cdk.App(builtin_cloud_formation_validation=False)


def test_every_rule_has_a_case() -> None:
    assert FAULTS.keys() == {rule.suffix for rule in RULES}


@pytest.mark.parametrize(
    ("number", "faulty"),
    [(number, faulty) for number, cases in FAULTS.items() for faulty in cases],
)
def test_a_fault_is_found_by_its_rule_alone(number: str, faulty: Faulty) -> None:
    stack = cdk.Stack(new_app(), "Stack")
    faulty(stack)
    assert findings(stack) == [f"MultiModel-{number}"]


def test_a_finding_can_be_acknowledged() -> None:
    stack = cdk.Stack(new_app(), "Stack")
    invoker(stack, "sagemaker:InvokeEndpoint")
    cdk.Validations.of(stack).acknowledge(
        cdk.Acknowledgment(id="MultiModel-MME1", reason="it is the tests' own")
    )
    assert findings(stack) == []


def test_what_this_library_makes_keeps_all_rules() -> None:
    stack = cdk.Stack(new_app(), "Stack")
    bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")
    image = mme.ContainerImage.linear_learner()
    many = mme.MultiModelContainer(image=image, bucket=bucket)
    made = mme.Model(stack, "Model", containers=[many])
    endpoint = mme.MultiModelEndpoint(stack, "Endpoint", model=made)
    mme.TenantInvokerRole(stack, "Tenants", endpoint=endpoint)
    assert findings(stack) == []


@pytest.mark.parametrize(
    ("rule", "faulty"),
    [
        ("INVOKE_ENDPOINT_NAMES_TARGET_MODELS", FAULTS["MME1"][0]),
        ("MULTI_MODEL_DATA_IS_A_PREFIX", FAULTS["MME3"][0]),
        (
            "MULTI_MODEL_DATA_IS_A_PREFIX",
            lambda stack: model(
                stack,
                primary_container=None,
                containers=[container(model_data_url="s3://b/one.tar.gz")],
            ),
        ),
        ("NO_ROLE_HAS_SAGEMAKER_FULL_ACCESS", FAULTS["MME8"][0]),
    ],
)
def test_guard_rules_fail_the_synth_of_any_app(rule: str, faulty: Faulty, tmp_path: Path) -> None:
    app = guarded_app(tmp_path)
    faulty(cdk.Stack(app, "Stack"))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert rule in (tmp_path / "validation-report.json").read_text()


def test_guard_rules_let_the_librarys_own_pass(tmp_path: Path) -> None:
    app = guarded_app(tmp_path)
    stack = cdk.Stack(app, "Stack")
    bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")
    image = mme.ContainerImage.linear_learner()
    many = mme.MultiModelContainer(image=image, bucket=bucket)
    made = mme.Model(stack, "Model", containers=[many])
    mme.MultiModelEndpoint(stack, "Endpoint", model=made)
    app.synth()


def guarded_app(folder: Path) -> cdk.App:
    app = cdk.App(
        outdir=str(folder),
        builtin_cloud_formation_validation=False,
        context={
            "@aws-cdk/core:validateAgainstDefaultRules": True,
            "@aws-cdk/core:validationReportPrettyPrint": False,
        },
    )
    cdk.Validations.of(app).add_plugins(guard())
    return app


@cache
def guard() -> cdk.CloudFormationValidatePlugin:
    return cdk.CloudFormationValidatePlugin(guard_rules=mme.multi_model_rules())
