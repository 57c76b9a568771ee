import os
from pathlib import Path

import pytest

from scripts.local_aws import LocalAws, choose, parse_environment


def test_exports_set_and_unsets_remove() -> None:
    lines = "unset A B\nexport C=1\nexport D='two words' E=x=y\n"
    assert parse_environment(lines) == {
        "A": None,
        "B": None,
        "C": "1",
        "D": "two words",
        "E": "x=y",
    }


def test_anything_else_is_ignored() -> None:
    assert parse_environment("\n# a comment\necho hello\n") == {}


def test_choosing_it_changes_the_environment_of_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a real one")
    monkeypatch.setenv("AWS_PROFILE", "company")
    choose({"AWS_PROFILE": "localaws", "AWS_ACCESS_KEY_ID": None})
    assert os.environ["AWS_PROFILE"] == "localaws"
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_the_commands_to_go_on_and_to_end_name_the_state_folder() -> None:
    local = LocalAws(Path("/tmp/state"))
    assert local.shell_command.startswith('eval "$(')
    assert local.shell_command.endswith('localaws env --state-dir /tmp/state)"')
    assert local.stop_command.endswith("localaws reset --state-dir /tmp/state")
