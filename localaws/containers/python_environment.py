"""A virtual environment for each container, in front of the packages of its image.

It is made of four small files and costs no time. What a script installs (``sys.executable -m pip
install``, ``pip install``) lands there and is gone with the container; pip neither changes nor
removes what is outside of it.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGES = Path(__file__).with_name("scikit_learn_packages")
"""What scripts import of the real container; see the README there."""

_PIP = """#!/bin/sh
exec "$(dirname "$0")/python" -m pip "$@"
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python with the packages of an image.

    Attributes
    ----------
    base
        The interpreter below any virtual environment.
    version
        Its version, for example ``3.11``.
    packages
        Its ``site-packages``.
    is_ours
        Whether it is the one that runs localaws, of which a warm copy waits.
    """

    base: Path
    version: str
    packages: Path
    is_ours: bool = False

    @classmethod
    def of_localaws(cls) -> "Interpreter":
        """The one that runs this."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        packages = Path(sys.prefix, "lib", f"python{version}", "site-packages")
        return cls(Path(sys.base_prefix, "bin", f"python{version}"), version, packages, True)


@dataclass(frozen=True)
class PythonEnvironment:
    """The virtual environment of one container."""

    directory: Path

    @classmethod
    def create(cls, directory: Path, interpreter: Interpreter) -> "PythonEnvironment":
        """Make it in a new folder."""
        binaries = directory / "bin"
        packages = directory / "lib" / f"python{interpreter.version}" / "site-packages"
        binaries.mkdir(parents=True)
        packages.mkdir(parents=True)
        for name in ("python", "python3"):
            (binaries / name).symlink_to(interpreter.base)
        for name in ("pip", "pip3"):
            (binaries / name).write_text(_PIP)
            (binaries / name).chmod(0o755)
        (directory / "pyvenv.cfg").write_text(
            f"home = {interpreter.base.parent}\ninclude-system-site-packages = false\n"
        )
        (packages / "image.pth").write_text(
            f"import site; site.addsitedir({str(interpreter.packages)!r})\n"
            f"{PACKAGES}\n"
            "import sagemaker_sklearn_container.compatibility\n"
        )
        return cls(directory)

    @property
    def python(self) -> str:
        """Its ``sys.executable``."""
        return str(self.directory / "bin" / "python")

    def variables(self, path: str) -> Mapping[str, str]:
        """What makes ``python`` and ``pip`` mean this environment's; ``path`` is PATH so far."""
        return {
            "VIRTUAL_ENV": str(self.directory),
            "PATH": f"{self.directory / 'bin'}:{path}",
        }
