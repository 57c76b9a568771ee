"""The checks that fail synth, switched on: CloudFormation's own, cdk-nag, and the Guard rule."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from app import add_checks
from stacks.housing import add_stacks
from tests.synth.conftest import STAGES, deployed_context

Report = dict[str, Any]
QUIET = {"@aws-cdk/core:validationReportPrettyPrint": False}
ALLOW = {"Effect": "Allow", "Resource": "*"}
NARROW = {"Condition": {"StringLike": {"sagemaker:TargetModel": "NewYork_NY/*"}}}
IF_EXISTS = {"Condition": {"StringLikeIfExists": {"sagemaker:TargetModel": "NewYork_NY/*"}}}

REFUSED = {
    "NoCondition": [ALLOW | {"Action": "sagemaker:InvokeEndpoint"}],
    "AmongOthers": [ALLOW | {"Action": ["s3:GetObject", "sagemaker:InvokeEndpoint"]}],
    "OtherCase": [ALLOW | {"Action": "SageMaker:invokeendpoint"}],
    "Invocations": [ALLOW | {"Action": "sagemaker:Invoke*"}],
    "Everything": [ALLOW | {"Action": "*"}],
    "AllOfSageMaker": [ALLOW | {"Action": "sagemaker:*"}],
    "AnyEndpointAction": [ALLOW | {"Action": "sagemaker:*Endpoint"}],
    "IfExists": [ALLOW | {"Action": "sagemaker:InvokeEndpoint"} | IF_EXISTS],
    "SecondStatement": [
        ALLOW | {"Action": "sagemaker:InvokeEndpoint"} | NARROW,
        ALLOW | {"Action": "sagemaker:InvokeEndpoint"},
    ],
}
ACCEPTED = {
    "Narrow": [ALLOW | {"Action": "sagemaker:InvokeEndpoint"} | NARROW],
    "OtherActions": [ALLOW | {"Action": ["sagemaker:DescribeEndpoint", "sagemaker:Import*"]}],
    "Denied": [{"Effect": "Deny", "Resource": "*", "Action": "sagemaker:InvokeEndpoint"}],
}


@pytest.fixture(scope="module")
def refused_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What the app's checks say of every case, as a policy of its own and as part of a role."""
    folder = tmp_path_factory.mktemp("cdk.out.refused")
    app = cdk.App(context=deployed_context() | QUIET, outdir=str(folder))
    stack = cdk.Stack(app, "Stack")
    sns.CfnTopic(stack, "MisspeltProperty").add_property_override("Misspelt", "value")
    s3.CfnBucket(stack, "OpenBucket")
    for name, statements in (REFUSED | ACCEPTED).items():
        document = {"Version": "2012-10-17", "Statement": statements}
        iam.CfnManagedPolicy(stack, name, policy_document=document)
        iam.CfnRole(
            stack,
            f"{name}Role",
            assume_role_policy_document={"Version": "2012-10-17", "Statement": []},
            policies=[iam.CfnRole.PolicyProperty(policy_name="p", policy_document=document)],
        )
    add_checks(app)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    return _report(folder)


@pytest.fixture(scope="module")
def app_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What all checks say of both stages, with everything that a config can add."""
    folder = tmp_path_factory.mktemp("cdk.out.checked")
    context = deployed_context()
    context["housing"]["dev"]["auditTrail"] = True
    context["housing"]["dev"]["alarmTopicArn"] = "arn:aws:sns:us-east-1:123456789012:pager"
    app = cdk.App(context=context, outdir=str(folder))
    for stage in STAGES:
        add_stacks(app, stage)
    add_checks(app)
    app.synth()
    return _report(folder)


def _report(folder: Path) -> Report:
    report: Report = json.loads((folder / "validation-report.json").read_text())
    return report


def _refused(report: Report, plugin_name: str, rule: str = "") -> set[str]:
    """The ids of the constructs that a plugin, and in it rules of that name, complain of."""
    return {
        construct["constructPath"].split("/")[1]
        for plugin in report["pluginReports"]
        if plugin["pluginName"] == plugin_name
        for violation in plugin["violations"]
        if violation["ruleName"].endswith(rule)
        for construct in violation["violatingConstructs"]
    }


def _refused_by_our_rule(report: Report) -> set[str]:
    return _refused(report, "CloudFormation Validate", "NAMES_TARGET_MODELS")


@pytest.mark.parametrize("case", REFUSED)
def test_the_rule_refuses(refused_report: Report, case: str) -> None:
    assert {case, f"{case}Role"} <= _refused_by_our_rule(refused_report)


@pytest.mark.parametrize("case", ACCEPTED)
def test_the_rule_accepts(refused_report: Report, case: str) -> None:
    assert not {case, f"{case}Role"} & _refused_by_our_rule(refused_report)


def test_a_property_that_cloudformation_does_not_know_fails_synth(refused_report: Report) -> None:
    assert "MisspeltProperty" in _refused(refused_report, "CloudFormation Validate")


def test_a_finding_of_cdk_nag_fails_synth(refused_report: Report) -> None:
    assert "OpenBucket" in _refused(refused_report, "AwsSolutions")


def test_every_stage_passes_all_checks(app_report: Report) -> None:
    assert [plugin["violations"] for plugin in app_report["pluginReports"]] == [[]]


def test_every_acknowledgement_says_why(app_report: Report) -> None:
    acknowledged: list[Mapping[str, Any]] = [
        violation
        for plugin in app_report["pluginReports"]
        for violation in plugin.get("suppressedViolations", [])
    ]
    assert acknowledged
    assert all(len(violation["reason"].split()) >= 5 for violation in acknowledged)
