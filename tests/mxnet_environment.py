"""Builds ``.mxnet``: MXNet 1.9.1, which needs an older NumPy than this project, on Python 3.11.

example: python -m tests.mxnet_environment
"""

import subprocess
import sys
from pathlib import Path

ENVIRONMENT = Path(__file__).parents[1] / ".mxnet"
PYTHON = ENVIRONMENT / "bin" / "python"
PACKAGES = ("mxnet==1.9.1", "numpy==1.23.5")


def main() -> int:
    """Does nothing when MXNet is there already; returns the exit status of what failed."""
    if _has_mxnet():
        return 0
    commands = (
        ["uv", "venv", "--quiet", "--clear", "--python", "3.11", str(ENVIRONMENT)],
        ["uv", "pip", "install", "--quiet", "--python", str(PYTHON), *PACKAGES],
    )
    for command in commands:
        status = subprocess.run([sys.executable, "-m", *command]).returncode
        if status:
            return status
    return 0


def _has_mxnet() -> bool:
    if not PYTHON.exists():
        return False
    installed = subprocess.run([PYTHON, "-c", "import mxnet"], capture_output=True)
    return installed.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
