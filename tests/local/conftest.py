"""A localaws for the tests: free port, temporary state, nothing of the user's touched."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from localaws import lifecycle
from localaws.profile import PROFILE, program_environment
from localaws.state import State, open_state

ROOT = Path(__file__).parents[2]
CDK = ROOT / "node_modules" / ".bin" / "cdk"


@dataclass(frozen=True)
class LocalAws:
    """A running localaws."""

    state: State
    endpoint_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a subprocess that is a client of this localaws."""
        inherited = program_environment(self.state, os.environ)
        path = f"{ROOT / '.venv' / 'bin'}:{inherited.get('PATH', '')}"
        quiet = {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1", "CI": "true"}
        return {**inherited, **quiet, "PATH": path}

    def session(
        self,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        region: str | None = None,
    ) -> boto3.Session:
        """A boto3 session of the administrator, or of the given keys."""
        administrator = self.state.credentials
        client = botocore.session.Session(profile=PROFILE)
        client.set_config_variable("config_file", str(self.state.directory / "aws-config"))
        return boto3.Session(
            aws_access_key_id=access_key_id or administrator.access_key_id,
            aws_secret_access_key=secret_access_key or administrator.secret_access_key,
            aws_session_token=session_token,
            region_name=region or self.state.region,
            botocore_session=client,
        )

    def session_as(
        self, role_arn: str, session_name: str = "test", **request: Any
    ) -> boto3.Session:
        """A session of a role; ``request`` holds further parameters of AssumeRole."""
        sts = self.session().client("sts")
        answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name, **request)
        keys = answer["Credentials"]
        return self.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def run(self, *command: str, cwd: Path = ROOT, check: bool = True) -> str:
        """Run a client program; its standard output, or a failure that shows all it wrote."""
        done = subprocess.run(
            command, cwd=cwd, env=self.environment, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def cdk(self, *arguments: str, cwd: Path = ROOT, check: bool = True) -> str:
        """Run the pinned CDK CLI; what it wrote."""
        return self.run(str(CDK), *arguments, cwd=cwd, check=check)


def start_localaws(directory: Path) -> LocalAws:
    """Start a server on a free port with its state in ``directory``."""
    running = lifecycle.start(directory, port=0)
    return LocalAws(open_state(directory), running.endpoint_url)


@pytest.fixture(scope="session")
def localaws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The server that the tests of one run share; make resources under names of your own."""
    directory = tmp_path_factory.mktemp("localaws") / "state"
    yield start_localaws(directory)
    lifecycle.stop(directory)


@pytest.fixture
def own_localaws(tmp_path: Path) -> Iterator[LocalAws]:
    """A server for one test that stops, kills or fills it."""
    directory = tmp_path / "state"
    yield start_localaws(directory)
    lifecycle.stop(directory)


@pytest.fixture(scope="session")
def bootstrapped(localaws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> LocalAws:
    """The shared server after ``cdk bootstrap``."""
    target = f"aws://{localaws.state.account_id}/{localaws.state.region}"
    localaws.cdk("bootstrap", target, cwd=tmp_path_factory.mktemp("bootstrap"))
    return localaws
