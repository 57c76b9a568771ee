"""Start, stop, status, reset and env, as commands."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localaws import lifecycle
from localaws.profile import read_proxy_port
from localaws.state import is_state, open_state
from localaws.testing import LocalAws, start_localaws
from tests.local.conftest import ROOT


def command(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localaws", *arguments, "--state-dir", str(directory)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def process_id(localaws: LocalAws) -> int:
    running = lifecycle.find_running(localaws.state.directory)
    assert running is not None
    return running.process_id


def listening(process_id: int) -> list[str]:
    """The addresses that a process listens at, in hexadecimal as the kernel has them."""
    process = Path("/proc") / str(process_id)
    targets = [str(link.readlink()) for link in (process / "fd").iterdir() if link.is_symlink()]
    sockets = {target[len("socket:[") : -1] for target in targets if target.startswith("socket:")}
    tables = [(process / "net" / name).read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and row[9] in sockets]


def test_the_profile_alone_points_boto3_at_localaws(localaws: LocalAws) -> None:
    identity = localaws.session().client("sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/administrator"


def test_env_is_all_that_the_aws_cli_needs(localaws: LocalAws) -> None:
    assert "administrator" in localaws.run("aws", "sts", "get-caller-identity")


def test_env_prints_lines_for_a_shell(localaws: LocalAws) -> None:
    env = f"{sys.executable} -m localaws env --state-dir {localaws.state.directory}"
    script = f'eval "$({env})"; echo "$AWS_PROFILE|$AWS_ACCESS_KEY_ID|$NO_PROXY"'
    inherited = {**os.environ, "AWS_ACCESS_KEY_ID": "real", "NO_PROXY": "intranet"}
    done = subprocess.run(
        ["bash", "-c", script], env=inherited, capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "localaws||intranet,127.0.0.1,localhost\n"


def test_env_speaks_fish_and_powershell(localaws: LocalAws) -> None:
    folder = localaws.state.directory
    fish = command("env", "--shell", "fish", directory=folder).stdout.splitlines()
    assert "set -e AWS_ACCESS_KEY_ID" in fish
    assert "set -gx AWS_PROFILE 'localaws'" in fish
    power = command("env", "--shell", "powershell", directory=folder).stdout.splitlines()
    assert power[0].startswith("Remove-Item -ErrorAction Ignore Env:AWS_ACCESS_KEY_ID,")
    assert "$Env:AWS_PROFILE = 'localaws'" in power


def test_env_of_a_server_that_does_not_run_says_how_to_start_it(tmp_path: Path) -> None:
    assert is_state(open_state(tmp_path / "state").directory)
    done = command("env", directory=tmp_path / "state")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"localaws: it is not running; first: {sys.executable} -m localaws start"
        f" --state-dir {tmp_path / 'state'}\n"
    )


def test_make_clean_ends_the_server_first() -> None:
    dry_run = ["make", "--no-print-directory", "-n", "clean"]
    clean = subprocess.run(dry_run, cwd=ROOT, capture_output=True, text=True)
    lines = [line for line in clean.stdout.splitlines() if not line.startswith("#")]
    assert [line.split()[0] for line in lines] == ["if", "rm"]
    assert "localaws stop" in lines[0]


def test_one_file_of_certificates_is_for_every_part_of_the_set_up() -> None:
    rule = "show: ; @echo $$PIP_CERT $$NODE_EXTRA_CA_CERTS $$SSL_CERT_FILE"
    done = subprocess.run(
        ["make", "-s", f"--eval={rule}", "show"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SSL_CERT_FILE": "/company.pem"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "/company.pem /company.pem /company.pem\n"


def test_env_prints_no_secret(localaws: LocalAws) -> None:
    lines = command("env", directory=localaws.state.directory).stdout
    assert localaws.state.credentials.secret_access_key not in lines


def test_a_second_start_says_that_it_runs(localaws: LocalAws) -> None:
    done = command("start", directory=localaws.state.directory)
    assert done.returncode == 1
    assert "localaws runs already: process" in done.stderr
    assert localaws.endpoint_url in done.stderr


def test_status_tells_where_it_runs(localaws: LocalAws) -> None:
    done = command("status", directory=localaws.state.directory)
    assert (done.returncode, localaws.endpoint_url in done.stdout) == (0, True)


def test_status_of_a_server_that_does_not_run_is_1(tmp_path: Path) -> None:
    done = command("status", directory=tmp_path)
    assert (done.returncode, done.stdout) == (1, "localaws is not running\n")


def test_a_port_that_is_taken_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("start", "--port", str(port), directory=tmp_path / "state")
    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 cannot be used: Address already in use" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_only_two_ports_are_open_and_only_on_loopback(localaws: LocalAws) -> None:
    """The endpoint's, and that of the proxy for AWS's fixed addresses."""
    ports = [int(localaws.endpoint_url.rpartition(":")[2]), read_proxy_port(localaws.state) or 0]
    expected = sorted(f"0100007F:{port:04X}" for port in ports)
    assert sorted(listening(process_id(localaws))) == expected


def test_the_state_is_for_its_owner_alone(localaws: LocalAws) -> None:
    assert localaws.state.directory.stat().st_mode & 0o077 == 0


def test_a_folder_of_others_is_never_used(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter one")
    done = command("start", directory=tmp_path)
    assert done.returncode == 1
    assert "holds files that localaws did not write" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_of_others_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter one")
    done = command("reset", directory=tmp_path)
    assert (done.returncode, (tmp_path / "thesis.txt").exists()) == (1, True)


@pytest.mark.parametrize("content", ["", "{", '{"format": 2}', "[]"])
def test_a_damaged_state_is_reported_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    marker = tmp_path / "localaws.json"
    marker.write_text(content)
    done = command("start", directory=tmp_path)
    assert (done.returncode, marker.read_text()) == (1, content)
    assert "is damaged" in done.stderr


def test_the_state_of_a_newer_version_is_reported_and_left_as_it_is(tmp_path: Path) -> None:
    marker = tmp_path / "localaws.json"
    marker.write_text(json.dumps({"format": 99}))
    done = command("start", directory=tmp_path)
    assert (done.returncode, json.loads(marker.read_text())) == (1, {"format": 99})
    assert "has state format 99, this localaws reads 2" in done.stderr


@pytest.mark.parametrize(
    "damaged",
    [
        {
            "services/cloudformation": b"{half",
            "services/sns": b"SQLite format 3\0" + bytes(200),
            "services/ssm": b"",
            "sagemaker/sagemaker": b"",
        },
        {"sagemaker/sagemaker": b"{half"},
    ],
    ids=["several", "one"],
)
def test_a_damaged_file_of_a_service_is_named_and_kept_and_the_rest_works(
    own_localaws: LocalAws, damaged: dict[str, bytes]
) -> None:
    own_localaws.session().client("iam").create_user(UserName="ann")
    directory = own_localaws.state.directory
    lifecycle.stop(directory)
    for name, content in damaged.items():
        (directory / f"{name}.sqlite").write_bytes(content)
    session = start_localaws(directory).session()
    session.client("ssm").put_parameter(Name="/a", Value="b", Type="String")
    session.client("cloudformation").list_stacks()
    assert session.client("iam").get_user(UserName="ann")["User"]["UserName"] == "ann"
    said = command("status", directory=directory).stderr.splitlines()
    log = own_localaws.state.log_file.read_text()
    for name, content in damaged.items():
        (kept,) = directory.glob(f"{name}.sqlite.damaged-*")
        assert kept.read_bytes() == content
        assert f"{name}.sqlite is damaged" in log
        assert f"localaws: damaged, and begun anew without it: {kept}" in said
    assert len(said) == len(damaged)


def test_ctrl_c_ends_a_server_in_the_foreground(tmp_path: Path) -> None:
    arguments = ["start", "--foreground", "--port", "0", "--state-dir", str(tmp_path / "state")]
    server = subprocess.Popen([sys.executable, "-m", "localaws", *arguments], cwd=ROOT)
    while lifecycle.find_running(tmp_path / "state") is None:
        assert server.poll() is None
        time.sleep(0.02)
    server.send_signal(signal.SIGINT)
    assert server.wait() == 0


def test_a_server_for_one_process_ends_with_it_and_leaves_nothing(tmp_path: Path) -> None:
    guardian = subprocess.Popen(["sleep", "600"])
    lifecycle.start(tmp_path / "state", 0, guardian.pid)
    guardian.kill()
    guardian.wait()
    deadline = time.monotonic() + 60
    while (tmp_path / "state").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_cannot_be_written_is_named_in_one_line(tmp_path: Path) -> None:
    open_state(tmp_path / "state").log_file.mkdir()
    done = command("start", "--port", "0", directory=tmp_path / "state")
    assert done.returncode == 1
    assert done.stderr == f"localaws: {tmp_path / 'state' / 'server.log'}: Is a directory\n"


def test_reset_leaves_nothing(own_localaws: LocalAws) -> None:
    done = command("reset", directory=own_localaws.state.directory)
    assert (done.returncode, own_localaws.state.directory.exists()) == (0, False)


def test_a_port_that_is_bound_is_nobody_elses_before_anybody_is_served_there() -> None:
    with (
        lifecycle._bind_exactly(0) as first,
        pytest.raises(lifecycle.LifecycleError, match="cannot be used"),
    ):
        lifecycle._bind_exactly(first.getsockname()[1])
