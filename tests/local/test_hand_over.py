"""What the workflows run, on localaws, as the roles and with the tokens that they have there."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from fleet.deployment import find_deployment
from localaws import lifecycle
from localaws.identity_tokens import AUDIENCE, GITHUB, TokenIssuer
from localaws.testing import LocalAws
from tests.local.assembly import Assembly
from tests.local.conftest import ROOT, StartLocalAws

CITY = "Chicago_IL"
REPOSITORY = "example/houses"
PULL_REQUEST = f"repo:{REPOSITORY}:pull_request"
CONFIGS = {
    "dev": {"repository": REPOSITORY, "environments": ["dev"], "promotedBy": ["prod"]},
    "prod": {"repository": REPOSITORY, "environments": ["prod"]},
}


def environment(name: str) -> str:
    """The subject of the jobs of one GitHub environment."""
    return f"repo:{REPOSITORY}:environment:{name}"


class GitHub:
    """GitHub's side: it gives jobs tokens, and they get sessions for them."""

    def __init__(self, aws: LocalAws, outputs: dict[str, dict[str, str]]) -> None:
        self.aws = aws
        self.outputs = outputs
        self._issuer = TokenIssuer(aws.state.token_key)

    def token(self, subject: str) -> str:
        return self._issuer.sign(issuer=GITHUB, subject=subject, audience=AUDIENCE, seconds=3600)

    def session(self, stage: str, role: str, subject: str) -> boto3.Session:
        """A session of a role of a stage's delivery stack, as a job of this subject gets it."""
        answer = (
            self.aws.session()
            .client("sts")
            .assume_role_with_web_identity(
                RoleArn=self.outputs[stage][f"{role}Arn"],
                RoleSessionName="GitHubActions",
                WebIdentityToken=self.token(subject),
            )
        )
        keys = answer["Credentials"]
        return self.aws.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def run(self, home: Path, session: boto3.Session, *command: str, subject: str = "") -> str:
        """Run a command as a job does: no profile, only the keys of its session."""
        credentials = session.get_credentials()
        assert credentials is not None
        keys = credentials.get_frozen_credentials()
        token_file = home / "token"
        token_file.write_text(self.token(subject))
        variables: dict[str, Any] = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CI": "true",
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_SESSION_TOKEN": keys.token,
            "AWS_REGION": self.aws.state.region,
            "AWS_DEFAULT_REGION": self.aws.state.region,
            "AWS_ENDPOINT_URL": self.aws.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "IDENTITY_TOKEN_FILE": str(token_file),
        }
        done: Any = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return str(done.stdout + done.stderr)


@pytest.fixture(scope="module")
def github(
    start_bootstrapped: StartLocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GitHub]:
    """Stage dev with one model, not yet hosted, prod with nothing; both handed over to GitHub."""
    directory = tmp_path_factory.mktemp("handed-over")
    aws = start_bootstrapped(directory / "state")
    try:
        iam = aws.session().client("iam")
        iam.create_open_id_connect_provider(Url=GITHUB, ClientIDList=[AUDIENCE])
        outputs = {}
        for stage, config in CONFIGS.items():
            assembly = Assembly.synthesize(
                aws, directory / f"{stage}.out", stage, like=stage, github=config
            )
            assembly.deploy("storage", "delivery")
            outputs[stage] = assembly.outputs("delivery")
        train = ("--city", CITY, "--houses", "200")
        aws.run("housing", "train", *train, cwd=ROOT)
        yield GitHub(aws, outputs)
    finally:
        lifecycle.stop(directory / "state")


@pytest.mark.parametrize(
    ("stage", "role", "subject"),
    [
        ("dev", "DeployRole", environment("prod")),
        ("dev", "DeployRole", PULL_REQUEST),
        ("dev", "DeployRole", "repo:example/fork:environment:dev"),
        ("prod", "DeployRole", environment("dev")),
        ("dev", "PromotionRole", environment("dev")),
        ("dev", "DiffRole", environment("dev")),
    ],
)
def test_another_repository_or_environment_gets_no_role(
    github: GitHub, stage: str, role: str, subject: str
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        github.session(stage, role, subject)


def test_a_pull_request_shows_diff_and_access_matrix(github: GitHub, tmp_path: Path) -> None:
    session = github.session("dev", "DiffRole", PULL_REQUEST)
    shown = github.run(tmp_path, session, ".ci/diff", "dev")
    assert "Stack housing-dev-hosting" in shown
    assert "AWS::SageMaker::Endpoint" in shown
    assert "NewYork" in shown


def test_a_pull_request_can_change_nothing(github: GitHub) -> None:
    session = github.session("dev", "DiffRole", PULL_REQUEST)
    with pytest.raises(ClientError, match="AccessDenied"):
        session.client("sts").assume_role(
            RoleArn="arn:aws:iam::123456789012:role/cdk-hnb659fds-deploy-role-123456789012-us-east-1",
            RoleSessionName="attack",
        )


def test_what_promotes_reads_the_stage_and_writes_nothing(github: GitHub) -> None:
    session = github.session("dev", "PromotionRole", environment("prod"))
    bucket = find_deployment(session, "dev").require("bucket_name")
    s3: Any = session.client("s3")
    s3.get_object(Bucket=bucket, Key=f"models/{CITY}/{CITY}.tar.gz")
    attempts: dict[str, dict[str, Any]] = {
        "put_object": {"Key": "models/x/x.tar.gz", "Body": b""},
        "delete_object": {"Key": f"models/{CITY}/{CITY}.tar.gz"},
        "list_objects_v2": {"Prefix": "raw/"},
    }
    for operation, request in attempts.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(s3, operation)(Bucket=bucket, **request)


def test_prod_gets_the_models_and_the_preprocessor_of_dev(github: GitHub, tmp_path: Path) -> None:
    subject = environment("prod")
    session = github.session("prod", "DeployRole", subject)
    promotion_role = github.outputs["dev"]["PromotionRoleArn"]
    command = (".ci/deploy", "prod", "dev", promotion_role)
    github.run(tmp_path, session, *command, subject=subject)
    administrator = github.aws.session()
    s3 = administrator.client("s3")

    def digest(stage: str) -> str:
        bucket = find_deployment(administrator, stage).require("bucket_name")
        body = s3.get_object(Bucket=bucket, Key=f"models/{CITY}/{CITY}.tar.gz")["Body"].read()
        return hashlib.sha256(body).hexdigest()

    assert digest("prod") == digest("dev")
    answer = github.aws.run("housing", "predict", "--stage", "prod", "--city", CITY, cwd=ROOT)
    assert CITY in answer


def test_a_second_promotion_changes_nothing(github: GitHub) -> None:
    promote = ("housing", "promote", "--from", "dev", "--stage", "prod")
    assert "1 unchanged" in github.aws.run(*promote, cwd=ROOT)
