"""Who invoked which model, allowed or denied, can be read afterwards; secrets cannot."""

import json
import time

from tests.local.access.conftest import CHICAGO, NEW_YORK, Access, invoke
from tests.local.access.http import TARGET_MODEL


def log_lines(access: Access, session_name: str, count: int) -> list[str]:
    """The lines about a session, as soon as there are so many."""
    deadline = time.monotonic() + 10
    while True:
        lines = [line for line in access.log.splitlines() if session_name in line]
        if len(lines) >= count or time.monotonic() > deadline:
            return lines
        time.sleep(0.1)


def test_allowed_and_denied_invocations_are_logged_with_caller_and_model(access: Access) -> None:
    session = access.aws.session_as(access.deployment.role_arn("NewYork"), "audited")
    for model in (NEW_YORK, CHICAGO):
        invoke(session, model)
    role = access.deployment.role_arn("NewYork").rpartition("/")[2]
    allowed, denied = log_lines(access, "/audited", 2)[:2]
    caller = f"assumed-role/{role}/audited"
    assert f" 200 sagemaker:InvokeEndpoint housing-dev {NEW_YORK} {caller} " in allowed
    assert f" 403 sagemaker:InvokeEndpoint housing-dev {CHICAGO} {caller} " in denied
    assert "AccessDeniedException" in denied


def test_an_invocation_whose_signature_is_wrong_is_logged_without_a_caller(access: Access) -> None:
    signed = access.sign(access.role("NewYork"), "NewYork_NY/forged.tar.gz")
    signed.with_header(TARGET_MODEL, "NewYork_NY/forged-2.tar.gz").send()
    (line,) = log_lines(access, "forged-2", 1)
    assert " 403 sagemaker:InvokeEndpoint housing-dev NewYork_NY/forged-2.tar.gz - " in line


def test_invocations_are_counted_by_caller_model_and_outcome(access: Access) -> None:
    session = access.aws.session_as(access.deployment.role_arn("NewYork"), "counted")
    for model in (NEW_YORK, NEW_YORK, "NewYork_NY/with blanks", CHICAGO, None):
        invoke(session, model)
    assert log_lines(access, "/counted", 5)
    directory = str(access.aws.state.directory)
    printed = access.aws.run(
        "python", "-m", "localaws", "audit", "--json", "--state-dir", directory
    )
    rows = [row for row in json.loads(printed) if row["caller"].endswith("/counted")]
    counts = {row["target_model"]: (row["allowed"], row["denied"]) for row in rows}
    assert counts == {
        "": (0, 1),
        CHICAGO: (0, 1),
        NEW_YORK: (2, 0),
        "NewYork_NY/with blanks": (1, 0),
    }


def test_no_line_of_the_log_can_be_forged(access: Access) -> None:
    signed = access.sign(access.role("NewYork"), "NewYork_NY/x")
    signed.path = "/endpoints/none%0A2026-01-01%2000:00:00%20200%20forged-line/invocations"
    signed.send()
    assert invoke(access.role("NewYork"), NEW_YORK).status == 200
    time.sleep(1.5)
    assert not any(
        line.startswith("2026-01-01 00:00:00 200 forged") for line in access.log.splitlines()
    )


def test_the_log_holds_no_secret_token_or_signature(access: Access) -> None:
    session = access.aws.session_as(access.deployment.role_arn("NewYork"), "secretive")
    signed = access.sign(session, NEW_YORK)
    assert signed.send().status == 200
    invoke(session, CHICAGO)
    assert log_lines(access, "/secretive", 2)
    keys = session.get_credentials()
    assert keys is not None
    signature = signed.header("Authorization").rpartition("=")[2]
    everything = access.log + (access.aws.state.directory / "server.log").read_text()
    for secret in (keys.secret_key, keys.token, signature):
        assert str(secret) not in everything
