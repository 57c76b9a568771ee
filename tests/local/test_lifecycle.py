import subprocess
import sys
from pathlib import Path

from tests.local.conftest import LocalAws


def test_the_profile_alone_points_boto3_at_localaws(localaws: LocalAws) -> None:
    identity = localaws.session().client("sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/administrator"


def test_env_is_all_that_the_aws_cli_needs(localaws: LocalAws) -> None:
    assert "administrator" in localaws.run("aws", "sts", "get-caller-identity")


def test_a_second_start_says_that_it_runs(localaws: LocalAws) -> None:
    done = _localaws("start", localaws.state.directory)
    assert done.returncode == 1
    assert "localaws runs already: process" in done.stderr
    assert localaws.endpoint_url in done.stderr


def _localaws(command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localaws", command, "--state-dir", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
