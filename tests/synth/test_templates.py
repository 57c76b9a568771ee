"""Properties that hold for every template, whatever the stage."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_by_config
from cfnlint.config import ManualArgs
from parliament import analyze_policy_string

from tests.synth.conftest import PARTS, STAGES

Template = dict[str, Any]
Templates = Mapping[tuple[str, str], Template]

STATEFUL = {
    "ModelStoreKey64EFBA0A": "AWS::KMS::Key",
    "ModelStoreBucket9405F36E": "AWS::S3::Bucket",
    "ModelStoreAccessLogsE6BA2A6E": "AWS::S3::Bucket",
}


def resources(template: Template, kind: str) -> list[dict[str, Any]]:
    return [
        resource.get("Properties", {})
        for resource in template["Resources"].values()
        if resource["Type"] == kind
    ]


def policy_documents(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """(logical id, document) of every identity and trust policy.

    parliament knows no resource policies; those of buckets and key are the CDK's own.
    """
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Policy":
            yield logical_id, properties["PolicyDocument"]
        if trust := properties.get("AssumeRolePolicyDocument"):
            role = {"Resource": "arn:aws:iam::123456789012:role/this"}  # which parliament wants
            yield logical_id, trust | {"Statement": [s | role for s in trust["Statement"]]}


def as_deployed(value: Any) -> Any:
    """CloudFormation's functions replaced by what they could come to."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(as_deployed(part) for part in parts)
        case {"Fn::GetStackOutput": {"OutputName": str(name)}}:
            return _attribute(name)
        case {"Fn::GetAtt": [str(logical_id), "Arn"]}:
            return _attribute(logical_id)
        case {"Fn::FindInMap": _}:
            return "123456789012"
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": "AWS::Region"}:
            return "us-east-1"
        case {"Ref": "AWS::AccountId"}:
            return "123456789012"
        case {"Ref": name} if name.startswith(("Runs", "StateMachine")):
            return _attribute(name)
        case {"Ref": name}:
            return name.lower()
        case dict():
            return {key: as_deployed(item) for key, item in value.items()}
        case list():
            return [as_deployed(item) for item in value]
    return value


def _attribute(name: str) -> str:
    """An ARN for a resource of that logical id, or an output with it in its name."""
    place = "us-east-1:123456789012"
    if "Key" in name:
        return f"arn:aws:kms:{place}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    if "Logs" in name and "AccessLogs" not in name:
        return f"arn:aws:logs:{place}:log-group:group:log-stream:stream"
    for part, arn in (
        ("Registry", f"arn:aws:dynamodb:{place}:table/registry"),
        ("TrainingRole", "arn:aws:iam::123456789012:role/training"),
        ("Function", f"arn:aws:lambda:{place}:function:function"),
        ("StateMachine", f"arn:aws:states:{place}:stateMachine:machine"),
        ("Runs", f"arn:aws:sns:{place}:runs"),
    ):
        if part in name:
            return arn
    if "ServerErrors" in name:
        return f"arn:aws:cloudwatch:{place}:alarm:alarm"
    return "arn:aws:s3:::model-store"


@pytest.mark.parametrize("stage", STAGES)
def test_cfn_lint_finds_nothing(assembly_folders: Mapping[str, Path], stage: str) -> None:
    files = [str(path) for path in assembly_folders[stage].glob("*.template.json")]
    assert len(files) == len(PARTS)
    # The model waits for its role's policy; the CDK then writes the role itself down as well.
    redundant_depends_on = "W3005"
    config = ManualArgs(
        templates=files,
        regions=["us-east-1", "eu-central-1"],
        ignore_checks=[redundant_depends_on],
    )
    assert [str(match) for match in lint_by_config(config)] == []


def test_parliament_finds_nothing_in_any_policy(template: Template) -> None:
    # It wants an express execution beside the standard one; ours are standard.
    either = "'action': 'states:DescribeExecution', 'required_format': 'arn:*:states:*:*:express:"
    findings = [
        f"{logical_id}: {finding}"
        for logical_id, document in policy_documents(template)
        for finding in analyze_policy_string(json.dumps(as_deployed(document))).findings
        if either not in str(finding)
    ]
    assert findings == []


def test_functions_empty_what_is_destroyed_or_retrain(templates: Templates) -> None:
    """A stage that keeps its data runs no functions."""
    kinds = {
        pair: sorted(
            kind
            for resource in template["Resources"].values()
            if (kind := resource["Type"]).startswith(("Custom::", "AWS::Lambda::"))
        )
        for pair, template in templates.items()
    }
    empties = ["AWS::Lambda::Function"] * 2 + ["Custom::AWS"] + ["Custom::S3AutoDeleteObjects"] * 2
    assert {pair: found for pair, found in kinds.items() if found} == {
        ("dev", "storage"): empties,
        **{(stage, "retraining"): ["AWS::Lambda::Function"] for stage in STAGES},
    }


