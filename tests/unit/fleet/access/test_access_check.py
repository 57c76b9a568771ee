"""scripts.access_check over templates: what it passes and what it finds."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import access_check
from scripts.command import run
from tests.unit.fleet.access.templates import (
    ACCESS,
    CONFIG,
    TENANT_TRUST,
    Body,
    access_with,
    account_may,
    invoke,
    policy,
    role,
    trust,
    write_assembly,
    write_config,
)

NEW_YORK, CHICAGO = "NewYork_NY/NewYork_NY.tar.gz", "Chicago_IL/Chicago_IL.tar.gz"


def access_check_status(arguments: list[str]) -> int:
    return run(access_check.command, "housing access-check", arguments)


def check(directory: Path, access: Body = ACCESS, config: Body = CONFIG, *options: str) -> int:
    templates = write_assembly(directory, access)
    config_path = write_config(directory, config)
    return access_check_status(
        ["--templates", str(templates), "--config", str(config_path), *options]
    )


def problems(directory: Path, capsys: pytest.CaptureFixture[str], **kinds: Body) -> list[str]:
    status = check(directory, **kinds)
    lines = capsys.readouterr().err.splitlines()
    assert status == (1 if lines else 0)
    return lines


def test_roles_that_do_what_the_config_says_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problems(tmp_path, capsys) == []


@pytest.mark.parametrize(
    "added",
    [
        invoke("NewYork_NY/*", "Chicago_IL/*"),
        invoke("NewYork*"),
        invoke("*"),
        invoke("Boston_MA/*"),
        invoke("NewYork_NY/*", operator="StringLikeIfExists"),
        invoke("Chicago_IL/*", operator="StringNotLike"),
        {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"},
        {"Effect": "Allow", "Action": "sagemaker:InvokeEndpointAsync", "Resource": "*"},
        {"Effect": "Allow", "Action": "sagemaker:Invoke*", "Resource": "*"},
        {**invoke("NewYork_NY/*"), "Resource": "arn:aws:sagemaker:*:*:endpoint/housing*"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
    ],
    ids=[
        "another city",
        "a prefix of the city",
        "every model",
        "a city without a model yet",
        "calls without a target model",
        "all cities but one",
        "no condition",
        "asynchronous calls",
        "every way to invoke",
        "endpoints of like names",
        "everything but IAM",
    ],
)
def test_a_role_that_may_more_than_its_config_fails(
    added: Body, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wider = access_with(Added=policy("NewYork", added))
    found = problems(tmp_path, capsys, access=wider)
    assert found
    assert all("NewYork may invoke" in line for line in found)


def test_a_policy_that_takes_the_model_in_any_case_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one_model = {"restrictedRoles": {"NewYork": {"targetModels": [NEW_YORK]}}}
    access = access_with(
        NewYorkPolicy=policy("NewYork", invoke(NEW_YORK, operator="StringEqualsIgnoreCase"))
    )
    assert problems(tmp_path, capsys, access=access, config=one_model) == [
        f"NewYork may invoke '{NEW_YORK.lower()}' by NewYorkPolicy/0; by the config it may not"
    ]


def test_a_role_that_may_less_than_its_config_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    narrower = access_with(Added=policy("NewYork", invoke("*", effect="Deny")))
    assert problems(tmp_path, capsys, access=narrower)[0] == (
        f"NewYork may not invoke '{NEW_YORK}' by Added/0; by the config it may"
    )


def test_a_role_of_another_stack_that_may_invoke_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inline = {"PolicyName": "p", "PolicyDocument": {"Statement": invoke("Dallas_TX/*")}}
    found = problems(tmp_path, capsys, access=access_with(Other=role(Policies=[inline])))
    assert "Other may invoke 'Dallas_TX/Dallas_TX.tar.gz' by p/0; by the config it may not" in found


def test_a_role_with_a_policy_of_unknown_text_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
    found = problems(tmp_path, capsys, access=access_with(Other=role(ManagedPolicyArns=[arn])))
    assert found == [f"role Other has the policy {arn}, whose text is not in the templates"]


def test_a_managed_policy_of_the_template_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    managed = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Statement": invoke("*")}},
    }
    access = access_with(Wide=managed, Other=role(ManagedPolicyArns=[{"Ref": "Wide"}]))
    assert "Other may invoke" in problems(tmp_path, capsys, access=access)[0]


def test_a_permissions_boundary_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boundary = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Statement": invoke("Chicago_IL/*")}},
    }
    limited = role(PermissionsBoundary={"Ref": "Limit"})
    found = problems(tmp_path, capsys, access=access_with(Limit=boundary, NewYork=limited))
    assert found[0] == f"NewYork may not invoke '{NEW_YORK}'; by the config it may"


def test_a_role_of_the_config_that_is_missing_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {"restrictedRoles": {**CONFIG["restrictedRoles"], "Rome": {"targetModels": ["R/*"]}}}
    assert problems(tmp_path, capsys, config=config) == ["role Rome of the config is not there"]


def test_a_role_that_is_not_in_the_config_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = problems(tmp_path, capsys, config={})
    assert found[0] == "role NewYork is there, but not in the config"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (
            {"NewYork": role(trust({**account_may("sts:AssumeRole"), "Principal": "*"}))},
            "NewYork: a stranger's account",
        ),
        (
            {"NewYork": role(trust(account_may("sts:AssumeRole", "sts:TagSession")))},
            "NewYork: with a session tag",
        ),
        (
            {"Tenants": role(trust(account_may("sts:AssumeRole", "sts:TagSession")))},
            "Tenant: without the tag City",
        ),
        (
            {
                "Tenants": role(
                    trust(
                        account_may(
                            "sts:AssumeRole",
                            "sts:TagSession",
                            StringLike={"aws:RequestTag/City": "?*"},
                        ),
                        TENANT_TRUST["Statement"][1],
                    )
                )
            },
            "Tenant: with another tag besides",
        ),
        (
            {"Tenants": role(trust(TENANT_TRUST["Statement"][0]))},
            "Tenant: a caller of another City",
        ),
    ],
    ids=["anybody", "tags", "no tag needed", "more tags", "the caller's own tag overridden"],
)
def test_a_role_that_can_be_assumed_by_too_many_or_with_too_much_fails(
    changed: dict[str, Any], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = problems(tmp_path, capsys, access=access_with(**changed))
    assert f"{problem}: the role can be assumed, and should not" in found


def test_an_external_id_of_the_config_has_to_be_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_york = {**CONFIG["restrictedRoles"]["NewYork"], "externalId": "e-1"}
    found = problems(tmp_path, capsys, config={"restrictedRoles": {"NewYork": new_york}})
    assert found == ["NewYork: without the external id: the role can be assumed, and should not"]


def test_each_cell_names_the_statement_that_decides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = {**invoke("NewYork_NY/*", effect="Deny", operator="StringNotLike"), "Sid": "Others"}
    access = access_with(NewYorkPolicy=policy("NewYork", invoke("NewYork_NY/*"), denied))
    assert check(tmp_path, access, CONFIG, "--json", "--model", NEW_YORK, "--model", CHICAGO) == 0
    session = json.loads(capsys.readouterr().out)["sessions"][0]
    decided = {cell["question"]: cell["decided_by"] for cell in session["cells"]}
    assert decided[NEW_YORK] == "NewYorkPolicy/0"
    assert decided[CHICAGO] == decided["no target model"] == "NewYorkPolicy/Others"
    assert decided["streaming"] is None


def test_the_table_marks_what_is_not_as_the_config_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wider = access_with(Added=policy("NewYork", invoke("Chicago_IL/*")))
    assert check(tmp_path, wider, CONFIG, "--model", NEW_YORK, "--model", CHICAGO) == 1
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("NewYork "))
    assert row.split()[1:3] == ["✓1", "✓2!"]


def test_the_picture_shows_every_cell(tmp_path: Path) -> None:
    picture = tmp_path / "images" / "matrix.svg"
    assert check(tmp_path, ACCESS, CONFIG, "--picture", str(picture), "--model", NEW_YORK) == 0
    svg = picture.read_text()
    assert svg.count("<title>") == 3 * 6  # three sessions; a model, one to come, four ways around
    assert f"{NEW_YORK}: allowed by NewYorkPolicy/0" in svg


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"NewYorkPolicy": policy("NewYork", {"Effect": "Allow"})}, "exactly one of Action"),
        (
            {"NewYorkPolicy": policy("NewYork", {"Effect": {"Fn::If": ["a", "b", "c"]}})},
            "housing-dev-access: the function Fn::If cannot be resolved here",
        ),
        (
            {"NewYorkPolicy": policy("NewYork", {"Resource": {"Ref": "Gone"}})},
            "housing-dev-access: nothing in the template is called Gone",
        ),
    ],
)
def test_what_cannot_be_read_is_an_error_and_not_a_pass(
    broken: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, access_with(**broken)) == 1
    assert message in capsys.readouterr().err


def test_missing_templates_say_how_to_make_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path)
    assert access_check_status(["--templates", str(tmp_path), "--config", str(config)]) == 1
    assert "npx cdk synth -q" in capsys.readouterr().err


def test_a_wrong_option_is_a_usage_error() -> None:
    assert access_check_status(["--templates", "x", "--live"]) == 2


def test_thousands_of_models_are_summed_up_and_asked_in_linear_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [f"City{n:04}_AA/City{n:04}_AA.tar.gz" for n in range(3000)]
    options = [part for model in models for part in ("--model", model)]
    assert check(tmp_path, ACCESS, CONFIG, *options) == 0
    shown = capsys.readouterr().out
    assert "3,000 models" in shown
    assert "Tenant" in shown
    assert len(shown.splitlines()) < 20


def test_a_tenant_that_reaches_its_neighbour_is_found_among_many(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [f"City{n:04}_AA/City{n:04}_AA.tar.gz" for n in range(100)]
    options = [part for model in models for part in ("--model", model)]
    wide = access_with(TenantsPolicy=policy("Tenants", invoke("*")))
    assert check(tmp_path, wide, CONFIG, *options) == 1
    line = "Tenant City=City0007_AA may invoke 'City0008_AA/City0008_AA.tar.gz'"
    assert line in capsys.readouterr().err
