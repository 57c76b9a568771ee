"""The images that AWS publishes for SageMaker, by name, version, processor and region.

The table is ``images.json``, which ``renew_images.py`` beside this package writes from the
SageMaker Python SDK (https://github.com/aws/sagemaker-python-sdk).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from sagemaker_mme.problems import InvalidPropsError

TABLE = Path(__file__).with_name("images.json")


class Processor(StrEnum):
    """What an image is built for."""

    CPU = "cpu"
    """x86 processors."""
    GPU = "gpu"
    """x86 processors beside an NVIDIA GPU."""
    GRAVITON = "graviton"
    """AWS's Arm processors."""


@dataclass(frozen=True)
class PublishedImage:
    """One image of AWS's.

    Parameters
    ----------
    repository
        Its repository, the same in every region.
    tag
        Its tag.
    accounts
        The account that owns the repository, by region.
    key
        A name for ``accounts``, of letters and digits.
    multi_model
        Whether it serves many models: it has the Docker label
        ``com.amazonaws.sagemaker.capabilities.multi-models``.
    """

    repository: str
    tag: str
    accounts: Mapping[str, str]
    key: str
    multi_model: bool


def published_image(name: str, version: str, processor: Processor) -> PublishedImage:
    """The image of that name, version and processor.

    Raises
    ------
    InvalidPropsError
        When AWS publishes none; the text has those that it does.
    """
    table = _table()
    versions = table["images"][name]
    if version not in versions:
        raise InvalidPropsError(
            f"AWS publishes no {name} image of version '{version}'; known: {', '.join(versions)}"
        )
    if processor not in versions[version]:
        having = [number for number, built in versions.items() if processor in built]
        raise InvalidPropsError(
            f"AWS publishes no {name} image of version '{version}' for {processor.name};"
            f" versions that it does: {', '.join(having) or 'none'}"
        )
    found = versions[version][processor]
    repository, _, tag = found["image"].partition(":")
    numbers = {built["accounts"] for other in versions.values() for built in other.values()}
    return PublishedImage(
        repository,
        tag,
        table["accounts"][found["accounts"]],
        _mapping_key(name, version if len(numbers) > 1 else "", processor),
        found["multi_model"],
    )


def dns_suffix(region: str) -> str:
    """The domain of a region's registries; source: botocore's ``partitions.json``."""
    for prefix, suffix in (
        ("cn-", "amazonaws.com.cn"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ):
        if region.startswith(prefix):
            return suffix
    return "amazonaws.com"


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text())
    return table


def _mapping_key(name: str, version: str, processor: Processor) -> str:
    """CloudFormation allows letters and digits only: ``scikit-learn`` becomes ``scikitLearn``."""
    first, *rest = name.split("-")
    suffix = f"{re.sub(r'[^0-9]', '', version)}{processor.title()}" if version else ""
    return first + "".join(word.title() for word in rest) + suffix
