"""Serves a booster as SageMaker's XGBoost container does in algorithm mode.

https://github.com/aws/sagemaker-xgboost-container: ``algorithm_mode/serve.py`` in SingleModel mode,
``algorithm_mode/handler_service.py`` in MultiModel mode, which write their answers differently. Not
here: recordio-protobuf, JSON lines, and SAGEMAKER_INFERENCE_OUTPUT.
"""

from __future__ import annotations

import csv
import json
import os
import pickle
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import xgboost
from sagemaker_containers.beta.framework import worker
from sagemaker_inference.errors import BaseInferenceToolkitError

CSV, JSON = "text/csv", "application/json"
LIBSVM = ("text/libsvm", "text/x-libsvm")
IS_MULTI_MODEL = os.environ.get("SAGEMAKER_MULTI_MODEL") == "true"
IS_ENSEMBLE = os.environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") == "true"


class RefusalError(Exception):
    """A request that is answered with a status of its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def model_fn(model_dir: str) -> list[xgboost.Booster]:
    """All models of the folder, whose answers are averaged; or its first one.

    Raises
    ------
    RuntimeError
        Where a file is neither a pickle nor a model that XGBoost wrote.
    """
    files = [path for path in Path(model_dir).iterdir() if path.is_file() and path.name[0] != "."]
    if not files:
        raise RuntimeError(f"Unable to load model: no file in {model_dir}")
    return [_load(path) for path in (files if IS_ENSEMBLE else files[:1])]


def transform_fn(
    model: list[xgboost.Booster], content: str | bytes, content_type: str, accept: str
) -> Any:
    """The answer to one request."""
    try:
        rows = _rows(content, content_type.partition(";")[0].strip().lower())
        return _answer(_predictions(model, rows), accept.partition(";")[0].strip().lower())
    except RefusalError as refusal:
        if IS_MULTI_MODEL:
            _raise(refusal)
        return worker.Response(str(refusal), status=refusal.status, mimetype="text/html")


def _raise(refusal: RefusalError) -> NoReturn:
    raise BaseInferenceToolkitError(refusal.status, str(refusal), str(refusal)) from None


def _load(path: Path) -> xgboost.Booster:
    try:
        booster = pickle.loads(path.read_bytes())  # noqa: S301  # as the real container does
    except Exception as no_pickle:
        booster = xgboost.Booster()
        try:
            booster.load_model(str(path))
        except xgboost.core.XGBoostError as error:
            raise RuntimeError(
                f"Unable to load model: Model {path} cannot be loaded:"
                f"\nPickle load error={no_pickle}\nXGB load model error={error}"
            ) from None
    booster.set_param("nthread", 1)
    return booster


def _rows(content: str | bytes, content_type: str) -> xgboost.DMatrix:
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    if not text:
        raise RefusalError(204, "")
    try:
        if content_type == CSV:
            return _csv(text.strip())
        if content_type in LIBSVM:
            return _libsvm(text.strip())
    except (ValueError, csv.Error) as error:
        raise RefusalError(
            415, f"Loading {content_type} data failed with Exception, {type(error)} {error}"
        ) from None
    raise RefusalError(415, f"Content-type {content_type} is not supported here.")


def _csv(text: str) -> xgboost.DMatrix:
    first = text.partition("\n")[0][:512]
    sniffed = csv.Sniffer().sniff(first).delimiter if "," not in first else ","
    delimiter = "," if sniffed.isalnum() or sniffed in ".-+" else sniffed
    rows = [[cell or "nan" for cell in line.split(delimiter)] for line in text.split("\n")]
    return xgboost.DMatrix(np.array(rows).astype(float))


def _libsvm(text: str) -> xgboost.DMatrix:
    rows = [
        {int(key): float(value) for key, _, value in (t.partition(":") for t in tokens) if value}
        for tokens in (line.split() for line in text.split("\n"))
    ]
    indexes = [index for row in rows for index in row]
    if not indexes:
        raise ValueError("no index:value in it")
    offset = 1 if min(indexes) >= 1 else 0
    data = np.zeros((len(rows), max(indexes) - offset + 1))
    for number, row in enumerate(rows):
        for index, value in row.items():
            data[number, index - offset] = value
    return xgboost.DMatrix(data)


def _predictions(model: list[xgboost.Booster], rows: xgboost.DMatrix) -> np.ndarray[Any, Any]:
    try:
        answers = [booster.predict(rows, validate_features=False) for booster in model]
    except (ValueError, xgboost.core.XGBoostError) as error:
        raise RefusalError(400, f"Unable to evaluate payload provided: {error}") from None
    mean: np.ndarray[Any, Any] = answers[0] if len(answers) == 1 else np.mean(answers, axis=0)
    return mean


def _answer(predictions: np.ndarray[Any, Any], accept: str) -> Any:
    values = predictions.tolist()
    if accept == JSON:
        told: Any = (
            values if IS_MULTI_MODEL else {"predictions": [{"score": value} for value in values]}
        )
        body = json.dumps(told)
    elif accept == CSV and IS_MULTI_MODEL:
        body = ",".join(map(str, values))
    elif accept == CSV:
        rows = [row if isinstance(row, list) else [row] for row in values]
        body = "".join(",".join(map(str, row)) + "\n" for row in rows)
    else:
        raise RefusalError(
            415 if IS_MULTI_MODEL else 406,
            f"Accept type {accept} is not supported here; supported: {CSV}, {JSON}.",
        )
    if IS_MULTI_MODEL:
        return body, accept
    return worker.Response(body, mimetype=accept)
