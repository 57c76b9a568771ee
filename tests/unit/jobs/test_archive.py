"""Archives as SageMaker writes them."""

import os
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from localaws.artifacts import unpack
from localaws.jobs.outputs import pack


def packed(directory: Path) -> bytes:
    return pack(
        {
            path.relative_to(directory).as_posix(): path
            for path in directory.rglob("*")
            if path.is_file()
        }
    )


def write(directory: Path, files: dict[str, bytes]) -> None:
    for name, contents in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(contents)


def test_the_header_is_the_services(tmp_path: Path) -> None:
    write(tmp_path, {"model_algo-1": b"x"})
    assert packed(tmp_path)[:10] == bytes.fromhex("1f8b08000000000000ff")


def test_members_say_nothing_of_this_machine(tmp_path: Path) -> None:
    write(tmp_path / "model", {"code/a.py": b"x"})
    (tmp_path / "archive").write_bytes(packed(tmp_path / "model"))
    with tarfile.open(tmp_path / "archive") as archive:
        (member,) = archive
    assert (member.name, member.mode, member.uid, member.uname) == ("code/a.py", 0o644, 0, "")


def test_equal_contents_give_equal_bytes_whatever_their_times(tmp_path: Path) -> None:
    for name, moment in (("one", 0), ("two", 10**9)):
        write(tmp_path / name, {"b": b"2", "a": b"1"})
        os.utime(tmp_path / name / "a", (moment, moment))
    assert packed(tmp_path / "one") == packed(tmp_path / "two")


def test_names_that_ustar_cannot_hold_are_kept(tmp_path: Path) -> None:
    name = "/".join(["d" * 100] * 4 + ["é"])
    write(tmp_path, {f"model/{name}": b"x"})
    unpack(packed(tmp_path / "model"), tmp_path / "unpacked")
    assert (tmp_path / "unpacked" / name).read_bytes() == b"x"


NAMES = st.text("abc", min_size=1, max_size=5)


@given(st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5))
def test_what_is_packed_is_unpacked(files: dict[str, bytes]) -> None:

    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "model").mkdir()
        write(directory / "model", files)
        unpack(packed(directory / "model"), directory / "unpacked")
        found = {path.name: path.read_bytes() for path in (directory / "unpacked").iterdir()}
    assert found == files
