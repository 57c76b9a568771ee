"""The roles of the access stack, held against the config by the project's own access check."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from scripts import access_check
from scripts.command import run
from stacks.housing import add_stacks

ROOT = Path(__file__).parents[2]
CDK_JSON: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())
Config = dict[str, Any]
Check = Callable[..., int]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Synthesize a stage, its config changed, and run the access check on the templates."""

    def synthesize_and_check(stage: str = "dev", **changes: Any) -> int:
        context = copy.deepcopy(CDK_JSON)["context"]
        context["housing"][stage] |= changes
        app = cdk.App(
            context=context,
            outdir=str(tmp_path / "cdk.out"),
            builtin_cloud_formation_validation=False,
        )
        add_stacks(app, stage)
        app.synth()
        (tmp_path / "cdk.json").write_text(json.dumps({"context": context}))
        return run(
            access_check.command,
            "housing access-check",
            ["--stage", stage, "--templates", str(tmp_path / "cdk.out"),
             "--config", str(tmp_path / "cdk.json")],
        )  # fmt: skip

    return synthesize_and_check


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_roles_may_do_what_the_config_says_and_no_more(check: Check, stage: str) -> None:
    assert check(stage) == 0


def test_several_models_and_a_shared_folder(check: Check) -> None:
    role = {"targetModels": ["NewYork_NY/*", "common/*", "Boston_MA/Boston_MA-v?.tar.gz"]}
    assert check(restrictedRoles={"East": role}) == 0


def test_a_wide_role_is_wide_in_config_and_policy(check: Check) -> None:
    assert check(restrictedRoles={"All": {"targetModels": ["*"], "allowWide": True}}) == 0


def test_an_external_id_is_asked_for(check: Check) -> None:
    role = {"targetModels": ["NewYork_NY/*"], "externalId": "tenant-4711"}
    tenant = {"externalId": "tenants-0815"}
    assert check(restrictedRoles={"NewYork": role}, tenantRole=tenant) == 0


def test_several_ways_to_assume_a_role(check: Check) -> None:
    assumers = [
        {"account": "210987654321"},
        {"role": "arn:aws:iam::210987654321:role/app"},
        {"service": "lambda.amazonaws.com"},
        {
            "oidcProvider": "token.actions.githubusercontent.com",
            "subject": "repo:example/houses:ref:refs/heads/main",
        },
    ]
    role = {"targetModels": ["NewYork_NY/*"], "assumedBy": assumers}
    assert check(restrictedRoles={"NewYork": role}, tenantRole={"assumedBy": assumers}) == 0


def test_the_roles_of_the_guide_do_what_it_says(check: Check) -> None:
    guide = (ROOT / "docs" / "access.md").read_text()
    example = guide.partition("```json\n")[2].partition("```")[0]
    assert check(**json.loads("{" + example + "}")) == 0


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The access stack of a stage that records invocations; test_validation.py checks it."""
    context = copy.deepcopy(CDK_JSON)["context"]
    context["housing"]["dev"]["auditTrail"] = True
    directory = str(tmp_path_factory.mktemp("audited"))
    app = cdk.App(context=context, outdir=directory, builtin_cloud_formation_validation=False)
    access = add_stacks(app, "dev").access
    return Template.from_stack(access)


def test_the_trail_records_the_invocations_of_the_endpoint_and_nothing_else(
    audited: Template,
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/logging-using-cloudtrail.html"""
    (trail,) = audited.find_resources("AWS::CloudTrail::Trail").values()
    (selector,) = trail["Properties"]["AdvancedEventSelectors"]
    fields = {field["Field"]: field["Equals"] for field in selector["FieldSelectors"]}
    assert fields["eventCategory"] == ["Data"]
    assert fields["resources.type"] == ["AWS::SageMaker::Endpoint"]
    assert "endpoint/housing-dev" in json.dumps(fields["resources.ARN"])
    assert "EventSelectors" not in trail["Properties"]
    assert trail["Properties"]["EnableLogFileValidation"] is True


def test_the_records_are_private_and_expire(audited: Template) -> None:
    (bucket,) = audited.find_resources("AWS::S3::Bucket").values()
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    (rule, *_) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 365


def test_no_trail_unless_asked_for() -> None:
    app = cdk.App(context=CDK_JSON["context"], builtin_cloud_formation_validation=False)
    template = Template.from_stack(add_stacks(app, "dev").access)
    template.resource_count_is("AWS::CloudTrail::Trail", 0)
