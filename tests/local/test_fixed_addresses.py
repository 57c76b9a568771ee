"""Clients that have addresses of AWS in their code reach localaws all the same."""

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import boto3
import pytest

from localaws.profile import BUNDLE, program_environment, read_proxy_port
from localaws.testing import LocalAws
from tests.local.conftest import ROOT


def tunnel(aws: LocalAws, host: str, port: int) -> tuple[socket.socket, str]:
    """A connection through the proxy, and the status that it answered."""
    connection = socket.create_connection(("127.0.0.1", read_proxy_port(aws.state) or 0), 30)
    connection.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\n\r\n".encode())
    return connection, connection.recv(4096).decode().split("\r\n")[0]


def run_python(aws: LocalAws, source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source],
        env=program_environment(aws.state, os.environ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_fixed_regional_address_of_sts_answers_who_the_profile_is(localaws: LocalAws) -> None:
    source = (
        "import boto3; url = 'https://sts.eu-west-1.amazonaws.com'; "
        "print(boto3.client('sts', endpoint_url=url).get_caller_identity()['Arn'])"
    )
    account = localaws.state.account_id
    assert run_python(localaws, source).strip() == f"arn:aws:iam::{account}:user/administrator"


def test_the_first_cell_of_a_notebook_works_with_the_sagemaker_sdk(localaws: LocalAws) -> None:
    source = """
import json, logging
from sagemaker.core.helper.session_helper import Session, get_execution_role
print(json.dumps([Session().default_bucket(), get_execution_role()]))
"""
    account = localaws.state.account_id
    bucket, role = json.loads(run_python(localaws, source).splitlines()[-1])
    assert bucket == f"sagemaker-us-east-1-{account}"
    assert role == f"arn:aws:iam::{account}:role/administrator"


def test_the_execution_role_trusts_sagemaker_and_has_the_policy_of_one(localaws: LocalAws) -> None:
    iam = localaws.session().client("iam")
    attached = iam.list_attached_role_policies(RoleName="administrator")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonSageMakerFullAccess"]


def test_a_command_is_run_in_that_environment(localaws: LocalAws) -> None:
    command = [sys.executable, "-m", "localaws", "run", "--state-dir"]
    shown = "import os; print(os.environ['AWS_PROFILE'], 'AWS_ACCESS_KEY_ID' in os.environ)"
    done = subprocess.run(
        [*command, str(localaws.state.directory), "--", sys.executable, "-c", shown],
        env={**os.environ, "AWS_ACCESS_KEY_ID": "AKIAOTHER"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "localaws False\n"


def test_the_authority_vouches_for_no_other_name(localaws: LocalAws) -> None:
    context = ssl.create_default_context(cafile=str(localaws.state.directory / BUNDLE))
    connection, status = tunnel(localaws, "sts.us-east-1.amazonaws.com", 443)
    assert status == "HTTP/1.1 200 Connection established"
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        context.wrap_socket(connection, server_hostname="example.com")
    key = localaws.state.directory / "proxy-authority.pem"
    assert key.stat().st_mode & 0o077 == 0


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """A server that is none of AWS's: it answers what it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(100))

        Thread(target=echo, daemon=True).start()
        yield server.getsockname()[1]


def test_what_is_not_awss_goes_where_it_always_went(localaws: LocalAws, elsewhere: int) -> None:
    connection, status = tunnel(localaws, "localhost", elsewhere)
    with connection:
        assert status == "HTTP/1.1 200 Connection established"
        connection.sendall(b"as it is")
        assert connection.recv(100) == b"as it is"


def test_a_host_that_cannot_be_reached_is_named(localaws: LocalAws) -> None:
    connection, status = tunnel(localaws, "127.0.0.1", 1)
    with connection:
        assert status.startswith("HTTP/1.1 502 127.0.0.1 cannot be reached")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET http://example.com/ HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 "),
        (b"CONNECT nowhere HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 "),
        (b"CONNECT host:99999 HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 "),
        (b"CONNECT " + b"x" * 20000 + b":1 HTTP/1.1\r\n\r\n", b"HTTP/1.1 431 "),
    ],
)
def test_anything_but_a_tunnel_is_refused(
    localaws: LocalAws, request_line: bytes, status: bytes
) -> None:
    port = read_proxy_port(localaws.state) or 0
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(request_line)
        assert connection.recv(4096).startswith(status)


def test_the_proxy_listens_on_loopback_alone(localaws: LocalAws) -> None:
    port = f"{read_proxy_port(localaws.state):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = [fields[1] for fields in map(str.split, lines) if fields[3] == "0A"]
    assert [address for address in listening if address.endswith(f":{port}")] == [
        f"0100007F:{port}"
    ]


def test_a_shell_can_forget_it_again(localaws: LocalAws) -> None:
    command = [sys.executable, "-m", "localaws", "env", "--unset", "--state-dir"]
    done = subprocess.run(
        [*command, str(localaws.state.directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("unset ")
    assert {"HTTPS_PROXY", "AWS_PROFILE", "AWS_CA_BUNDLE"} <= set(done.stdout.split())


def test_an_object_comes_whole_through_the_fixed_address(localaws: LocalAws) -> None:
    body = os.urandom(1) * 3_000_000
    session: boto3.Session = localaws.session()
    session.client("s3").create_bucket(Bucket="fixed-address")
    session.client("s3").put_object(Bucket="fixed-address", Key="a", Body=body)
    source = (
        "import boto3, hashlib; s3 = boto3.client('s3', "
        "endpoint_url='https://s3.us-east-1.amazonaws.com'); "
        "print(len(s3.get_object(Bucket='fixed-address', Key='a')['Body'].read()))"
    )
    assert run_python(localaws, source).strip() == "3000000"
