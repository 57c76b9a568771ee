"""What the workflows run, on localaws, as the roles and with the tokens that they have there."""

import hashlib
import json
import os
import re
import subprocess
import textwrap
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from fleet.deployment import find_deployment
from localaws import lifecycle
from localaws.identity_tokens import AUDIENCE, GITHUB, TokenIssuer
from localaws.testing import LocalAws
from tests.local.assembly import Assembly
from tests.local.commands import succeed
from tests.local.conftest import ROOT, StartLocalAws

CITY = "Chicago_IL"
REPOSITORY = "example/houses"
PULL_REQUEST = f"repo:{REPOSITORY}:pull_request"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
CONFIGS = {
    "dev": {"repository": REPOSITORY, "environments": ["dev"], "promotedBy": ["prod"]},
    "prod": {"repository": REPOSITORY, "environments": ["prod"]},
}
VARIABLE = re.compile(r"\$\{\{ vars\.(\w+) \}\}")
SET_UP = "make setup"
"""Of every job; what runs these tests was set up by it."""


def environment(name: str) -> str:
    """The subject of the jobs of one GitHub environment."""
    return f"repo:{REPOSITORY}:environment:{name}"


def documented_command() -> str:
    """What docs/hand-over.md says makes GitHub known to an account."""
    text = (ROOT / "docs" / "hand-over.md").read_text()
    return textwrap.dedent(text.partition("```bash\n")[2].partition("```")[0])


class GitHub:
    """GitHub's side: it gives jobs tokens, and they get sessions for them."""

    def __init__(self, aws: LocalAws, assemblies: Mapping[str, Assembly]) -> None:
        self.aws = aws
        self.assemblies = assemblies
        self.outputs = {stage: each.outputs("delivery") for stage, each in assemblies.items()}
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

    def run(self, home: Path, job: "Job", stage: str, role: str) -> str:
        """Run a job's commands as GitHub does: no profile, only the keys of its session."""
        credentials = self.session(stage, role, job.subject).get_credentials()
        assert credentials is not None
        keys = credentials.get_frozen_credentials()
        with token_service(self.token(job.subject)) as service:
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
                "CDK_APP": self.assemblies[stage].as_app,
                "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
                **service,
            }
            done: Any = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", "\n".join(job.commands)],
                cwd=ROOT,
                env=variables,
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        # Where it may not assume a role of the bootstrap, the CLI goes on as who called it.
        assert "could not be used to assume" not in done.stdout + done.stderr
        return str(done.stdout + done.stderr)


class Job:
    """One job of a workflow of ours, with the variables of its environment."""

    def __init__(self, workflow: str, name: str, variables: Mapping[str, str]) -> None:
        file = ROOT / ".github" / "workflows" / f"{workflow}.yml"
        job = yaml.safe_load(file.read_text())["jobs"][name]
        self.subject = environment(job["environment"]) if "environment" in job else PULL_REQUEST
        self.commands = [
            VARIABLE.sub(lambda found: variables.get(found[1], ""), step["run"])
            for step in job["steps"]
            if step.get("run", SET_UP) != SET_UP
        ]


