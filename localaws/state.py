"""The state folder: the account, region and key pair of one localaws, and where its files are."""

import json
import secrets
import string
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localaws.files import write_atomically

FORMAT = 2
ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
DEFAULT_PORT = 4566
HOST = "127.0.0.1"


class StateError(Exception):
    """The state folder cannot be used; the text says why and what to do."""


@dataclass(frozen=True)
class Credentials:
    """The administrator's key pair, made when the state folder is."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class State:
    """The state folder: everything that outlives a run.

    ``account_id``, ``region`` and ``credentials`` are drawn once and never change.
    """

    directory: Path
    account_id: str
    region: str
    credentials: Credentials

    @property
    def log_file(self) -> Path:
        """What the server process writes to its standard streams."""
        return self.directory / "server.log"

    @property
    def access_log(self) -> Path:
        """One readable line a request."""
        return self.directory / "access.log"

    @property
    def services_directory(self) -> Path:
        """State of the services that MiniStack runs."""
        return self.directory / "services"

    @property
    def objects_directory(self) -> Path:
        """A folder a bucket, and the earlier versions of S3 objects."""
        return self.directory / "objects"

    @property
    def object_files_directory(self) -> Path:
        """Bytes of the S3 objects."""
        return self.directory / "object-files"

    @property
    def upload_parts_directory(self) -> Path:
        """Bytes of the S3 objects that are being uploaded in parts."""
        return self.directory / "upload-parts"

    @property
    def functions_directory(self) -> Path:
        """What Lambda functions unpack while they run."""
        return self.directory / "functions"

    @property
    def sagemaker_directory(self) -> Path:
        """Models, endpoints, jobs and what they unpack."""
        return self.directory / "sagemaker"

    @property
    def token_key(self) -> Path:
        """What identity tokens are signed with."""
        return self.directory / "identity-token-key"

    @property
    def mail_directory(self) -> Path:
        """What SNS sent to addresses."""
        return self.directory / "mail"

    @property
    def quotas_file(self) -> Path:
        """The service quotas that were set."""
        return self.sagemaker_directory / "quotas.json"


def open_state(directory: Path) -> State:
    """The state in ``directory``; makes it when the folder is missing or empty.

    Raises
    ------
    StateError
        For a folder that holds anything else, that a newer version wrote or that is damaged: it
        is never overwritten.
    """
    directory = directory.absolute()
    marker = directory / "localaws.json"
    if marker.exists():
        return _read(directory, marker)
    if directory.exists() and not directory.is_dir():
        raise StateError(f"{directory} is not a folder; give another with --state-dir")
    if directory.exists() and any(directory.iterdir()):
        raise StateError(
            f"{directory} holds files that localaws did not write, so it will not be used;"
            " give an empty or new folder with --state-dir"
        )
    return _create(directory, marker)


def is_state(directory: Path) -> bool:
    """Whether ``directory`` is a state folder of localaws, of whatever version."""
    return (directory / "localaws.json").is_file()


def _create(directory: Path, marker: Path) -> State:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        directory.chmod(0o700)
        credentials = _draw_credentials()
        content = {
            "format": FORMAT,
            "account_id": ACCOUNT_ID,
            "region": REGION,
            "credentials": asdict(credentials),
        }
        write_atomically(marker, json.dumps(content, indent=2).encode(), mode=0o600)
    except OSError as error:
        raise StateError(f"{directory} cannot be made: {error.strerror}") from error
    return State(directory, ACCOUNT_ID, REGION, credentials)


def _draw_credentials() -> Credentials:
    alphabet = string.ascii_uppercase + "234567"
    key_id = "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16))
    return Credentials(key_id, secrets.token_urlsafe(30))


def _read(directory: Path, marker: Path) -> State:
    with _damage_reported(marker):
        content: dict[str, Any] = json.loads(marker.read_text())
        version = content["format"]
        if version != FORMAT:
            raise StateError(
                f"{directory} has state format {version}, this localaws reads {FORMAT};"
                " use the version that wrote it, or give another folder with --state-dir"
            )
        return State(
            directory,
            str(content["account_id"]),
            str(content["region"]),
            Credentials(**content["credentials"]),
        )


@contextmanager
def _damage_reported(marker: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StateError(
            f"{marker} is damaged ({error}); restore it, or remove everything with"
            f" {sys.executable} -m localaws reset --state-dir {marker.parent}"
        ) from error
