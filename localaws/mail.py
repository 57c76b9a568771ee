"""The mail that SNS would send: files in the state folder, for people to read."""

import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from localaws.files import write_atomically

SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"
MOST_KEPT = 500
_UNSAFE = re.compile(r"[^A-Za-z0-9@._+-]")


@dataclass(frozen=True)
class Mail:
    """One message as it arrived."""

    file: Path
    sent: str
    to: str
    subject: str
    text: str


class Mailbox:
    """The newest mails to everybody; safe to use from any thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()

    def deliver(self, to: str, subject: str, text: str) -> None:
        """Put one message into the box; the oldest make room for it."""
        message = EmailMessage()
        message["From"] = SENDER
        message["To"] = _line(to)
        message["Subject"] = _line(subject)
        message["Date"] = formatdate(localtime=True)
        message.set_content(text)
        name = f"{time.time_ns():020}-{_UNSAFE.sub('_', to)[:80]}-{secrets.token_hex(2)}.eml"
        with self._lock:
            self._directory.mkdir(parents=True, exist_ok=True)
            for file in self._files()[: -MOST_KEPT + 1]:
                file.unlink(missing_ok=True)
            write_atomically(self._directory / name, message.as_bytes())

    def mails(self) -> Iterator[Mail]:
        """All that is there, the oldest first."""
        for file in self._files():
            message = message_from_bytes(file.read_bytes(), policy=policy.default)
            yield Mail(
                file, message["Date"], message["To"], message["Subject"], message.get_content()
            )

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("*.eml"))


def _line(text: str) -> str:
    """Nothing of a message can begin another header."""
    return " ".join(text.split())
