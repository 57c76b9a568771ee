"""Which interpreter an image has, without a network."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from localaws.containers import image_versions
from localaws.containers.image_versions import COMPLETE, Interpreters


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def image(tag: str) -> str:
    return f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:{tag}"


def test_a_tag_of_our_own_version_is_our_own_interpreter(tmp_path: Path) -> None:
    lines: list[str] = []
    interpreter = Interpreters(tmp_path).of(image("1.9-0-cpu-py3"), lines.append)
    assert (interpreter.is_ours, lines) == (True, [])


@pytest.mark.parametrize("tag", ["9.9-1-cpu-py3", "latest"])
def test_a_tag_that_is_not_known_runs_ours_and_the_log_says_so(tmp_path: Path, tag: str) -> None:
    lines: list[str] = []
    assert Interpreters(tmp_path).of(image(tag), lines.append).is_ours
    name = tag.partition("-cpu")[0]
    assert (
        f"scikit-learn {version('scikit-learn')} runs, not that of framework_version {name}"
        in str(lines)
    )


def test_what_cannot_be_installed_is_told_and_not_tried_again_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f"#!/bin/sh\necho called >> {tmp_path}/calls\necho no network >&2\nexit 1\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:/usr/bin:/bin")
    clock, lines = Clock(), list[str]()
    interpreters = Interpreters(tmp_path / "cache", clock)
    for _ in range(2):
        assert interpreters.of(image("1.2-1-cpu-py3"), lines.append).is_ours
    assert [line for line in lines if line.endswith("for which the script was written: no network")]
    assert (tmp_path / "calls").read_text().count("called") == 1
    clock.seconds = image_versions.RETRY_SECONDS + 1
    interpreters.of(image("1.2-1-cpu-py3"), lines.append)
    assert (tmp_path / "calls").read_text().count("called") == 2


def test_what_was_installed_is_kept(tmp_path: Path) -> None:
    directory = tmp_path / "1.2-1"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory)], check=True)
    (directory / COMPLETE).touch()
    lines: list[str] = []
    interpreter = Interpreters(tmp_path).of(image("1.2-1-cpu-py3"), lines.append)
    assert (interpreter.is_ours, interpreter.version, lines) == (False, "3.9", [])
    assert interpreter.packages == directory / "lib" / "python3.9" / "site-packages"
