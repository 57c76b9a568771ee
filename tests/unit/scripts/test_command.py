"""What every command shares: errors as one line, exit statuses, options, names as typed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from botocore.exceptions import ClientError, NoRegionError

from fleet.deployment import Deployment, DeploymentError
from fleet.errors import HousingError
from fleet.project import project_folder, spelled
from localaws import __main__ as localaws
from scripts import housing
from scripts.command import Aws, aws_options, make_command, run

ROOT = Path(__file__).parents[3]


def raising(error: BaseException) -> click.Command:
    @make_command("An example.", "housing example")
    def command() -> int:
        raise error

    return command


def returning(status: int) -> click.Command:
    @make_command("An example.", "housing example")
    def command() -> int:
        return status

    return command


@make_command("An example.", "housing example")
@aws_options
def example(aws: Aws) -> int:
    print(aws.stage)
    return 0


@pytest.mark.parametrize("name", housing.COMMANDS)
def test_every_commands_help_ends_with_an_example_of_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(housing.command, "housing", [name, "--help"]) == 0
    example = capsys.readouterr().out.partition("example:\n")[2]
    assert f"housing {name}" in example


@pytest.mark.parametrize("name", housing.COMMANDS)
def test_a_wrong_option_is_status_2(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(housing.command, "housing", [name, "--no-such-option"]) == 2
    assert "No such option" in capsys.readouterr().err


def test_the_list_of_commands_says_what_each_does_and_imports_none() -> None:
    program = (
        "import sys; from scripts.housing import command; from scripts.command import run;"
        "run(command, 'housing', ['--help']); sys.exit('boto3' in sys.modules)"
    )
    listed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert listed.returncode == 0
    for name in housing.COMMANDS:
        assert f"  {name} " in listed.stdout


def test_a_command_that_does_not_exist_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(housing.command, "housing", ["tran"]) == 2
    assert "No such command 'tran'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("main", "distribution"),
    [(housing.main, "sagemaker-mme-fleet"), (localaws.main, "sagemaker-mme-localaws")],
)
def test_the_version_is_that_of_the_distribution(
    main: Callable[[list[str]], object], distribution: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out.strip()) == (0, version(distribution))


def test_the_commands_own_status_is_the_exit_status() -> None:
    assert run(returning(0), "housing", []) == 0
    assert run(returning(1), "housing", []) == 1


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
    assert run(raising(error), "housing example", []) == 1
    assert capsys.readouterr().err == f"housing example: {line}\n"


def test_without_a_profile_the_error_says_how_to_choose_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(raising(NoRegionError()), "housing", []) == 1
    assert 'localaws env)"' in capsys.readouterr().err


def test_an_unexpected_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()), "housing", [])


def test_ctrl_c_is_status_130_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(KeyboardInterrupt()), "housing", []) == 130
    assert capsys.readouterr().err.strip() == "housing: interrupted"


def test_sigterm_cleans_up_as_ctrl_c_does_and_is_status_143() -> None:
    program = (
        "import sys, time, click\n"
        "from scripts.command import main, make_command\n"
        "@make_command('x')\n"
        "def command():\n"
        "    try:\n"
        "        print('ready', flush=True); time.sleep(60)\n"
        "    finally:\n"
        "        print('cleaned up', flush=True)\n"
        "sys.argv[1:] = []\n"
        "main(command, 'x')\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (143, "cleaned up\n")
    assert err.strip() == "python -m scripts.x: terminated"


def test_a_closed_pipe_ends_without_a_traceback() -> None:
    program = (
        "import sys\n"
        "from scripts.command import main, make_command\n"
        "@make_command('x')\n"
        "def command():\n"
        "    for _ in range(100_000): print('a line that nobody reads')\n"
        "sys.argv[1:] = []\n"
        "main(command, 'x')\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(30) == 1
    assert child.stderr.read() == ""


def test_a_stage_that_cdk_json_does_not_define_is_status_2_and_those_that_it_does_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(example, "housing", ["--stage", "test"]) == 2
    assert "'test' is not a stage of cdk.json; its stages: dev, prod" in capsys.readouterr().err


def test_any_stage_that_cdk_json_defines_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config: dict[str, object] = {"context": {"housing": {"dev": {}, "staging": {}}}}
    (tmp_path / "cdk.json").write_text(json.dumps(config))
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    project_folder.cache_clear()
    try:
        assert run(example, "housing", ["--stage", "staging"]) == 0
    finally:
        project_folder.cache_clear()
    assert capsys.readouterr().out == "staging\n"


def test_commands_work_from_any_folder(tmp_path: Path) -> None:
    housing_command = Path(sys.executable).with_name("housing")
    answered = subprocess.run(
        [housing_command, "access-check", "--templates", str(tmp_path), "--stage", "prod"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{housing_command.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert answered.returncode == 1
    assert f"cd {ROOT} && npx cdk synth -q -c stage=prod" in answered.stderr


def test_a_command_is_spelled_so_that_this_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert spelled("housing train") == "housing train"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(folder.parents[1])
    assert spelled("housing train") == ".venv/bin/housing train"
    monkeypatch.chdir(tmp_path)
    assert spelled("housing train") == f"{folder}/housing train"


def test_what_is_not_deployed_is_named_with_the_command_that_deploys_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.chdir(ROOT)
    with pytest.raises(DeploymentError) as caught:
        Deployment("prod", "us-east-1").require("endpoint_name")
    assert str(caught.value) == (
        "stack housing-prod-hosting is not deployed in us-east-1; "
        "run: npx cdk deploy housing-prod-hosting -c stage=prod"
    )


def test_a_role_that_is_not_deployed_is_named_with_those_that_are() -> None:
    deployment = Deployment("dev", "us-east-1", role_arns={"NewYork": "arn", "Chicago": "arn"})
    with pytest.raises(DeploymentError, match=r"no role 'Paris'.* roles: Chicago, NewYork"):
        deployment.role_arn("Paris")
