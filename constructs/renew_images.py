"""Writes ``sagemaker_mme/images.json`` anew from the installed SageMaker Python SDK.

example: python constructs/renew_images.py && git diff constructs/sagemaker_mme/images.json

The SDK's tables say where an image is, not whether it can serve many models at once. That is the
Docker label ``com.amazonaws.sagemaker.capabilities.multi-models``; the first version of each image
whose Dockerfile was seen to have it stands in ``IMAGES`` below.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from sagemaker.core import image_uris

TABLE = Path(__file__).parent / "sagemaker_mme" / "images.json"
REFERENCE_REGION = "us-east-1"
INSTANCES = {"cpu": "ml.m5.xlarge", "gpu": "ml.g5.xlarge", "graviton": "ml.c6g.xlarge"}


@dataclass(frozen=True)
class Image:
    """An image of the SDK, under the name that this library gives it.

    Parameters
    ----------
    framework
        The SDK's name.
    first
        The first version to list.
    labelled
        The first version whose image has the multi-models label.
    processors
        What it is built for.
    """

    framework: str
    first: str
    labelled: str
    processors: tuple[str, ...] = ("cpu",)


IMAGES = {
    # 0.20.0 can stand in front of a multi-model container, not be one:
    # https://github.com/aws/sagemaker-scikit-learn-container
    "scikit-learn": Image("sklearn", "0.20.0", "0.23-1", ("cpu", "graviton")),
    # https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-support.html names these
    # algorithms, whose images have no version but one.
    "linear-learner": Image("linear-learner", "1", "1"),
    "knn": Image("knn", "1", "1"),
    "random-cut-forest": Image("randomcutforest", "1", "1"),
    # https://github.com/aws/sagemaker-xgboost-container/tree/master/docker
    "xgboost": Image("xgboost", "1.3-1", "1.3-1", ("cpu", "graviton")),
    # https://docs.aws.amazon.com/sagemaker/latest/dg/triton.html
    "triton": Image("sagemaker-tritonserver", "23.12", "23.12", ("cpu", "gpu")),
    # https://github.com/aws/deep-learning-containers
    "pytorch": Image("pytorch", "2.0.0", "2.0.0", ("cpu", "gpu", "graviton")),
    "tensorflow": Image("tensorflow", "2.12.1", "2.12.1", ("cpu", "gpu", "graviton")),
    "mxnet": Image("mxnet", "1.9.0", "1.9.0", ("cpu", "gpu")),
    "hugging-face": Image("huggingface", "4.28.1", "4.28.1", ("cpu", "gpu")),
}


def table() -> dict[str, Any]:
    """What ``images.json`` holds."""
    accounts: list[dict[str, str]] = []
    images: dict[str, Any] = {}
    for name, image in IMAGES.items():
        images[name] = {}
        for entry in _entries(image):
            if entry["accounts"] not in accounts:
                accounts.append(entry["accounts"])
            number = accounts.index(entry["accounts"])
            of_version = images[name].setdefault(entry["version"], {})
            of_version[entry["processor"]] = {
                "image": entry["image"],
                "accounts": number,
                "multi_model": (
                    _key(entry["version"]) >= _key(image.labelled)
                    # Of the GPU images Triton's alone serves many models:
                    # https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-support.html
                    and (entry["processor"] != "gpu" or name == "triton")
                ),
            }
    source = f"sagemaker-core {installed_version('sagemaker-core')}"
    return {"source": source, "accounts": accounts, "images": images}


def _entries(image: Image) -> Iterator[dict[str, Any]]:
    for processor in image.processors:
        scope = "inference_graviton" if processor == "graviton" else "inference"
        config = image_uris.config_for_framework(image.framework)
        for version, found in config.get(scope, config)["versions"].items():
            if _key(version) < _key(image.first):
                continue
            base = [key for key in found if key.startswith("pytorch")]
            if image.framework == "huggingface" and not base:
                continue  # TensorFlow's, which AWS no longer renews
            uri = image_uris.retrieve(
                image.framework,
                REFERENCE_REGION,
                version=version,
                instance_type=INSTANCES[processor],
                image_scope=scope,
                base_framework_version=base[-1] if base else None,
            )
            of_base = found[base[-1]] if base else found
            accounts = of_base["registries"]
            yield {
                "version": version,
                "processor": processor,
                "image": uri.partition("/")[2],
                "accounts": dict(sorted(accounts.items())),
            }


def _key(version: str) -> tuple[int, ...]:
    """``(1, 2, 1)`` of ``1.2-1`` and of ``1.2-1-py312``."""
    parts = version.replace("-", ".").split(".")
    return tuple(int(part) for part in parts if part.isdigit())


def main() -> None:
    """Write the table."""
    TABLE.write_text(json.dumps(table(), indent=1) + "\n")


if __name__ == "__main__":
    main()