def test_functions_log_into_groups_of_their_stack(templates: Templates) -> None:
    storage = templates["dev", "storage"]["Resources"]
    groups = {
        function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        for function in storage.values()
        if function["Type"] == "AWS::Lambda::Function"
    }
    assert {storage[name]["DeletionPolicy"] for name in groups} == {"Delete"}
    assert "logs:CreateLogGroup" not in json.dumps(
        [storage[name] for name in storage if "Training" not in name]
    )


def test_no_role_has_a_managed_policy(template: Template) -> None:
    assert not any("ManagedPolicyArns" in role for role in resources(template, "AWS::IAM::Role"))


def test_only_templates_and_the_cdks_own_functions_are_uploaded(
    assembly_folders: Mapping[str, Path],
) -> None:
    for folder in assembly_folders.values():
        for manifest in folder.glob("*.assets.json"):
            assets = json.loads(manifest.read_text())
            uploaded = [
                file["source"]["path"]
                for file in assets["files"].values()
                if "Custom" not in file["displayName"]
                and "AWS679f53fac" not in file["displayName"]
                and "Function/Code" not in file["displayName"]
            ]
            assert uploaded == [manifest.name.replace(".assets.json", ".template.json")]
            assert assets.get("dockerImages", {}) == {}


@pytest.mark.parametrize("stage", STAGES)
def test_logical_ids_of_stateful_resources_are_pinned(templates: Templates, stage: str) -> None:
    """CloudFormation replaces a resource whose logical id changes, with all that is in it."""
    storage = templates[stage, "storage"]["Resources"]
    kinds = ("AWS::KMS::Key", "AWS::S3::Bucket")
    found = {name: item["Type"] for name, item in storage.items() if item["Type"] in kinds}
    assert found == STATEFUL


def test_prod_keeps_what_is_stateful_and_dev_does_not(templates: Templates) -> None:
    for stage, policy in (("prod", "RetainExceptOnCreate"), ("dev", "Delete")):
        storage = templates[stage, "storage"]["Resources"]
        assert {storage[name]["DeletionPolicy"] for name in STATEFUL} == {policy}


def test_prod_is_protected_from_termination(assembly_folders: Mapping[str, Path]) -> None:
    protected = {}
    for stage, folder in assembly_folders.items():
        manifest = json.loads((folder / "manifest.json").read_text())
        stacks = [
            a for a in manifest["artifacts"].values() if a["type"] == "aws:cloudformation:stack"
        ]
        protected[stage] = {
            stack["properties"].get("terminationProtection", False) for stack in stacks
        }
    assert protected == {"dev": {False}, "prod": {True}}


@pytest.mark.parametrize("stage", STAGES)
def test_outputs_that_scripts_read(templates: Templates, stage: str) -> None:
    outputs = {
        part: {
            key for key in templates[stage, part]["Outputs"] if not key.startswith("PublishOutput")
        }
        for part in ("storage", "hosting", "access", "monitoring", "retraining")
    }
    assert outputs == {
        "storage": {"BucketName", "KeyArn", "RegistryTableName", "TrainingRoleArn"},
        "hosting": {"EndpointName", "EndpointArn"},
        "access": {"NewYorkRoleArn", "ChicagoRoleArn", "TenantRoleArn"},
        "monitoring": {"DashboardName", "ClientLogGroupName"},
        "retraining": {"StateMachineArn", "TopicArn"},
    }


@pytest.mark.parametrize("stage", STAGES)
def test_the_preprocessor_comes_from_ssm_when_the_stack_is_deployed(
    templates: Templates, stage: str
) -> None:
    hosting = templates[stage, "hosting"]
    (name,) = (key for key in hosting["Parameters"] if key != "BootstrapVersion")
    assert hosting["Parameters"][name] == {
        "Type": "AWS::SSM::Parameter::Value<String>",
        "Default": f"/housing/{stage}/preprocessor/model-data-url",
    }
    (model,) = resources(hosting, "AWS::SageMaker::Model")
    assert model["Containers"][0]["ModelDataUrl"] == {"Ref": name}


@pytest.mark.parametrize("stage", STAGES)
def test_monitoring_needs_no_other_stack_and_access_the_registry_alone(
    templates: Templates, stage: str
) -> None:
    assert "Fn::GetStackOutput" not in json.dumps(templates[stage, "monitoring"])
    needed = re.findall(r'"OutputName": "(\w+)"', json.dumps(templates[stage, "access"]))
    assert len(set(needed)) == 1
    assert needed[0].startswith("PublishOutputFnGetAttRegistry")
