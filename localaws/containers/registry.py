"""Finds the container image that an image URI names."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import localaws.containers
from localaws.backend import Scope
from localaws.containers.contract import ContainerImage


class UnknownImageError(LookupError):
    """No container of this AWS runs the image; the text names the image and those that run."""


class ContainerRegistry:
    """The images that this AWS can run."""

    def __init__(self, images: Iterable[ContainerImage]) -> None:
        self._images = tuple(images)

    @classmethod
    def installed(cls) -> "ContainerRegistry":
        """The images of this package: each module here that defines ``IMAGE`` adds one."""
        modules = (
            importlib.import_module(f"{localaws.containers.__name__}.{module.name}")
            for module in pkgutil.iter_modules(localaws.containers.__path__)
        )
        return cls(module.IMAGE for module in modules if hasattr(module, "IMAGE"))

    def find(self, image_uri: str) -> ContainerImage:
        """The image behind a URI such as ``<account>.dkr.ecr.<region>.amazonaws.com/name:tag``.

        Raises
        ------
        UnknownImageError
        """
        for image in self._images:
            if image.matches(image_uri):
                return image
        raise UnknownImageError(
            f"localaws cannot run the image {image_uri}; it runs those whose repository is one of "
            f"{', '.join(sorted(image.repository for image in self._images))}."
        )


_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/.+", re.ASCII
)


def check_origin(image_uri: str, scope: Scope) -> None:
    """Refuse an image of another region, or one of SageMaker's with another account than its own.

    The accounts of SageMaker's own images are those of the SageMaker SDK (``image_uri_config``).

    Raises
    ------
    UnknownImageError
    """
    registry = _ECR.fullmatch(image_uri)
    if registry is None:
        return
    account, region = registry["account"], registry["region"]
    if region != scope.region:
        raise UnknownImageError(
            f"Requested image {image_uri} is in {region}; it has to be in {scope.region}, where"
            " it is to run."
        )
    published = _registry_accounts().get(repository_of(image_uri), {}).get(region)
    if published is not None and account not in (scope.account_id, published):
        raise UnknownImageError(
            f"Requested image {image_uri} not found: account {account} has no such repository; that"
            f" of SageMaker is {published}'s."
        )


@cache
def _registry_accounts() -> dict[str, dict[str, str]]:
    """The account of each region, by repository."""
    text = files(localaws.containers).joinpath("registry_accounts.json").read_text()
    accounts: dict[str, dict[str, str]] = json.loads(text)
    return accounts


def repository_of(image_uri: str) -> str:
    """``linear-learner`` of ``<account>.dkr.ecr.<region>.amazonaws.com/linear-learner:1``."""
    without_digest = image_uri.partition("@")[0]
    registry, slash, repository = without_digest.partition("/")
    return (repository if slash else registry).partition(":")[0]


def tag_of(image_uri: str) -> str:
    """``1`` of ``<account>.dkr.ecr.<region>.amazonaws.com/linear-learner:1``; else ``latest``."""
    return image_uri.partition("@")[0].rpartition("/")[2].partition(":")[2] or "latest"
