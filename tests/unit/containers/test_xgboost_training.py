"""What the XGBoost container does when it trains, on a folder laid out like /opt/ml.

The expectations are those of https://github.com/aws/sagemaker-xgboost-container:
algorithm_mode/train.py and data_utils.py.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from localaws.containers import xgboost_training
from localaws.containers.algorithm_program import CUSTOMER_ERROR
from localaws.containers.contract import TrainingHost
from localaws.containers.xgboost import XGBoostImage
from localaws.testing.memory import ROLE, MemoryBackend

xgboost = pytest.importorskip("xgboost", reason="xgboost is an optional extra of localaws")
NOTEBOOKS: Mapping[str, str] = {
    "max_depth": "5",
    "eta": "0.2",
    "gamma": "4",
    "min_child_weight": "1",
    "subsample": "0.8",
    "silent": "0",
    "early_stopping_rounds": "5",
    "objective": "reg:linear",
    "num_round": "25",
}
"""The hyperparameters of AWS's notebook xgboost_multi_model_endpoint_home_value."""
CSV = "".join(f"{3 * a + b},{a},{b}\n" for a in range(20) for b in range(5))
LIBSVM = "".join(f"{3 * a + b} 0:{a} 1:{b}\n" for a in range(20) for b in range(5))
Train = Callable[..., tuple[int, str]]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of the notebook's old names


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Trains on files by ``channel/name``; the exit code and the failure."""
    for folder in ("input/config", "model", "output"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))

    def run(
        files: Mapping[str, str],
        parameters: Mapping[str, str] = NOTEBOOKS,
        content_type: str | None = "csv",
    ) -> tuple[int, str]:
        for path, content in files.items():
            target = tmp_path / "input" / "data" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        channels = {path.partition("/")[0]: {"ContentType": content_type} for path in files}
        config = tmp_path / "input" / "config"
        (config / "hyperparameters.json").write_text(json.dumps(dict(parameters)))
        (config / "inputdataconfig.json").write_text(json.dumps(channels))
        code = xgboost_training.main()
        failure = tmp_path / "output" / "failure"
        return code, failure.read_text() if failure.exists() else ""

    return run


def predictions(folder: Path, rows: list[list[float]]) -> list[float]:
    booster = xgboost.Booster(model_file=bytearray((folder / "model/xgboost-model").read_bytes()))
    found: list[float] = booster.predict(xgboost.DMatrix(np.array(rows))).tolist()
    return found


def test_the_notebooks_model_learns(train: Train, tmp_path: Path) -> None:
    assert train({"train/train.csv": CSV, "validation/val.csv": CSV}) == (0, "")
    assert predictions(tmp_path, [[2, 1], [18, 3]]) == pytest.approx([7, 57], abs=4)


def test_libsvm_trains_the_same_model_as_csv(train: Train, tmp_path: Path) -> None:
    train({"train/a": CSV})
    of_csv = predictions(tmp_path, [[2, 1]])
    train({"train/a": LIBSVM}, content_type=None)
    assert predictions(tmp_path, [[2, 1]]) == of_csv


def test_weights_stand_in_the_second_column(train: Train, tmp_path: Path) -> None:
    rows = "1,1,0\n" * 10 + "9,0,0\n" * 10
    parameters = {"num_round": "50", "csv_weights": "1"}
    assert train({"train/a": rows}, parameters) == (0, "")
    assert predictions(tmp_path, [[0.0]]) == pytest.approx([1], abs=0.1)


def test_metrics_are_read_from_its_lines(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    train({"train/a": CSV, "validation/a": CSV}, {**NOTEBOOKS, "eval_metric": "mae,rmse"})
    lines = capsys.readouterr().out.splitlines()
    for metric in ("train:mae", "validation:rmse"):
        pattern = XGBoostImage.metric_definitions[metric]
        assert any(re.fullmatch(pattern, line) for line in lines), metric


def test_it_stands_in_for_the_first_container_and_says_so(tmp_path: Path) -> None:
    uri = "811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:latest"
    assert XGBoostImage().matches(uri)
    host = TrainingHost(tmp_path, "algo-1", ("algo-1",), NOTEBOOKS, image=uri)
    (line,) = XGBoostImage().training_program(host, MemoryBackend().object_store_as(ROLE)).preamble
    assert line == f"localaws: XGBoost {xgboost.__version__} runs, not the 0.72 of the image"


@pytest.mark.parametrize(
    ("parameters", "content_type", "files", "reason"),
    [
        ({}, "csv", {"train/a": CSV}, "Missing required hyperparameter: num_round"),
        ({"num_round": "many"}, "csv", {"train/a": CSV}, "num_round: could not parse value 'many'"),
        (NOTEBOOKS, "csv", {"validation/a": CSV}, "Missing required channel: train"),
        (NOTEBOOKS, "csv", {"train/a": ""}, "No data in train channel path"),
        (NOTEBOOKS, "text/csv;label_size=2", {"train/a": CSV}, "label_size must be equal to 1"),
        (NOTEBOOKS, "application/x-parquet", {"train/a": CSV}, "and not application/x-parquet"),
        (NOTEBOOKS, "libsvm", {"train/a": CSV}, "is not 'LIBSVM' format"),
        ({**NOTEBOOKS, "objective": "reg:best"}, "csv", {"train/a": CSV}, "XGB train call failed"),
        (
            {**NOTEBOOKS, "_kfold": "5"},
            "csv",
            {"train/a": CSV},
            "does not have the hyperparameters",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_the_customers_error(
    train: Train,
    parameters: Mapping[str, str],
    content_type: str,
    files: Mapping[str, str],
    reason: str,
) -> None:
    code, failure = train(files, parameters, content_type)
    assert code == CUSTOMER_ERROR
    assert reason in failure
