"""Ours: the whole of stage dev on localaws, signed, authorized, watched by its alarms."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from botocore.credentials import Credentials

from benchmarks.http_load import invocation, post
from benchmarks.peers.servers import ROW
from fleet.cache.copies import model_copies, new_run_prefix
from fleet.cache.endpoint import describe_endpoint
from fleet.deployment import find_deployment
from localaws import lifecycle
from localaws.server import HEALTH_PATH
from localaws.testing import LocalAws, start_localaws

CITY = "Chicago_IL"
STACKS = ("hosting", "access", "monitoring")


@dataclass(frozen=True)
class Housing:
    """A deployed endpoint: requests of each of its models, and one of a constant."""

    port: int
    models: tuple[bytes, ...]
    constant: bytes


@contextmanager
def deployed(models: int) -> Iterator[Housing]:
    """Deploy, train one city, publish that many copies of its model; remove everything then."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        aws = start_localaws(folder / "state")
        try:
            _deploy(aws, folder)
            name = find_deployment(aws.session(), "dev").require("endpoint_name")
            endpoint = describe_endpoint(aws.session(), name)
            prefix = new_run_prefix()
            copies = [f"{prefix}{number}.tar.gz" for number in range(models)]
            source = f"{CITY}/{CITY}.tar.gz"
            with model_copies(aws.session().client("s3"), endpoint, source, prefix, copies):
                yield _requests(aws, endpoint.name, copies)
        finally:
            lifecycle.stop(folder / "state")


def _deploy(aws: LocalAws, folder: Path) -> None:
    options = ("--app", str(folder / "cdk.out"), "--exclusively", "--require-approval", "never")
    aws.cdk("bootstrap", f"aws://{aws.state.account_id}/{aws.state.region}", cwd=folder)
    aws.cdk("synth", "--quiet", "--output", str(folder / "cdk.out"))
    aws.cdk("deploy", "housing-dev-storage", *options)
    aws.run(sys.executable, "-m", "scripts.train", "--city", CITY)
    aws.cdk("deploy", *(f"housing-dev-{stack}" for stack in STACKS), *options)


def _requests(aws: LocalAws, endpoint: str, copies: list[str]) -> Housing:
    port = urlsplit(aws.endpoint_url).port or 0
    keys = aws.state.credentials
    credentials = Credentials(keys.access_key_id, keys.secret_access_key)
    models = tuple(invocation(port, credentials, endpoint, copy, ROW) for copy in copies)
    return Housing(port, models, post(port, HEALTH_PATH, {}, ROW))
