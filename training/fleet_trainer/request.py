"""The CreateTrainingJob request of a job that trains a fleet, as a function of its settings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import training
from training.fleet_trainer.recipe import Recipe
from training.requests import channel, script_mode, source_archive, training_request

CITIES, PREPROCESSOR, SERVING = "cities", "preprocessor", "serving"
"""The channels; ``program`` finds them in SM_CHANNEL_CITIES and so on."""
PROGRAM = "train_fleet.py"
PACKAGES = ("linear_learner", "fleet_trainer")
"""What of ``training/`` travels to the job."""
GIB = 1 << 30


@dataclass(frozen=True)
class Cluster:
    """The instances of a job."""

    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    max_runtime_seconds: int = 3600


def fleet_request(
    *,
    image: str,
    role_arn: str,
    region: str,
    source_url: str,
    cities_url: str,
    preprocessor_url: str,
    output_url: str,
    recipe: Recipe,
    cluster: Cluster,
    serving_url: str | None = None,
    data_bytes: int = 0,
    key_arn: str | None = None,
) -> dict[str, Any]:
    """The request without the name, for the scikit-learn container of ``image``.

    ``source_url`` is where ``source()`` was put. ``cities_url`` is a prefix that holds a
    ``<City>.csv`` each, or a manifest of some of them, a URL that ends in ``.manifest``; each
    instance gets its share. ``preprocessor_url`` is the fitted preprocessor's ``model.tar.gz``.
    ``serving_url`` is a manifest of the models that serve, if any do; each instance gets all, as
    the shares of two channels do not match, and a model has a thousand bytes.
    Below ``output_url`` the job writes ``<job>/output/model/<City>.tar.gz`` and
    ``<job>/output/model/reports/<host>.jsonl``. The volumes have room for ``data_bytes`` of cities'
    files.
    """
    data_type = "ManifestFile" if cities_url.endswith(".manifest") else "S3Prefix"
    return training_request(
        image=image,
        role_arn=role_arn,
        hyperparameters={
            **script_mode(PROGRAM, source_url, region),
            **{name: json.dumps(value) for name, value in _values(recipe).items()},
            "preprocessor_url": json.dumps(preprocessor_url),
        },
        channels=[
            channel(CITIES, cities_url, data_type=data_type, sharded=True),
            channel(PREPROCESSOR, preprocessor_url),
            *([channel(SERVING, serving_url, data_type="ManifestFile")] if serving_url else []),
        ],
        output_url=output_url,
        instance_type=cluster.instance_type,
        instance_count=cluster.instance_count,
        max_runtime_seconds=cluster.max_runtime_seconds,
        volume_gib=10 + 2 * data_bytes // GIB,
        compressed=False,
        key_arn=key_arn,
    )


def source() -> bytes:
    """The sourcedir.tar.gz of the job: the script and the packages that it needs, nothing else."""
    root = Path(training.__file__).parent
    modules = [root / "__init__.py"]
    for package in PACKAGES:
        modules += (root / package).rglob("*.py")
    files = {module.relative_to(root.parent).as_posix(): module.read_bytes() for module in modules}
    script = files.pop(f"training/fleet_trainer/{PROGRAM}")
    return source_archive({**files, PROGRAM: script})


def _values(recipe: Recipe) -> Mapping[str, str | float]:
    return {
        **recipe.hyperparameters,
        "solver": recipe.solver,
        "test_share": recipe.test_share,
        "validation_share": recipe.validation_share,
    }
