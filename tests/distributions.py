"""Builds the three distributions and runs what each installs, in an environment of its own.

example: python -m tests.distributions
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = {
    "sagemaker-mme": ROOT / "constructs",
    "sagemaker-mme-fleet": ROOT,
    "sagemaker-mme-localaws": ROOT / "localaws",
}


@dataclass(frozen=True)
class Trial:
    """A distribution, and commands that must succeed where nothing but it was installed.

    Parameters
    ----------
    tools
        What the commands need besides.
    files
        What lies in the folder where they run.
    """

    distribution: str
    commands: Sequence[Sequence[str]]
    tools: Sequence[str] = ()
    files: Sequence[Path] = ()


TRIALS = (
    Trial(
        "sagemaker-mme",
        [
            ("python", "one_container.py"),
            ("python", "-c", "import sagemaker_mme.nag_pack; sagemaker_mme.TenantBroker"),
            ("mypy", "--strict", "one_container.py", "pipeline.py", "tenant_api.py"),
            ("pyright", "one_container.py", "pipeline.py", "tenant_api.py"),
        ],
        tools=("cdk-nag", "mypy", "pyright"),
        files=[
            ROOT / "constructs" / "examples" / f"{name}.py"
            for name in ("one_container", "pipeline", "tenant_api")
        ],
    ),
    Trial(
        "sagemaker-mme-fleet",
        [("housing", "--help"), ("python", "-c", "import fleet.names, iam_policy")],
    ),
    Trial(
        "sagemaker-mme-localaws",
        [("localaws", "start"), ("localaws", "status"), ("localaws", "stop")],
    ),
)


def main() -> int:
    """Stops at the first command that fails; returns its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder) / "wheels"
        for name, source in SOURCES.items():
            print(f"build {name}", flush=True)
            # The wheel out of the sdist, so that both are whole.
            _uv("build", "--quiet", _copy(source, Path(folder) / name), "-o", wheels)
        for trial in TRIALS:
            print(f"install {trial.distribution} alone", flush=True)
            _run(trial, wheels, Path(folder) / f"{trial.distribution}-environment")
    return 0


def _copy(source: Path, target: Path) -> Path:
    """The files of a distribution that git knows: a build leaves nothing in the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=source,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    return target


def _run(trial: Trial, wheels: Path, environment: Path) -> None:
    _uv("venv", "--quiet", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    _uv(
        *("pip", "install", "--quiet", "--python", python),
        *("--constraint", _constraints(wheels.parent), "--find-links", wheels),
        trial.distribution,
        *trial.tools,
    )
    elsewhere = environment / "elsewhere"
    elsewhere.mkdir()
    for file in trial.files:
        shutil.copy2(file, elsewhere)
    for command, *arguments in trial.commands:
        program = environment / "bin" / command
        # Pyright asks PATH which Python it checks for.
        path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            [program, *arguments], cwd=elsewhere, check=True, env={**os.environ, "PATH": path}
        )


def _constraints(folder: Path) -> Path:
    """The locked versions, so that a release of tomorrow breaks no test of today."""
    locked = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = folder / "constraints.txt"
    pinned.write_text("\n".join(line for line in locked if not line.startswith("-e")))
    return pinned


def _uv(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd}: exit status {error.returncode}")
