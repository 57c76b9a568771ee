"""The place of one container: its /opt/ml, its Python, its home, and what runs there."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localaws.containers.opt_ml import CONTAINER_ROOT
from localaws.containers.python_environment import Interpreter, PythonEnvironment
from localaws.processes.launch import Launch

_PASSED_ON = re.compile(
    r"(PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE$|(HTTPS?|NO|ALL)_PROXY$)", re.IGNORECASE
)
"""Variables of this machine that say where packages are found."""


def machine_variables() -> dict[str, str]:
    """What a container gets of this machine: no secret, one thread for BLAS, where packages are."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    packages = {name: value for name, value in os.environ.items() if _PASSED_ON.match(name)}
    home = Path.home()
    if (home / ".config/pip/pip.conf").is_file():  # The container has a home of its own.
        packages.setdefault("PIP_CONFIG_FILE", str(home / ".config/pip/pip.conf"))
    packages.setdefault("PIP_CACHE_DIR", str(home / ".cache/pip"))
    return {
        **threads,
        **packages,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "LANG": "C.UTF-8",
        "PYTHONIOENCODING": "UTF-8",
        "PYTHONUNBUFFERED": "1",
    }


@dataclass(frozen=True)
class OwnPlace:
    """The folders of one container.

    Attributes
    ----------
    opt_ml
        Its /opt/ml.
    directory
        Everything else: Python, home, temporary files. It goes when the container does.
    mounted
        Whether the container sees ``opt_ml`` as /opt/ml; else it has to be told the real path.
    """

    opt_ml: Path
    directory: Path
    mounted: bool

    @classmethod
    def beside(cls, opt_ml: Path, without_opt_ml: str) -> "OwnPlace":
        """The place of a container whose /opt/ml this is."""
        return cls(opt_ml, opt_ml.with_name(f"{opt_ml.name}-own"), not without_opt_ml)

    @property
    def root(self) -> str:
        """What /opt/ml is called inside."""
        return CONTAINER_ROOT if self.mounted else str(self.opt_ml)

    def inside(self, path: Path) -> str:
        """What a path below /opt/ml is called inside."""
        return f"{self.root}/{path.relative_to(self.opt_ml).as_posix()}"

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """Variables, with what their values call /opt/ml called as it is inside."""
        if self.mounted:
            return dict(given)
        here = {name: rooted(value, self.root) for name, value in given.items()}
        return {**here, "SAGEMAKER_BASE_DIR": self.root}

    def create_python(self, interpreter: Interpreter) -> PythonEnvironment:
        """Its virtual environment."""
        return PythonEnvironment.create(self.directory / "python", interpreter)

    def launch(
        self,
        python: PythonEnvironment,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        *,
        directory: str = "",
        is_python: bool = True,
        warm: bool = False,
        niceness: int = 0,
    ) -> Launch:
        """A program of the container, as Python's arguments or as a whole command."""
        home = self.directory / "home"
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        return Launch(
            arguments=tuple(arguments),
            environment={
                **machine_variables(),
                "HOME": str(home),
                "TMPDIR": str(home / "tmp"),
                **self.variables(variables),
                **python.variables(variables.get("PATH") or os.environ.get("PATH", os.defpath)),
            },
            directory=directory or str(home),
            python=python.python if is_python else "",
            warm=warm,
            opt_ml=str(self.opt_ml) if self.mounted else "",
            niceness=niceness,
        )


def rooted(value: str, root: str) -> str:
    """A path below /opt/ml where another folder stands for it; other values as they are."""
    if value != CONTAINER_ROOT and not value.startswith(f"{CONTAINER_ROOT}/"):
        return value
    return f"{root}{value.removeprefix(CONTAINER_ROOT)}"


def hint_without_opt_ml(reason: str) -> str:
    """For the log of a container that does not see /opt/ml."""
    return (
        f"localaws: /opt/ml is not there: this system has no mount namespaces for it ({reason}). "
        "Use the folders that SM_MODEL_DIR, SM_CHANNEL_... and the argument of model_fn name"
    )
