"""scripts.access_check against what is deployed."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.local.access.conftest import CHICAGO, NEW_YORK, Access
from tests.local.commands import housing
from tests.local.conftest import ROOT

INVOKE_CHICAGO = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sagemaker:InvokeEndpoint",
        "Resource": "*",
        "Condition": {"StringLike": {"sagemaker:TargetModel": "Chicago_IL/*"}},
    },
}


def access_check(access: Access, *options: str) -> subprocess.CompletedProcess[str]:
    models = ("--model", NEW_YORK, "--model", CHICAGO)
    return housing(access.aws, "access-check", *models, *options)


def test_really_invoking_every_model_agrees_with_the_policies(access: Access) -> None:
    done = access_check(access, "--live")
    assert (done.returncode, done.stderr) == (0, "")
    assert "live: 28 of 28 cells as the policies say" in done.stdout


def test_json_tells_what_each_invocation_came_to(access: Access) -> None:
    sessions = json.loads(access_check(access, "--live", "--json").stdout)["sessions"]
    (chicago,) = (session for session in sessions if session["session"] == "Chicago")
    answers = {cell["question"]: cell["live"] for cell in chicago["cells"]}
    assert answers[CHICAGO] == "invoked"
    assert answers[NEW_YORK] == answers["streaming"] == "AccessDeniedException"


@pytest.fixture
def widened(access: Access) -> Iterator[None]:
    """Somebody lets the role of New York invoke Chicago, and takes its denials away."""
    iam = access.aws.session().client("iam")
    role = access.deployment.role_arn("NewYork").rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(INVOKE_CHICAGO))
    yield
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(before))


@pytest.mark.usefixtures("widened")
def test_a_role_changed_by_hand_fails(access: Access) -> None:
    done = access_check(access, "--deployed")
    assert done.returncode == 1
    assert f"NewYork may invoke '{CHICAGO}'" in done.stderr
    assert f"NewYork may not invoke '{NEW_YORK}'; by the config it may" in done.stderr


def test_without_credentials_the_error_is_one_line(access: Access) -> None:
    hidden = {**access.aws.environment, "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    done = subprocess.run(
        ("python", "-m", "scripts.access_check", "--deployed"),
        cwd=ROOT,
        env=hidden,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("python -m scripts.access_check: Unable to locate credentials")
