"""What runs when Linear Learner trains: reads /opt/ml, writes the model, logs as the real one does.

Started as a process of its own: ``SAGEMAKER_BASE_DIR=... python -m`` this module.
"""

import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from localaws.containers.algorithm_program import CustomerError, ended, read_config
from training.linear_learner.artifact import MODEL_FILE, write_model_file
from training.linear_learner.hyperparameters import HyperparameterError, Hyperparameters
from training.linear_learner.model import Dataset
from training.linear_learner.trainer import TrainingError, TrainingResult, train
from training.linear_learner.wire import read_training_csv, read_training_recordio

RECORDIO = "application/x-recordio-protobuf"
READERS: Mapping[str, Callable[[bytes, str], Dataset]] = {
    "text/csv": read_training_csv,
    RECORDIO: read_training_recordio,
}


def main() -> int:
    """The exit code; see ``algorithm_program.ended``."""
    print("Docker entrypoint called with argument(s): train")
    print("Running default environment configuration script")
    return ended(run, log)


def run(base: Path) -> None:
    """Train on the channels of ``base`` and leave ``model/model_algo-1`` there.

    Raises
    ------
    CustomerError
        For hyperparameters or data that cannot be used.
    """
    provided = read_config(base, "hyperparameters.json")
    log(
        f"Reading provided configuration from /opt/ml/input/config/hyperparameters.json: {provided}"
    )
    try:
        hyperparameters = Hyperparameters.parse(provided)
    except HyperparameterError as error:
        raise CustomerError(f"{error} (caused by ValidationError)") from error
    log(f"Final configuration: {_configuration(hyperparameters)}")
    channels = {
        name: read_channel(base, name, channel.get("ContentType", RECORDIO))
        for name, channel in read_config(base, "inputdataconfig.json").items()
        if name in ("train", "validation", "test")
    }
    if "train" not in channels:
        raise CustomerError(
            "Unable to initialize the algorithm. Failed to validate input data configuration. "
            "(caused by ValidationError) Caused by: 'train' is a required property"
        )
    result = _train(hyperparameters, channels)
    (base / "model" / MODEL_FILE).write_bytes(write_model_file(result.model))


def _train(hyperparameters: Hyperparameters, channels: Mapping[str, Dataset]) -> TrainingResult:
    try:
        return train(
            hyperparameters,
            channels["train"],
            channels.get("validation"),
            channels.get("test"),
            log=log,
        )
    except TrainingError as error:
        raise CustomerError(str(error)) from error


def read_channel(base: Path, name: str, content_type: str) -> Dataset:
    """All rows of a channel, file after file in the order of their names.

    Raises
    ------
    CustomerError
        When there are none, or they do not belong together.
    """
    directory = base / "input" / "data" / name
    media_type = _media_type(content_type)
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    if not files:
        raise CustomerError(f"no file found in path /opt/ml/input/data/{name}")
    shown = [f"/opt/ml/{path.relative_to(base).as_posix()}" for path in files]
    datasets = [
        _read_file(path, text, name, media_type) for path, text in zip(files, shown, strict=True)
    ]
    width = datasets[0].features.shape[1]
    for text, dataset in zip(shown, datasets, strict=True):
        if dataset.features.shape[1] != width:
            raise CustomerError(
                f"{text} has rows of {dataset.features.shape[1]} features; {shown[0]} of {width}"
            )
    return Dataset(
        np.concatenate([dataset.features for dataset in datasets]),
        np.concatenate([dataset.labels for dataset in datasets]),
    )


def _media_type(content_type: str) -> str:
    """The media type of a channel that can be trained on."""
    media_type, *parameters = [part.strip().lower() for part in content_type.split(";")]
    if media_type not in READERS:
        raise CustomerError(
            f"No iterator has been registered for ContentType ('{content_type}', '1.0')"
        )
    for parameter in parameters:
        if parameter.startswith("label_size=") and parameter != "label_size=1":
            raise CustomerError(
                f"ContentType is '{content_type}'; a row to train on has one label: label_size=1"
            )
    return media_type


def _read_file(path: Path, shown: str, channel: str, media_type: str) -> Dataset:
    try:
        return READERS[media_type](path.read_bytes(), shown)
    except ValueError as error:
        raise CustomerError(
            f"Unable to read data channel '{channel}'. Requested content-type is '{media_type}'. "
            f"Please verify the data matches the requested content-type. (caused by {error})"
        ) from error


def log(message: str, level: str = "INFO") -> None:
    """One line in the form of Amazon's algorithms."""
    now = datetime.now(UTC).strftime("%m/%d/%Y %H:%M:%S")
    print(f"[{now} {level} {threading.get_ident()}] {message}", flush=True)


def _configuration(hyperparameters: Hyperparameters) -> dict[str, str]:
    """All hyperparameters in the strings of a request: what is not set is ``auto``."""
    return {
        name: json.dumps(value)
        if isinstance(value, bool)
        else "auto"
        if value is None
        else f"{value}"
        for name, value in asdict(hyperparameters).items()
    }


if __name__ == "__main__":
    sys.exit(main())
