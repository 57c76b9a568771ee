"""Which scikit-learn an image tag stands for, and the interpreter that has it.

The interpreters are virtual environments in the user's cache, one for each tag. The first use of a
tag needs a network, and a Python of its version where uv finds none on this machine; what was
installed is kept. Where it cannot be installed, localaws' own versions run, and the log says so.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from localaws.containers.contract import LogSink
from localaws.containers.python_environment import Interpreter
from localaws.containers.registry import tag_of

INSTALL_SECONDS = 300
RETRY_SECONDS = 600.0
"""A tag that could not be installed is not tried again sooner."""


@dataclass(frozen=True)
class ImageVersions:
    """The Python of an image and the packages that decide how a model behaves."""

    python: str
    scikit_learn: str
    packages: tuple[str, ...]


VERSIONS = {
    "0.20.0": ImageVersions("3.7", "0.20.0", ("numpy==1.19.5", "pandas==0.25.*")),
    "0.23-1": ImageVersions("3.7", "0.23.2", ("numpy==1.19.2", "pandas==1.1.3", "scipy==1.5.3")),
    "1.0-1": ImageVersions("3.8", "1.0.2", ("numpy==1.24.1", "pandas==1.1.3", "scipy==1.8.0")),
    "1.2-1": ImageVersions("3.9", "1.2.1", ("numpy==1.24.1", "pandas==1.1.3", "scipy==1.8.0")),
    "1.4-2": ImageVersions("3.10", "1.4.2", ("numpy==1.26.*", "pandas<2.3", "scipy>=1.9")),
    "1.4-2-py312": ImageVersions("3.12", "1.4.2", ("numpy==2.1.0", "pandas==2.3.2")),
    "1.9-0": ImageVersions("3.12", "1.9.0", ("numpy==2.5.1", "pandas==2.2.3", "scipy==1.18.0")),
}
"""By the tag's first part; from requirements.txt and docker/*/base/Dockerfile.cpu in the branches
of https://github.com/aws/sagemaker-scikit-learn-container."""


IN_EACH_IMAGE = ("boto3", "joblib", "Pillow", "pip", "psutil", "pyarrow")
"""What scripts import besides; from the same requirements.txt."""
COMPLETE = "complete-2"
"""Left in an environment that has all this; another one than before when the list has changed."""


class Interpreters:
    """Finds, and where needed installs, the interpreter of an image."""

    def __init__(
        self, cache: Path | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._cache = cache or _default_cache()
        self._now = now
        self._failed: dict[str, tuple[float, str]] = {}

    def of(self, image_uri: str, log: LogSink) -> Interpreter:
        """The interpreter of an image; ``log`` is told when it is not the image's."""
        name = tag_of(image_uri).partition("-cpu")[0]
        ours = metadata.version("scikit-learn")
        versions = VERSIONS.get(name)
        if versions is not None and versions.scikit_learn == ours:
            return Interpreter.of_localaws()
        reason = f"the tag {name} is not known"
        if versions is not None:
            reason = self._install(name, versions, log)
            if not reason:
                return _interpreter(self._cache / name, versions)
        log(
            f"localaws: scikit-learn {ours} runs, not that of framework_version {name} for which "
            f"the script was written: {reason}"
        )
        return Interpreter.of_localaws()

    def _install(self, name: str, versions: ImageVersions, log: LogSink) -> str:
        """Why it cannot be installed; empty once it is."""
        failed_at, reason = self._failed.get(name, (-RETRY_SECONDS, ""))
        if self._now() - failed_at < RETRY_SECONDS:
            return reason
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with (self._cache / f"{name}.lock").open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                reason = _install(self._cache / name, versions, log)
        except (OSError, subprocess.SubprocessError) as error:
            reason = str(error)
        if reason:
            self._failed[name] = (self._now(), reason)
        return reason


def _install(directory: Path, versions: ImageVersions, log: LogSink) -> str:
    complete = directory / COMPLETE
    if complete.exists():
        return ""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        return "there is no uv to install it with"
    shutil.rmtree(directory, ignore_errors=True)
    packages = (f"scikit-learn=={versions.scikit_learn}", *versions.packages, *IN_EACH_IMAGE)
    log(f"localaws: installing {', '.join(packages)} on Python {versions.python}, once")
    python = _find_python(versions.python)
    wheels = ("--only-binary", ":all:")
    for command in (
        [uv, "venv", "--python", python, str(directory)],
        [
            uv,
            "pip",
            "install",
            "--compile-bytecode",
            *wheels,
            "--python",
            str(directory),
            *packages,
        ],
    ):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
        )
        if done.returncode:
            return _reason(done.stderr)
    complete.touch()
    return ""


def _reason(output: str) -> str:
    """The first sentence of what uv says, and its last cause."""
    lines = [line.strip(" ×│╰─▶") for line in output.splitlines() if line.strip(" ×│╰─▶")]
    return "; ".join(dict.fromkeys([*lines[:1], *lines[-1:]])) or "uv failed without a word"


def _find_python(version: str) -> str:
    """A Python that pyenv installed, where uv does not look; else leave it to uv."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}.*/bin/python{version}"))
    return str(found[-1]) if found else version


def _interpreter(directory: Path, versions: ImageVersions) -> Interpreter:
    python = (directory / "bin" / "python").resolve()
    packages = directory / "lib" / f"python{versions.python}" / "site-packages"
    return Interpreter(python, versions.python, packages)


def _default_cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root, "localaws", "scikit-learn")
