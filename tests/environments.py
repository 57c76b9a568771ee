"""Builds the environments of their own that some tests need, each in a folder of its name.

Without its environment a test is skipped.

example: python -m tests.environments toolkit
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Environment:
    """A virtual environment on Python 3.11; ``module`` is there once it is complete."""

    name: str
    module: str
    packages: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it is."""
        return ROOT / f".{self.name}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def absence(self) -> str:
        """Why a test is skipped that needs it."""
        return f"no environment .{self.name} here: python -m tests.environments {self.name}"

    def is_complete(self) -> bool:
        """Whether it was built."""
        if not self.python.exists():
            return False
        command = [str(self.python), "-c", f"import {self.module}"]
        return subprocess.run(command, capture_output=True).returncode == 0

    def build(self) -> int:
        """Build it, unless it is there; the exit status of what failed."""
        if self.is_complete():
            return 0
        commands = (
            ["uv", "venv", "--quiet", "--clear", "--python", "3.11", str(self.folder)],
            ["uv", "pip", "install", "--quiet", "--python", str(self.python), *self.packages],
        )
        for command in commands:
            status = subprocess.run([sys.executable, "-m", *command]).returncode
            if status:
                return status
        return 0


MXNET = Environment("mxnet", "mxnet", ("mxnet==1.9.1", "numpy==1.23.5"))
"""It needs an older NumPy than this project."""
TOOLKIT = Environment(
    "toolkit", "sagemaker_training", ("sagemaker-training==5.1.4", "scikit-learn==1.9.0")
)
"""AWS's training toolkit, which runs scripts in the scikit-learn container, and whose packages are
not this project's."""
ALL = {each.name: each for each in (MXNET, TOOLKIT)}


def main(names: Sequence[str]) -> int:
    """Build those of these names, of none all; the exit status of the first that failed."""
    for name in names or ALL:
        status = ALL[name].build()
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
