"""A localaws on a free port with its state in a folder; nothing of the user's is touched."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.loaders import Loader

from localaws import lifecycle
from localaws.profile import PROFILE, program_environment
from localaws.state import State, open_state

NODE_PROGRAMS = Path("node_modules") / ".bin"


def project_folder() -> Path:
    """The nearest folder, from the current one upwards, with ``node_modules``; as npm finds it."""
    current = Path.cwd()
    folders = (current, *current.parents)
    return next((each for each in folders if (each / "node_modules").is_dir()), current)


class _ServiceModels(Loader):
    """What boto3 knows of AWS's services, for all sessions; parsed anew, it is half a test's work.

    boto3 adds its own folder for each session. Here it is there already, and the list a copy.
    """

    @property
    def search_paths(self) -> list[str]:
        return [*super().search_paths, str(Path(boto3.__file__).parent / "data")]


_SERVICE_MODELS = _ServiceModels()


class _Session(boto3.Session):
    """Makes each client without options once; its ten milliseconds are most of a small test."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._clients: dict[str, Any] = {}

    def client(self, service_name: str, *arguments: Any, **options: Any) -> Any:
        if arguments or options:
            return super().client(service_name, *arguments, **options)  # type: ignore[call-overload]
        if service_name not in self._clients:
            self._clients[service_name] = super().client(service_name)  # type: ignore[call-overload]
        return self._clients[service_name]


@dataclass(frozen=True)
class LocalAws:
    """A running localaws.

    Attributes
    ----------
    state : State
        Its folder, its account and its administrator.
    endpoint_url : str
        Where it listens.
    home : Path
        The folder in which programs run, and whose ``node_modules`` hold the CDK CLI.
    """

    state: State
    endpoint_url: str
    home: Path = field(default_factory=project_folder)
    _sessions: dict[tuple[str | None, ...], boto3.Session] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def target(self) -> str:
        """Its account and region, as ``cdk bootstrap`` wants them."""
        return f"aws://{self.state.account_id}/{self.state.region}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a subprocess that is a client of this localaws."""
        inherited = program_environment(self.state, os.environ)
        programs = (Path(sys.executable).parent, self.home / NODE_PROGRAMS, inherited.get("PATH"))
        quiet = {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1", "CI": "true"}
        return {**inherited, **quiet, "PATH": os.pathsep.join(str(p) for p in programs if p)}

    def session(
        self,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        region: str | None = None,
    ) -> boto3.Session:
        """The boto3 session of the administrator, or of the given keys."""
        known = (access_key_id, secret_access_key, session_token, region)
        if known not in self._sessions:
            administrator = self.state.credentials
            client = botocore.session.Session(profile=PROFILE)
            client.set_config_variable("config_file", str(self.state.directory / "aws-config"))
            client.register_component("data_loader", _SERVICE_MODELS)
            self._sessions[known] = _Session(
                aws_access_key_id=access_key_id or administrator.access_key_id,
                aws_secret_access_key=secret_access_key or administrator.secret_access_key,
                aws_session_token=session_token,
                region_name=region or self.state.region,
                botocore_session=client,
            )
        return self._sessions[known]

    def session_as(
        self, role_arn: str, session_name: str = "test", **request: Any
    ) -> boto3.Session:
        """A session of a role; ``request`` holds further parameters of AssumeRole."""
        sts = self.session().client("sts")
        answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name, **request)
        keys = answer["Credentials"]
        return self.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def run(self, *command: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run a client program and return all that it wrote.

        Raises
        ------
        AssertionError
            It failed, and ``check`` is set; the message shows what it wrote.
        """
        done = subprocess.run(
            command,
            cwd=cwd or self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def cdk(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run the CDK CLI of ``home``; what it wrote."""
        return self.run(str(self.home / NODE_PROGRAMS / "cdk"), *arguments, cwd=cwd, check=check)

    def stop(self) -> None:
        """Stop the server; its state stays."""
        lifecycle.stop(self.state.directory)


def start_localaws(directory: Path) -> LocalAws:
    """Start a server on a free port with its state in ``directory``."""
    running = lifecycle.start(directory, port=0)
    return LocalAws(open_state(directory), running.endpoint_url)


@contextmanager
def temporary_localaws() -> Iterator[LocalAws]:
    """A server in a temporary folder; both are gone in the end."""
    with tempfile.TemporaryDirectory() as folder:
        aws = start_localaws(Path(folder) / "state")
        try:
            yield aws
        finally:
            aws.stop()
