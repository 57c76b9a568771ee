"""Finds the container image that an image URI names."""

import importlib
import pkgutil
from collections.abc import Iterable

import localaws.containers
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
        """The image behind a URI such as ``<account>.dkr.ecr.<region>.amazonaws.com/name:tag``."""
        for image in self._images:
            if image.matches(image_uri):
                return image
        raise UnknownImageError(
            f"localaws cannot run the image {image_uri}; it runs those whose repository is one of "
            f"{', '.join(sorted(image.repository for image in self._images))}."
        )


def repository_of(image_uri: str) -> str:
    """``linear-learner`` of ``<account>.dkr.ecr.<region>.amazonaws.com/linear-learner:1``."""
    without_digest = image_uri.partition("@")[0]
    registry, slash, repository = without_digest.partition("/")
    return (repository if slash else registry).partition(":")[0]


def tag_of(image_uri: str) -> str:
    """``1`` of ``<account>.dkr.ecr.<region>.amazonaws.com/linear-learner:1``; else ``latest``."""
    return image_uri.partition("@")[0].rpartition("/")[2].partition(":")[2] or "latest"
