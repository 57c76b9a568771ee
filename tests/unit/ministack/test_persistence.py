"""What the disk does not take is told, and saved once it does."""

import sqlite3
from pathlib import Path

import pytest

from localaws.ministack.state.persistence import Persistence
from localaws.row_store import RowStore


@pytest.fixture
def persistence(tmp_path: Path) -> Persistence:
    made = Persistence(tmp_path)
    made.add_sessions()
    return made


def fails(*arguments: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_a_full_disk_is_told_until_it_takes_what_waited(
    persistence: Persistence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    persistence.touch("sts")
    with monkeypatch.context() as full:
        full.setattr(RowStore, "write", fails)
        persistence.save_changes()
        assert persistence.trouble == "sts-sessions: database or disk is full"
        assert "sts-sessions could not be saved" in caplog.text
        persistence.save_changes()
        assert persistence.trouble
    persistence.save_changes()
    assert not persistence.trouble
    assert RowStore(tmp_path / "sts-sessions.sqlite").load()


class Saved:
    """A store that counts how often it was saved."""

    count = 0

    def save(self) -> None:
        self.count += 1

    def close(self) -> None:
        """Nothing is held."""


def test_the_trouble_of_one_is_not_that_of_others(
    persistence: Persistence, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Saved()
    persistence.add_store("other", other)
    persistence.touch("sts")
    monkeypatch.setattr(RowStore, "write", fails)
    persistence.save_changes()
    persistence.save_changes()
    assert persistence.trouble
    assert other.count == 2