@contextmanager
def token_service(token: str) -> Iterator[dict[str, str]]:
    """The service that gives a job its identity token; yields the variables that tell of it.

    https://docs.github.com/actions/reference/security/oidc
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.path.endswith("?v=1&audience=sts.amazonaws.com")
            known = self.headers["Authorization"] == "bearer request"
            self.send_response(200 if asked and known else 403)
            self.end_headers()
            self.wfile.write(json.dumps({"value": token}).encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{server.server_port}/token?v=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request",
        }
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def github(
    start_with_storage: StartLocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GitHub]:
    """Stage dev with one model, not yet hosted, prod with nothing; both handed over to GitHub."""
    directory = tmp_path_factory.mktemp("handed-over")
    aws = start_with_storage(directory / "state")
    try:
        aws.run("bash", "-c", documented_command(), cwd=ROOT)
        assemblies = {}
        for stage, config in CONFIGS.items():
            assembly = Assembly.synthesize(
                aws, directory / f"{stage}.out", stage, like=stage, github=config
            )
            assembly.deploy("storage", "delivery")
            assemblies[stage] = assembly
        train = ("--city", CITY, "--houses", "200")
        succeed(aws, "train", *train)
        yield GitHub(aws, assemblies)
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
    shown = github.run(tmp_path, Job("diff", "diff", {}), "dev", "DiffRole")
    assert "Stack housing-dev-hosting" in shown
    assert "AWS::SageMaker::Endpoint" in shown
    assert "NewYork" in shown
    assert (tmp_path / "summary.md").read_text() in shown


@pytest.mark.parametrize(
    ("role", "subject", "denied"),
    [
        ("DiffRole", PULL_REQUEST, ["deploy", "file-publishing", "image-publishing", "cfn-exec"]),
        ("DeployRole", environment("dev"), ["image-publishing", "cfn-exec"]),
    ],
)
def test_roles_of_the_bootstrap_that_a_job_does_not_need_are_denied(
    github: GitHub, role: str, subject: str, denied: list[str]
) -> None:
    sts = github.session("dev", role, subject).client("sts")
    where = f"{github.aws.state.account_id}-{github.aws.state.region}"
    for each in denied:
        arn = f"arn:aws:iam::{github.aws.state.account_id}:role/cdk-hnb659fds-{each}-role-{where}"
        with pytest.raises(ClientError, match="AccessDenied"):
            sts.assume_role(RoleArn=arn, RoleSessionName="attack")


def test_what_deploys_touches_nothing_by_itself(github: GitHub) -> None:
    """What stacks declare, CloudFormation makes; the role has the models alone."""
    session = github.session("dev", "DeployRole", environment("dev"))
    buckets = {
        stage: find_deployment(github.aws.session(), stage).require("bucket_name")
        for stage in CONFIGS
    }
    for service, operation, request in (
        ("iam", "create_user", {"UserName": "attack"}),
        ("iam", "attach_role_policy", {"RoleName": "x", "PolicyArn": ADMINISTRATOR}),
        ("cloudformation", "delete_stack", {"StackName": "housing-dev-storage"}),
        ("cloudformation", "create_stack", {"StackName": "attack", "TemplateBody": "{}"}),
        ("sagemaker", "delete_endpoint", {"EndpointName": "housing-dev"}),
        ("sagemaker", "list_endpoints", {}),
        ("s3", "get_object", {"Bucket": buckets["dev"], "Key": "raw/x"}),
        ("s3", "put_object", {"Bucket": buckets["dev"], "Key": "incoming/x.csv", "Body": b""}),
        ("s3", "put_object", {"Bucket": buckets["prod"], "Key": "models/x", "Body": b""}),
        ("ssm", "put_parameter", {"Name": "/housing/prod/x", "Value": "x", "Type": "String"}),
    ):
        client: Any = session.client(service)  # type: ignore[call-overload]
        with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
            getattr(client, operation)(**request)


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


def test_main_deploys_dev(github: GitHub, tmp_path: Path) -> None:
    github.run(tmp_path, Job("deploy", "dev", {"STAGE": "dev"}), "dev", "DeployRole")
    assert CITY in succeed(github.aws, "predict", "--city", CITY)


def test_prod_gets_the_models_and_the_preprocessor_of_dev(github: GitHub, tmp_path: Path) -> None:
    variables = {
        "STAGE": "prod",
        "PROMOTE_FROM": "dev",
        "PROMOTION_ROLE_ARN": github.outputs["dev"]["PromotionRoleArn"],
    }
    github.run(tmp_path, Job("deploy", "prod", variables), "prod", "DeployRole")
    administrator = github.aws.session()
    s3 = administrator.client("s3")

    def digest(stage: str) -> str:
        bucket = find_deployment(administrator, stage).require("bucket_name")
        body = s3.get_object(Bucket=bucket, Key=f"models/{CITY}/{CITY}.tar.gz")["Body"].read()
        return hashlib.sha256(body).hexdigest()

    assert digest("prod") == digest("dev")
    answer = succeed(github.aws, "predict", "--stage", "prod", "--city", CITY)
    assert CITY in answer


def test_a_second_promotion_changes_nothing(github: GitHub) -> None:
    promote = ("promote", "--from", "dev", "--stage", "prod")
    assert "1 unchanged" in succeed(github.aws, *promote)
