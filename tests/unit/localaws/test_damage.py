"""Damaged objects are named and kept; the rest stays where it is."""

import json
from pathlib import Path

import pytest

from localaws.damage import kept_aside, set_aside_objects


def put(directory: Path, name: str, body: bytes, sidecar: bytes) -> Path:
    path = directory / "123456789012" / "bucket" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    path.with_name(f"{name}.meta.json").write_bytes(sidecar)
    return path


@pytest.mark.parametrize("sidecar", [b"", b"{half", b"[]", b"1", b"\xff", b'{"size": 4}'])
def test_an_object_that_is_not_whole_is_moved_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sidecar: bytes
) -> None:
    objects = tmp_path / "objects"
    whole = put(objects, "whole", b"abc", json.dumps({"size": 3}).encode())
    damaged = put(objects, "damaged", b"abc", sidecar)
    set_aside_objects(objects)
    (kept,) = kept_aside(tmp_path)
    assert (kept / damaged.relative_to(objects)).read_bytes() == b"abc"
    assert str(damaged) in caplog.text
    assert sorted(path.name for path in whole.parent.iterdir()) == ["whole", "whole.meta.json"]


def test_a_delete_marker_is_as_long_as_the_version_that_it_hides(tmp_path: Path) -> None:
    put(tmp_path / "objects", "hidden", b"abc", b'{"is_delete_marker": true, "size": 0}')
    set_aside_objects(tmp_path / "objects")
    assert kept_aside(tmp_path) == []
