"""The mailbox keeps the newest mails, and headers stay one line."""

from pathlib import Path

import pytest

from localaws import mail
from localaws.mail import Mailbox


def test_mails_come_back_as_they_were_sent(tmp_path: Path) -> None:
    Mailbox(tmp_path).deliver("ops@example.com", "ALARM: häuser", "Zwei\nZeilen\n")
    [found] = Mailbox(tmp_path).mails()
    assert (found.to, found.subject, found.text) == (
        "ops@example.com",
        "ALARM: häuser",
        "Zwei\nZeilen\n",
    )


def test_a_subject_cannot_begin_another_header(tmp_path: Path) -> None:
    Mailbox(tmp_path).deliver("ops@example.com", "one\nBcc: all@example.com", "text")
    [found] = Mailbox(tmp_path).mails()
    assert found.subject == "one Bcc: all@example.com"
    assert b"\nBcc:" not in found.file.read_bytes()


def test_an_address_cannot_leave_the_folder(tmp_path: Path) -> None:
    Mailbox(tmp_path / "box").deliver("../../x@example.com", "s", "t")
    [found] = Mailbox(tmp_path / "box").mails()
    assert found.file.parent == tmp_path / "box"


def test_the_oldest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "MOST_KEPT", 3)
    box = Mailbox(tmp_path)
    for number in range(5):
        box.deliver("ops@example.com", str(number), "text")
    assert [found.subject for found in box.mails()] == ["2", "3", "4"]
