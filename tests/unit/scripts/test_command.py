import argparse
import importlib
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, NoRegionError

from fleet.deployment import Deployment, DeploymentError
from fleet.errors import HousingError
from scripts.command import make_parser, not_negative_number, positive, run_command

SCRIPTS = ("train", "predict", "add_model", "publish", "teardown", "demo")


def run(command: Callable[[argparse.Namespace], int], *arguments: str) -> int:
    parser = make_parser("example", "An example.", "python -m scripts.example")
    return run_command(parser, command, arguments)


def raising(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def command(options: argparse.Namespace) -> int:
        raise error

    return command


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_scripts_help_ends_with_an_example_of_it(
    script: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"scripts.{script}").main(["--help"])
    assert ended.value.code == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.startswith(f"  python -m scripts.{script}")


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_wrong_option_is_status_2(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"scripts.{script}").main(["--no-such-option"])
    assert ended.value.code == 2


def test_the_commands_own_status_is_the_exit_status() -> None:
    assert run(lambda options: 0) == 0
    assert run(lambda options: 1) == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (HousingError("no such city"), "no such city"),
        (DeploymentError("stack is not deployed"), "stack is not deployed"),
        (FileNotFoundError(2, "No such file", "x.csv"), "[Errno 2] No such file: 'x.csv'"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject"),
            "An error occurred (AccessDenied) when calling the GetObject operation: no",
        ),
    ],
)
def test_an_expected_error_is_one_line_and_status_1(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raising(error)) == 1
    assert capsys.readouterr().err == f"python -m scripts.example: {line}\n"


def test_without_a_profile_the_error_says_how_to_choose_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(raising(NoRegionError())) == 1
    assert 'eval "$(python -m localaws env)"' in capsys.readouterr().err


def test_an_unexpected_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


def test_ctrl_c_is_status_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "python -m scripts.example: interrupted\n"


def test_a_stage_that_does_not_exist_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(lambda options: 0, "--stage", "test")
    assert ended.value.code == 2
    assert "choose from" in capsys.readouterr().err


def test_a_number_must_be_above_zero() -> None:
    assert positive("3") == 3
    with pytest.raises(argparse.ArgumentTypeError, match="0 is not above 0"):
        positive("0")


@pytest.mark.parametrize("text", ["-1", "nan", "inf"])
def test_a_share_must_be_a_number_of_at_least_zero(text: str) -> None:
    assert not_negative_number("0.02") == 0.02
    with pytest.raises(argparse.ArgumentTypeError, match=f"{text} is not a number of at least 0"):
        not_negative_number(text)


def test_what_is_not_deployed_is_named_with_the_command_that_deploys_it() -> None:
    with pytest.raises(DeploymentError) as caught:
        Deployment("dev", "us-east-1").require("endpoint_name")
    assert str(caught.value) == (
        "stack housing-dev-hosting is not deployed in us-east-1; "
        "run: npx cdk deploy housing-dev-hosting"
    )


def test_a_role_that_is_not_deployed_is_named_with_those_that_are() -> None:
    deployment = Deployment("dev", "us-east-1", role_arns={"NewYork": "arn", "Chicago": "arn"})
    with pytest.raises(DeploymentError, match=r"no role 'Paris'.* roles: Chicago, NewYork"):
        deployment.role_arn("Paris")
