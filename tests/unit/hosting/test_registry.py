import pytest

from localaws.containers.registry import (
    ContainerRegistry,
    UnknownImageError,
    repository_of,
    tag_of,
)

LINEAR_LEARNER = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"


@pytest.mark.parametrize(
    ("uri", "repository", "tag"),
    [
        (LINEAR_LEARNER, "linear-learner", "1"),
        ("123.dkr.ecr.us-east-1.amazonaws.com/team/image", "team/image", "latest"),
        ("123.dkr.ecr.us-east-1.amazonaws.com/image@sha256:ab", "image", "latest"),
        ("localhost:5000/image:2", "image", "2"),
        ("image:3", "image", "3"),
        ("image", "image", "latest"),
    ],
)
def test_an_image_uri_has_a_repository_and_a_tag(uri: str, repository: str, tag: str) -> None:
    assert (repository_of(uri), tag_of(uri)) == (repository, tag)


def test_the_installed_images_are_found_by_their_uris() -> None:
    assert ContainerRegistry.installed().find(LINEAR_LEARNER).supports_multi_model


def test_an_unknown_image_is_named() -> None:
    with pytest.raises(UnknownImageError, match="localaws cannot run the image other:1"):
        ContainerRegistry.installed().find("other:1")
