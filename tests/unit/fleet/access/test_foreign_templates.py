"""Other people's templates: what their roles may invoke, in the command and in their own tests."""

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.access.testing import assert_access
from fleet.errors import HousingError
from scripts import access_check
from scripts.command import run
from tests.unit.fleet.access.templates import Body, account_may, role, trust

ARN = {"Fn::ImportValue": "EndpointArn"}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
LAMBDA = trust(
    {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }
)
ENDPOINT: Body = {
    "Resources": {"E": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointName": "p"}}},
    "Outputs": {"Arn": {"Value": {"Ref": "E"}, "Export": {"Name": "EndpointArn"}}},
}


def invokes(*patterns: str, **more: Any) -> Body:
    condition = {"StringLike": {"sagemaker:TargetModel": list(patterns)}} if patterns else {}
    return {
        "Effect": "Allow",
        "Action": "sagemaker:InvokeEndpoint",
        "Resource": ARN,
        "Condition": condition,
        **more,
    }


def with_policy(statement: Body, trust_document: Body | None = None) -> Body:
    document = {"Version": "2012-10-17", "Statement": [statement]}
    made = role(
        trust_document,
        Policies=[{"PolicyName": "Invoke", "PolicyDocument": document}],
        ManagedPolicyArns=[BASIC],
    )
    return made


PARTNER = with_policy(invokes("Boston_MA/*"))
CALLER = with_policy(invokes(), LAMBDA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two stacks of somebody's app: the one that imports is the first by name."""
    return write(tmp_path / "cdk.out", Partner=PARTNER)


def write(folder: Path, **roles: Body) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "A.template.json").write_text(json.dumps({"Resources": roles}))
    (folder / "Z.template.json").write_text(json.dumps(ENDPOINT))
    metadata = {
        f"/Shop/{name}/Resource": [{"type": "aws:cdk:logicalId", "data": name}] for name in roles
    }
    stack = {"properties": {"templateFile": "A.template.json"}, "metadata": metadata}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"A": stack}}))
    return folder


def check(*arguments: str | Path) -> int:
    return run(access_check.command, "housing access-check", [str(each) for each in arguments])


def test_a_role_is_held_against_its_own_condition(folder: Path) -> None:
    assert check("--templates", folder) == 0


def test_a_role_without_a_condition_may_invoke_any_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, Partner=PARTNER, Caller=CALLER)
    assert check("--templates", folder) == 1
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("Shop/Caller may invoke") for line in lines)
    assert "by its own conditions it may not" in lines[0]


def test_a_file_says_what_is_expected(folder: Path, tmp_path: Path) -> None:
    write(folder, Partner=PARTNER, Caller=CALLER)
    expected = tmp_path / "access.json"
    expected.write_text('{"Shop/Partner": ["Boston_MA/*"], "Shop/Call*": ["*"]}')
    assert check("--templates", folder, "--expect", expected) == 0
    expected.write_text('["Shop/Partner"]')
    assert check("--templates", folder, "--expect", expected) == 1


def test_it_may_be_less_than_expected(folder: Path) -> None:
    with pytest.raises(AssertionError, match=r"Shop/Partner may not invoke 'Austin_TX/x'"):
        assert_access(folder, {"Shop/Partner": ["Boston_MA/*", "Austin_TX/*"]})


def test_a_role_that_nobody_expects_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, Partner=PARTNER, Caller=CALLER)
    with pytest.raises(AssertionError, match="Shop/Caller may invoke"):
        assert_access(folder, {"Partner": ["Boston_MA/*"]})


def test_a_role_that_is_expected_and_not_there_is_told(folder: Path) -> None:
    with pytest.raises(AssertionError, match="role Ops of the expectation is not there"):
        assert_access(folder, {"Ops": ["*/*"], "Partner": ["Boston_MA/*"]})


def test_a_policy_whose_text_is_elsewhere_is_told_unless_it_is_harmless(tmp_path: Path) -> None:
    full = {**PARTNER, "Properties": {**PARTNER["Properties"]}}
    full["Properties"]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]
    with pytest.raises(AssertionError, match="AmazonSageMakerFullAccess, whose text is not"):
        assert_access(write(tmp_path, Partner=full), {"Partner": ["Boston_MA/*"]})


def test_a_role_that_strangers_may_assume_is_told(tmp_path: Path) -> None:
    anyone = trust({**account_may("sts:AssumeRole"), "Principal": {"AWS": "*"}})
    open_role = with_policy(invokes("Boston_MA/*"), anyone)
    with pytest.raises(AssertionError, match="Shop/Partner: a stranger's account"):
        assert_access(write(tmp_path, Partner=open_role), {"Partner": ["Boston_MA/*"]})


def test_a_policy_of_another_stack_counts(folder: Path) -> None:
    body = json.loads((folder / "A.template.json").read_text())
    body["Outputs"] = {"R": {"Value": {"Ref": "Partner"}, "Export": {"Name": "Role"}}}
    (folder / "A.template.json").write_text(json.dumps(body))
    document = {"Version": "2012-10-17", "Statement": [invokes("*")]}
    wide = {"PolicyName": "w", "PolicyDocument": document, "Roles": [{"Fn::ImportValue": "Role"}]}
    later = {"Resources": {"Wide": {"Type": "AWS::IAM::Policy", "Properties": wide}}}
    (folder / "B.template.json").write_text(json.dumps(later))
    with pytest.raises(AssertionError, match="by Wide"):
        assert_access(folder, {"Partner": ["Boston_MA/*"]})


def test_a_folder_without_templates_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HousingError, match="no CloudFormation templates in JSON"):
        assert_access(tmp_path, {})


# Two states


def saved(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], **roles: Body) -> Path:
    check("--templates", write(tmp_path / name, **roles), "--json")
    file = tmp_path / f"{name}.json"
    file.write_text(capsys.readouterr().out)
    return file


def test_diff_tells_what_is_wider_and_what_is_narrower(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = saved(tmp_path, "before", capsys, Partner=PARTNER)
    wide = with_policy(invokes())
    after = saved(tmp_path, "after", capsys, Partner=wide, Caller=CALLER)
    assert check("diff", before, after) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "Shop/Partner may now invoke 'no target model' by Invoke/0" in lines
    assert any(line.startswith("Shop/Caller is new, and may invoke") for line in lines)
    assert check("diff", after, before) == 1
    assert "Shop/Partner may no longer invoke 'no target model'" in capsys.readouterr().out


def test_diff_of_equal_states_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = saved(tmp_path, "one", capsys, Partner=PARTNER)
    assert check("diff", report, report) == 0
    assert capsys.readouterr().out == "both decide the same\n"


def test_diff_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = saved(tmp_path, "before", capsys, Partner=PARTNER)
    after = saved(tmp_path, "after", capsys, Partner=with_policy(invokes()))
    assert check("diff", before, after, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["wider"]
    assert not document["narrower"]


def test_diff_of_another_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "x.json"
    other.write_text('{"a": 1}')
    assert check("diff", other, other) == 1
    assert "is no report of housing access-check --json" in capsys.readouterr().err


def test_one_session_of_many_can_be_looked_into(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check("--templates", folder, "--session", "Shop/P*") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Shop/Partner\n")
    assert "✓  Boston_MA/x" in shown
    assert check("--templates", folder, "--session", "Nobody*") == 1
