"""Files that are whole, whenever the process is killed."""

from pathlib import Path

import pytest

from localaws.files import finish_replacements, replace_together


class KilledError(Exception):
    """The process ends here."""


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_pair_is_old_or_new_after_a_kill(tmp_path: Path, renames: int) -> None:
    path = tmp_path / "object"
    old = {"object": b"old", "object.meta.json": b'"old"'}
    new = {"object": b"new", "object.meta.json": b'"new"'}
    replace_together(path, old["object"], old["object.meta.json"])
    left = iter(range(renames))

    def replace(source: Path, target: Path) -> None:
        if next(left, None) is None:
            raise KilledError
        source.replace(target)

    try:
        replace_together(path, new["object"], new["object.meta.json"], replace)
    except KilledError:
        assert renames < 2
    finish_replacements(tmp_path)
    assert files(tmp_path) == (new if renames else old)


def test_a_sidecar_that_was_not_written_whole_is_thrown_away(tmp_path: Path) -> None:
    replace_together(tmp_path / "object", b"old", b'"old"')
    (tmp_path / "object.meta.json.tmp").write_bytes(b'"ne')
    finish_replacements(tmp_path)
    assert files(tmp_path) == {"object": b"old", "object.meta.json": b'"old"'}


def test_a_disk_that_takes_nothing_leaves_the_old_ones(tmp_path: Path) -> None:
    replace_together(tmp_path / "object", b"old", b'"old"')
    (tmp_path / "object.meta.json.tmp").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_together(tmp_path / "object", b"new", b'"new"')
    assert (tmp_path / "object").read_bytes() == b"old"


def test_a_file_that_holds_the_bytes_gets_a_second_name(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_bytes(b"bytes")
    replace_together(tmp_path / "object", b"bytes", b'"known"', same=there)
    assert there.samefile(tmp_path / "object")


def test_the_body_is_written_where_the_file_that_holds_it_is_gone(tmp_path: Path) -> None:
    replace_together(tmp_path / "object", b"bytes", b'"known"', same=tmp_path / "gone")
    assert (tmp_path / "object").read_bytes() == b"bytes"


def test_what_a_kill_left_under_the_waiting_name_keeps_its_bytes(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"other")
    (tmp_path / "object.tmp").hardlink_to(other)
    replace_together(tmp_path / "object", b"new", b'"known"')
    assert (other.read_bytes(), (tmp_path / "object").read_bytes()) == (b"other", b"new")
