"""The AWS profile that points a client at localaws.

Everything lives in the state folder; the user's own ~/.aws is neither read nor written. The
``endpoint_url`` setting of the profile is all that the CDK CLI, the AWS CLI and the SDKs need.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

import os
import shlex
from collections.abc import Iterable, Mapping
from enum import StrEnum

from localaws.files import write_atomically
from localaws.state import HOST, State

PROFILE = "localaws"
SDK_CONFIG = "sagemaker-sdk.yaml"
BUNDLE = "aws-ca.pem"
"""The certificates that AWS clients are to trust: those that they trust anyway, and the proxy's."""
PAGE_PATH = "/_localaws/page"
"""Where the page of a server is."""
LOOPBACK = ("127.0.0.1", "localhost")


def endpoint_url(port: int) -> str:
    """Where clients reach a server on ``port``."""
    return f"http://{HOST}:{port}"


def write_profile(state: State, port: int) -> None:
    """Write the config and credentials files that the environment below names."""
    config = (
        f"[profile {PROFILE}]\n"
        f"region = {state.region}\n"
        f"endpoint_url = {endpoint_url(port)}\n"
        "output = json\n"
    )
    credentials = (
        f"[{PROFILE}]\n"
        f"aws_access_key_id = {state.credentials.access_key_id}\n"
        f"aws_secret_access_key = {state.credentials.secret_access_key}\n"
    )
    write_atomically(state.directory / "aws-config", config.encode())
    write_atomically(state.directory / "aws-credentials", credentials.encode(), mode=0o600)


def write_proxy_port(state: State, port: int) -> None:
    """Keep the port of the proxy, for the environment below and for the next start."""
    write_atomically(state.directory / "proxy-port", f"{port}\n".encode())


def read_proxy_port(state: State) -> int | None:
    """The port of the proxy; None before the first start."""
    try:
        return int((state.directory / "proxy-port").read_text())
    except (OSError, ValueError):
        return None


def write_sdk_config(state: State) -> None:
    """Defaults of the SageMaker SDK: its usage reports would fail at the proxy, loudly."""
    text = "SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n"
    write_atomically(state.directory / SDK_CONFIG, text.encode())


def environment(state: State) -> dict[str, str]:
    """The environment variables under which AWS clients use localaws.

    The endpoint is not among them: it is in the profile, so that a shell keeps working when the
    next start takes another port. The proxy is for clients that have addresses of AWS in their
    code; what is not AWS's goes through it to where it always went.
    """
    return {
        **_proxy(read_proxy_port(state), str(state.directory / BUNDLE)),
        "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": str(state.directory / SDK_CONFIG),
        "AWS_CONFIG_FILE": str(state.directory / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(state.directory / "aws-credentials"),
        "AWS_PROFILE": PROFILE,
        "AWS_REGION": state.region,
        "AWS_DEFAULT_REGION": state.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_PROXY": _without_proxy(os.environ.get("NO_PROXY", "")),
        "no_proxy": _without_proxy(os.environ.get("no_proxy", "")),
    }


def _proxy(port: int | None, bundle: str) -> dict[str, str]:
    if port is None:
        return {}
    address = f"http://{HOST}:{port}"
    return {"HTTPS_PROXY": address, "https_proxy": address, "AWS_CA_BUNDLE": bundle}


def _without_proxy(hosts: str) -> str:
    """The hosts that need no proxy, and the loopback among them."""
    missing = [host for host in LOOPBACK if host not in hosts.split(",")]
    return ",".join([hosts, *missing] if hosts else missing)


OVERRIDING = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_DEFAULT_PROFILE",
)
"""Variables that win over a profile; they must be unset for the profile to count."""


def program_environment(state: State, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program that is to use localaws."""
    kept = {name: value for name, value in inherited.items() if name not in OVERRIDING}
    return {**kept, **environment(state)}


class Shell(StrEnum):
    """The shells whose language is spoken."""

    POSIX = "posix"
    """bash, zsh, dash, ...: ``eval "$(localaws env)"``"""
    FISH = "fish"
    """``localaws env --shell fish | source``"""
    POWERSHELL = "powershell"
    """``localaws env --shell powershell | Out-String | Invoke-Expression``"""


def unset_lines(state: State, shell: Shell = Shell.POSIX) -> str:
    """Lines for a shell that is to forget localaws again."""
    return _unset(shell, environment(state))


def shell_lines(state: State, shell: Shell = Shell.POSIX) -> str:
    """Lines that make a shell use localaws."""
    exports = [_export(shell, name, value) for name, value in environment(state).items()]
    return "\n".join([_unset(shell, OVERRIDING), *exports])


def _unset(shell: Shell, names: Iterable[str]) -> str:
    match shell:
        case Shell.FISH:
            return "\n".join(f"set -e {name}" for name in names)
        case Shell.POWERSHELL:
            paths = ",".join(f"Env:{name}" for name in names)
            return f"Remove-Item -ErrorAction Ignore {paths}"
    return f"unset {' '.join(names)}"


def _export(shell: Shell, name: str, value: str) -> str:
    match shell:
        case Shell.FISH:
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            return f"set -gx {name} '{escaped}'"
        case Shell.POWERSHELL:
            return f"$Env:{name} = '{value.replace(chr(39), chr(39) * 2)}'"
    return f"export {name}={shlex.quote(value)}"
