"""The small form of ``make soak``."""

from pathlib import Path

from benchmarks.soak.evictions import evictions
from benchmarks.soak.kills import kills
from benchmarks.soak.signatures import signatures
from benchmarks.soak.templates import stacks


def test_what_was_answered_is_there_after_kills_and_nothing_stays_in_progress(
    tmp_path: Path,
) -> None:
    assert kills(tmp_path / "state", rounds=2, seconds=3) == []


def test_many_connections_over_more_models_than_there_is_room_for(tmp_path: Path) -> None:
    seen = evictions(tmp_path / "state", connections=8, models=20, room=5, seconds=3)
    assert set(seen.answers) == {"right"}


def test_what_botocore_signs_is_taken_and_what_was_changed_is_not() -> None:
    assert signatures(300) == []


def test_mutated_templates_end_with_reasons_that_are_not_pythons(tmp_path: Path) -> None:
    assert stacks(tmp_path / "state", 40) == []
