"""The examples: each is synthesized, and held against CloudFormation's schemas."""

import json
import re
import runpy
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aws_cdk
import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner

EXAMPLES = Path(__file__).parents[2] / "constructs" / "examples"
README = EXAMPLES.parent / "README.md"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


@cache
def templates(example: str) -> dict[str, dict[str, Any]]:
    """The templates of an example's stacks, by the stacks' names."""
    # cfn-lint finds more below than the CDK's validators, which take most of a synth.
    quick = partial(aws_cdk.App, builtin_cloud_formation_validation=False)
    with patch.object(aws_cdk, "App", quick):
        assembly = runpy.run_path(str(EXAMPLES / f"{example}.py"))["app"].synth()
    return {stack.stack_name: stack.template for stack in assembly.stacks}


def resources(example: str, kind: str) -> list[dict[str, Any]]:
    return [
        resource.get("Properties", {})
        for template in templates(example).values()
        for resource in template["Resources"].values()
        if resource["Type"] == kind
    ]


@pytest.fixture(scope="module")
def linter() -> Runner:
    """cfn-lint with its rules, which it would load for each template."""
    return Runner(ConfigMixIn(regions=["us-east-1"]))


@pytest.mark.parametrize("example", NAMES)
def test_cloudformation_knows_all_that_an_example_declares(example: str, linter: Runner) -> None:
    for name, template in templates(example).items():
        decoded, _ = decode_str(json.dumps(template))
        problems = [
            f"{name}: {problem.message}"
            for problem in linter.validate_template(decoded)
            if problem.rule.id.startswith("E")
        ]
        assert problems == []


@pytest.mark.parametrize("example", NAMES)
def test_an_example_is_listed(example: str) -> None:
    assert f"`{example}.py`" in README.read_text()


def test_no_role_of_an_example_has_an_administrators_policy() -> None:
    for example in NAMES:
        text = json.dumps(resources(example, "AWS::IAM::Role"))
        assert "FullAccess" not in text
        assert "AdministratorAccess" not in text


def test_the_broker_may_assume_the_tenants_role_write_its_logs_and_nothing_else() -> None:
    (template,) = templates("tenant_broker").values()
    (policy,) = (
        resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and name.startswith("BrokerRole")
    )
    assert sorted(str(statement["Action"]) for statement in policy) == [
        "['logs:CreateLogStream', 'logs:PutLogEvents']",
        "['sts:AssumeRole', 'sts:TagSession']",
    ]
    assert all(statement["Resource"] != "*" for statement in policy)


def test_every_method_of_the_api_wants_to_know_who_calls() -> None:
    methods = resources("tenant_api", "AWS::ApiGateway::Method")
    assert sorted(method["AuthorizationType"] for method in methods) == [
        "AWS_IAM",
        "COGNITO_USER_POOLS",
        "COGNITO_USER_POOLS",
    ]


def test_a_signed_request_reaches_sagemaker_as_its_caller() -> None:
    (integration,) = (
        method["Integration"]
        for method in resources("tenant_api", "AWS::ApiGateway::Method")
        if method["AuthorizationType"] == "AWS_IAM"
    )
    assert json.dumps(integration["Credentials"]).endswith(':iam::*:user/*"]]}')
    mapped = integration["RequestParameters"]
    header = "integration.request.header.X-Amzn-SageMaker-Target-Model"
    assert mapped[header] == "method.request.path.model"
    assert "endpoints/houses/invocations" in json.dumps(integration["Uri"])


def test_the_api_has_a_usage_plan_and_logs_who_called() -> None:
    plans = resources("tenant_api", "AWS::ApiGateway::UsagePlan")
    assert [plan["Throttle"] for plan in plans] == [{"BurstLimit": 100, "RateLimit": 50}] * 2
    for stage in resources("tenant_api", "AWS::ApiGateway::Stage"):
        assert "DestinationArn" in stage["AccessLogSetting"]


def test_what_the_table_of_libraries_claims_names_its_tests() -> None:
    """Each ✓ of ours in constructs/README.md."""
    tests = {path.name for path in (EXAMPLES.parents[1] / "tests").rglob("test_*.py")}
    rows = [line.split("|") for line in README.read_text().splitlines() if line.count("|") == 7]
    claims = {row[1].strip(): set(re.findall(r"`(test_\w+\.py)`", row[6])) for row in rows
              if row[2].strip() == "✓"}  # fmt: skip
    assert len(claims) >= 18
    assert {claim: named - tests for claim, named in claims.items() if not named <= tests} == {}
    assert [claim for claim, named in claims.items() if not named] == []
