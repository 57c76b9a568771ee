"""The folder /opt/ml of a training container.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from localaws.containers.contract import TrainingHost

CONTAINER_ROOT = "/opt/ml"
INPUT = PurePosixPath("input")
CONFIG = PurePosixPath("input/config")
DATA = PurePosixPath("input/data")
CODE = PurePosixPath("code")
MODEL = PurePosixPath("model")
OUTPUT = PurePosixPath("output")
OUTPUT_DATA = PurePosixPath("output/data")
CHECKPOINTS = PurePosixPath("checkpoints")
FAILURE = PurePosixPath("output/failure")

HYPERPARAMETERS_FILE = "hyperparameters.json"
INPUT_DATA_CONFIG_FILE = "inputdataconfig.json"
RESOURCE_CONFIG_FILE = "resourceconfig.json"

FAILURE_CHARACTERS = 1024


def write(host: TrainingHost, request: Mapping[str, Any]) -> None:
    """Make the folders and configuration files of a host."""
    for folder in (CONFIG, DATA, CODE, MODEL, OUTPUT_DATA, CHECKPOINTS):
        (host.directory / folder).mkdir(parents=True, exist_ok=True)
    files = {
        HYPERPARAMETERS_FILE: dict(host.hyperparameters),
        INPUT_DATA_CONFIG_FILE: input_data_config(request),
        RESOURCE_CONFIG_FILE: resource_config(host, request),
    }
    for name, contents in files.items():
        (host.directory / CONFIG / name).write_text(json.dumps(contents))


def input_data_config(request: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The contents of inputdataconfig.json: what there is to know about each channel."""
    mode = request["AlgorithmSpecification"].get("TrainingInputMode", "File")
    return {
        channel["ChannelName"]: {
            "TrainingInputMode": channel.get("InputMode", mode),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
        for channel in request.get("InputDataConfig", [])
    }


def resource_config(host: TrainingHost, request: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of resourceconfig.json: the host and its neighbours."""
    instance_type = request["ResourceConfig"].get("InstanceType", "local")
    group = "homogeneousCluster"
    return {
        "current_host": host.name,
        "current_instance_type": instance_type,
        "current_group_name": group,
        "hosts": list(host.hosts),
        "instance_groups": [
            {
                "instance_group_name": group,
                "instance_type": instance_type,
                "hosts": list(host.hosts),
            }
        ],
        "network_interface_name": "eth0",
    }


def read_config(directory: Path, name: str) -> dict[str, Any]:
    """One of the configuration files, from the container's side."""
    contents: dict[str, Any] = json.loads((directory / CONFIG / name).read_text())
    return contents


def channel_directory(host: TrainingHost, channel: str) -> Path:
    """Where the files of a channel are."""
    return host.directory / DATA / channel


def failure_text(host: TrainingHost) -> str:
    """What the container said about its failure: the start of the file output/failure."""
    try:
        text = (host.directory / FAILURE).read_text(errors="replace")
    except OSError:
        return ""
    return text[:FAILURE_CHARACTERS].strip()
