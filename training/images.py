"""URIs of the two container images, out of the SageMaker Python SDK's own tables.

``sagemaker.core.image_uris.retrieve`` gives the same URIs, but importing it takes several seconds;
the JSON tables that it reads can be read without that import.
"""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from botocore.loaders import Loader
from botocore.session import get_session

from fleet.errors import HousingError
from fleet.project import in_project

SCIKIT_LEARN_TAG = "1.9-0-cpu-py3"
LINEAR_LEARNER_TAG = "1"


class ImageError(HousingError):
    """A region without these images."""


def scikit_learn_image(region: str) -> str:
    """The scikit-learn container, for training and for inference."""
    table = _table("sklearn")["training"]["versions"]["1.9-0"]
    return _image_uri(table, SCIKIT_LEARN_TAG, region)


def linear_learner_image(region: str) -> str:
    """The Linear Learner container, for training and for inference."""
    return _image_uri(_table("linear-learner")["versions"]["1"], LINEAR_LEARNER_TAG, region)


def _image_uri(table: dict[str, Any], tag: str, region: str) -> str:
    accounts = table["registries"]
    repository = table["repository"]
    if region not in accounts:
        raise ImageError(
            f"region {region!r} has no {repository} image; regions that have: "
            + ", ".join(sorted(accounts))
        )
    registry = f"{accounts[region]}.dkr.ecr.{region}.{_dns_suffix(region)}"
    return f"{registry}/{repository}:{tag}"


@cache
def _table(name: str) -> dict[str, Any]:
    package = find_spec("sagemaker")
    if package is None or not package.submodule_search_locations:
        set_up = in_project("make setup")
        raise ImageError(f"the package sagemaker is not installed; run: {set_up}")
    folder = Path(package.submodule_search_locations[0]) / "core" / "image_uri_config"
    table: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return table


@cache
def _dns_suffix(region: str) -> str:
    partition = get_session().get_partition_for_region(region)
    partitions = Loader().load_data("partitions")["partitions"]
    suffix: str = next(p["outputs"]["dnsSuffix"] for p in partitions if p["id"] == partition)
    return suffix
