"""Every key of the deployment config does what it says, and passes all checks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from app import add_checks
from fleet.config import ConfigError, DeploymentConfig, load_config
from stacks.housing import add_stacks
from stacks.limits import assembly_problems
from tests.synth.conftest import PARTS, deployed_context

Template = dict[str, Any]
Templates = Mapping[tuple[str, str], Template]
QUIET = {"@aws-cdk/core:validationReportPrettyPrint": False}
SCALING = {"minCapacity": 2, "maxCapacity": 4, "invocationsPerInstance": 600}
ROLE = {"targetModels": ["Austin_TX/*"], "assumedBy": [{"account": "111122223333"}]}
KEYS: dict[str, tuple[Any, str, str]] = {
    "account": ("123456789012", "hosting", '"aws:SourceAccount": "123456789012"'),
    "region": ("eu-central-1", "hosting", ".dkr.ecr.eu-central-1."),
    "instanceType": ("ml.r5.large", "hosting", '"InstanceType": "ml.r5.large"'),
    "instanceCount": (3, "hosting", '"InitialInstanceCount": 3'),
    "autoScaling": (SCALING, "hosting", '"TargetValue": 600'),
    "modelCache": ("Disabled", "hosting", '"ModelCacheSetting": "Disabled"'),
    "networkIsolation": (False, "hosting", '"EnableNetworkIsolation": true'),
    "logRetention": ("ONE_DAY", "hosting", '"RetentionInDays": 1'),
    "removalPolicy": ("RETAIN", "storage", '"DeletionPolicy": "RetainExceptOnCreate"'),
    "alarmTopicArn": ("arn:aws:sns:us-east-1:123456789012:pager", "monitoring", ":pager"),
    "alarmEmails": (["on-call@example.com"], "monitoring", '"Endpoint": "on-call@example.com"'),
    "restrictedRoles": ({"Austin": ROLE}, "access", '"AustinRoleArn"'),
    "tenantRole": ({"maxSessionHours": 2}, "access", '"MaxSessionDuration": 7200'),
    "retraining": ({"schedule": "rate(1 day)"}, "retraining", '"rate(1 day)"'),
    "keepVersions": (3, "retraining", '"KEEP_VERSIONS": "3"'),
    "auditTrail": (True, "access", '"AWS::CloudTrail::Trail"'),
}
"""A value for each key, and what that puts into which stack."""
TOGETHER = (
    ("account", "instanceType", "removalPolicy", "alarmTopicArn", "retraining"),
    ("region", "instanceCount", "alarmEmails", "tenantRole"),
    ("autoScaling", "modelCache", "keepVersions", "auditTrail"),
    ("networkIsolation", "logRetention", "restrictedRoles"),
)
"""Keys that know nothing of each other, and so share a synth."""
ABSENT = {"networkIsolation"}
ELSEWHERE = {"gate", "github", "terminationProtection"}
"""Keys that change no template; other tests are theirs."""


def synthesize(folder: Path, checks: bool = False, **changes: Any) -> Mapping[str, str]:
    """The templates of stage dev, as text, with a changed config."""
    context = deployed_context() | QUIET
    context["housing"]["dev"] |= changes
    app = cdk.App(context=context, outdir=str(folder), builtin_cloud_formation_validation=checks)
    add_stacks(app, "dev")
    if checks:
        add_checks(app)
    app.synth()
    return {
        part: json.dumps(json.loads((folder / f"housing-dev-{part}.template.json").read_text()))
        for part in PARTS
    }


def test_every_key_is_tried() -> None:
    fields = {field.alias for field in DeploymentConfig.model_fields.values()}
    assert fields == KEYS.keys() | ELSEWHERE


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """By key, the templates of stage dev when it and those of its group are set."""
    found: dict[str, Mapping[str, str]] = {}
    for keys in TOGETHER:
        changes = {key: KEYS[key][0] for key in keys}
        templates = synthesize(tmp_path_factory.mktemp("cdk.out"), **changes)
        found |= dict.fromkeys(keys, templates)
    return found


@pytest.mark.parametrize("key", KEYS)
def test_a_key_has_its_effect(
    key: str, templates: Templates, changed: Mapping[str, Mapping[str, str]]
) -> None:
    _, part, expected = KEYS[key]
    before = json.dumps(templates["dev", part])
    after = changed[key][part]
    if key in ABSENT:
        before, after = after, before
    assert expected not in before
    assert expected in after


@pytest.mark.parametrize(
    "keys",
    [
        ("region",),
        ("account",),
        tuple(sorted(KEYS.keys() - {"alarmTopicArn"})),
    ],
    ids=["region", "account", "all"],
)
def test_all_checks_pass(tmp_path: Path, keys: tuple[str, ...]) -> None:
    synthesize(tmp_path, checks=True, **{key: KEYS[key][0] for key in keys})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"restrictedRoles": {f"R{n}": ROLE for n in range(1000)}},
            "restrictedRoles has 1,000 roles, and CloudFormation lets one stack hold 199;",
        ),
        ({"region": "me-central-1"}, "region me-central-1 has no AWS::SageMaker resource types"),
        ({"region": "Frankfurt"}, "region Frankfurt is no AWS region"),
        ({"alarmEmails": ["nobody"]}, "alarmEmails.0: "),
    ],
)
def test_what_cannot_be_deployed_is_one_sentence(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"dev": changes}, "dev")
    [_, line] = str(caught.value).splitlines()
    assert line.startswith(f"  - {message}")


def test_github_gets_roles_that_its_environments_and_pull_requests_alone_assume(
    tmp_path: Path,
) -> None:
    github = {"repository": "example/houses", "environments": ["dev"], "promotedBy": ["prod"]}
    synthesize(tmp_path, checks=True, github=github)
    template = json.loads((tmp_path / "housing-dev-delivery.template.json").read_text())
    trusted = {
        name: statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
        for statement in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    }
    assert sorted(trusted.values()) == [
        ["repo:example/houses:environment:dev"],
        ["repo:example/houses:environment:prod"],
        ["repo:example/houses:pull_request"],
    ]
    assert "AdministratorAccess" not in json.dumps(template)


def test_where_get_stack_output_is_not_documented_exports_are_used(tmp_path: Path) -> None:
    """All checks pass there too: what cdk-nag finds is acknowledged under its other name."""
    github = {"repository": "example/houses", "environments": ["dev"]}
    synthesize(tmp_path, checks=True, region="us-gov-west-1", github=github)
    texts = [path.read_text() for path in tmp_path.glob("*.template.json")]
    assert not any("Fn::GetStackOutput" in text for text in texts)
    assert any("Fn::ImportValue" in text for text in texts)


def test_what_is_too_much_for_a_stack_is_one_sentence(tmp_path: Path) -> None:
    context = deployed_context() | QUIET
    app = cdk.App(context=context, outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    stacks = add_stacks(app, "dev")
    for number in range(500):
        cdk.CfnResource(stacks.access, f"X{number}", type="A::B::C")
    [problem] = assembly_problems(app.synth())
    assert problem.startswith("housing-dev-access cannot be deployed: 5")
    assert problem.endswith("resources, and CloudFormation allows 500 in a stack")


def test_scaling_can_be_left_out_for_one_deployment(tmp_path: Path) -> None:
    """Which is how the instance type of a scaled endpoint is changed."""
    context = deployed_context() | {"autoScaling": "off"}
    app = cdk.App(context=context, outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    add_stacks(app, "prod")
    app.synth()
    hosting = (tmp_path / "housing-prod-hosting.template.json").read_text()
    assert "AWS::ApplicationAutoScaling" not in hosting
