"""What runs when XGBoost trains in algorithm mode: reads /opt/ml, writes the model, logs rounds.

As https://github.com/aws/sagemaker-xgboost-container does: algorithm_mode/train.py, data_utils.py.
Started as a process of its own: ``SAGEMAKER_BASE_DIR=... python -m`` this module.
"""

import csv
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localaws.containers.algorithm_program import CustomerError, ended, read_config

MODEL_FILE = "xgboost-model"
OF_THE_CONTAINER = (
    "_tuning_objective_metric", "csv_weights", "early_stopping_rounds", "eval_metric", "num_round",
    "save_model_on_termination",
)  # fmt: skip
"""Hyperparameters that are no parameters of XGBoost's, or not by themselves."""
NOT_HERE = ("_kfold", "_num_cv_round", "use_dask_gpu_training")
CSV = ("csv", "text/csv")
LIBSVM = ("libsvm", "text/libsvm", "text/x-libsvm")


def main() -> int:
    """The exit code; see ``algorithm_program.ended``."""
    import xgboost

    return ended(lambda base: run(base, xgboost), log)


def run(base: Path, xgboost: Any) -> None:
    """Train on the channels of ``base`` and leave ``model/xgboost-model`` there.

    Raises
    ------
    CustomerError
        For hyperparameters or data that cannot be used.
    """
    given = read_config(base, "hyperparameters.json")
    if refused := [name for name in NOT_HERE if name in given]:
        raise CustomerError(f"localaws does not have the hyperparameters {', '.join(refused)}")
    rounds = _whole(given, "num_round")
    if rounds is None:
        raise CustomerError("Missing required hyperparameter: num_round")
    configured = read_config(base, "inputdataconfig.json")
    if "train" not in configured:
        raise CustomerError("Missing required channel: train")
    matrices = {
        name: _matrix(base, name, configured[name], _whole(given, "csv_weights") == 1, xgboost)
        for name in ("train", "validation")
        if name in configured
    }
    log(f"Train matrix has {matrices['train'].num_row()} rows")
    if "validation" in matrices:
        log(f"Validation matrix has {matrices['validation'].num_row()} rows")
    parameters: dict[str, Any] = {k: v for k, v in given.items() if k not in OF_THE_CONTAINER}
    metrics = [given[name] for name in ("eval_metric", "_tuning_objective_metric") if name in given]
    if metrics:
        names = (name.strip().rpartition(":")[2] for text in metrics for name in text.split(","))
        parameters["eval_metric"] = list(dict.fromkeys(names))
    try:
        booster = xgboost.train(
            parameters,
            matrices["train"],
            num_boost_round=rounds,
            evals=[(matrix, name) for name, matrix in matrices.items()],
            early_stopping_rounds=_whole(given, "early_stopping_rounds"),
            callbacks=[_rounds_shown(xgboost)],
            verbose_eval=False,
        )
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        raise CustomerError(f"XGB train call failed with exception:\n {error}") from error
    model = base / "model" / f"{MODEL_FILE}.ubj"
    booster.save_model(model)
    model.rename(model.with_suffix(""))


def _whole(given: Mapping[str, str], name: str) -> int | None:
    try:
        return int(given[name]) if name in given else None
    except ValueError:
        text = f"Hyperparameter {name}: could not parse value {given[name]!r}"
        raise CustomerError(text) from None


def _rounds_shown(xgboost: Any) -> Any:
    """Logs each round as the container does: its metrics are read from these lines."""

    class Rounds(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            shown = "".join(
                f"#011{channel}-{metric}:{values[-1]:.5f}"
                for channel, metrics in evals_log.items()
                for metric, values in metrics.items()
            )
            print(f"[{epoch}]{shown}", flush=True)
            return False

    return Rounds()


def _matrix(
    base: Path, channel: str, configured: Mapping[str, Any], weights: bool, xgboost: Any
) -> Any:
    given = configured.get("ContentType") or LIBSVM[0]
    content_type, *parameters = [part.strip().lower() for part in given.split(";")]
    if any(part.startswith("label_size=") and part != "label_size=1" for part in parameters):
        raise CustomerError(
            f"{given} is not an accepted csv ContentType. Optional parameter label_size must be"
            " equal to 1"
        )
    if content_type not in (*CSV, *LIBSVM):
        raise CustomerError(f"localaws reads {', '.join((*CSV, *LIBSVM))} here, and not {given}")
    folder = base / "input" / "data" / channel
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name[0] not in "._"
    )
    if not any(path.stat().st_size for path in files):
        raise CustomerError(f"No data in {channel} channel path /opt/ml/input/data/{channel}")
    if content_type in LIBSVM:
        rows = [_libsvm(path) for path in files]
        width = max(matrix.shape[1] for matrix in rows)
        wide = [np.pad(m, ((0, 0), (0, width - m.shape[1])), constant_values=np.nan) for m in rows]
        return xgboost.DMatrix(np.concatenate(wide)[:, 1:], label=np.concatenate(wide)[:, 0])
    data = np.concatenate([_csv(path) for path in files])
    first = 2 if weights else 1
    return xgboost.DMatrix(
        data[:, first:], label=data[:, 0], weight=data[:, 1] if weights else None
    )


def _csv(path: Path) -> NDArray[np.float64]:
    with path.open(encoding="utf-8", errors="replace") as file:
        line = file.readline()
    try:
        delimiter = csv.Sniffer().sniff(line).delimiter
        return np.genfromtxt(path, delimiter=delimiter, ndmin=2, dtype=np.float64)
    except (csv.Error, ValueError) as error:
        raise CustomerError(
            f"Could not determine delimiter on line {line[:50]}:\n{error}"
        ) from None


def _libsvm(path: Path) -> NDArray[np.float64]:
    """Labels, then features; what a row does not name is missing."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        label, *pairs = line.split()
        try:
            rows.append({0: float(label), **{int(i) + 1: float(v) for i, v in _pairs(pairs)}})
        except ValueError:
            raise CustomerError(
                f"Line {number} '{line[:50]}...' of file '{path.name}' is not 'LIBSVM' format."
            ) from None
    matrix = np.full((len(rows), 1 + max(max(row) for row in rows)), np.nan)
    for number, row in enumerate(rows):
        matrix[number, list(row)] = list(row.values())
    return matrix


def _pairs(texts: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        index, colon, value = text.partition(":")
        if not colon:
            raise ValueError(text)
        pairs.append((index, value))
    return pairs


def log(message: str, level: str = "INFO", /) -> None:
    """One line in the form of the container's log."""
    now = datetime.now(UTC).strftime("%Y-%m-%d:%H:%M:%S")
    print(f"[{now}:{level}] {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
