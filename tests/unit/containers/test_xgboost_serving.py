"""What the XGBoost container answers, in algorithm mode.

The expectations are those of https://github.com/aws/sagemaker-xgboost-container:
algorithm_mode/serve.py and handler_service.py.
"""

import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localaws.containers.contract import (
    ContainerRequest,
    ContainerSettings,
    LoadedModel,
    ModelLoadError,
)
from localaws.containers.process_host import ProcessHost
from localaws.containers.registry import ContainerRegistry

xgboost = pytest.importorskip("xgboost", reason="xgboost is an optional extra of localaws")
URI = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ROWS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
BODY = "1,2\n7,8"
Serve = Callable[..., LoadedModel]


@pytest.fixture(scope="module")
def booster() -> Any:
    data = xgboost.DMatrix(ROWS, label=ROWS.sum(axis=1))
    return xgboost.train({"objective": "reg:squarederror"}, data, num_boost_round=20)


@pytest.fixture
def serve(tmp_path: Path, process_host: ProcessHost) -> Iterator[Serve]:
    """Loads a model of these files, in a process."""
    with ExitStack() as stack:

        def load(*, multi_model: bool = False, **files: bytes) -> LoadedModel:
            model = tmp_path / "container" / "model"
            model.mkdir(parents=True)
            for name, data in files.items():
                (model / name).write_bytes(data)
            settings = ContainerSettings(
                image=URI,
                directory=tmp_path / "container",
                is_multi_model=multi_model,
                log=lambda line: None,
                host=process_host,
            )
            container = ContainerRegistry.installed().find(URI).container(settings)
            container.start()
            served = container.load(model)
            stack.callback(served.close)
            return served

        yield load


def ask(
    model: LoadedModel, body: str, content_type: str = "text/csv", accept: str = ""
) -> tuple[int, str]:
    answer = model.invoke(ContainerRequest(body.encode(), content_type, accept))
    return answer.status, answer.body.decode()


def expected(booster: Any) -> list[float]:
    predictions = booster.predict(xgboost.DMatrix(ROWS[[0, 3]]), validate_features=False)
    values: list[float] = predictions.tolist()
    return values


def test_one_model_alone_answers_as_the_flask_server_does(serve: Serve, booster: Any) -> None:
    model = serve(**{"xgboost-model": pickle.dumps(booster)})
    values = expected(booster)
    assert ask(model, BODY) == (200, "".join(f"{value}\n" for value in values))
    status, body = ask(model, BODY, accept="application/json")
    assert (status, json.loads(body)) == (200, {"predictions": [{"score": v} for v in values]})
    assert ask(model, BODY, accept="image/png")[0] == 406
    assert ask(model, "1:1 2:2", "text/libsvm") == (200, f"{values[0]}\n")
    assert ask(model, "x", "image/png")[0] == 415
    assert ask(model, "a,b")[0] == 415


def test_one_of_many_answers_as_the_multi_model_server_does(serve: Serve, booster: Any) -> None:
    raw = bytes(booster.save_raw(raw_format="ubj"))
    model = serve(multi_model=True, **{"xgboost-model": raw, ".hidden": b"x"})
    values = expected(booster)
    assert ask(model, BODY, accept="text/csv") == (200, ",".join(map(str, values)))
    status, body = ask(model, BODY)
    assert (status, json.loads(body)) == (200, values)
    assert ask(model, BODY, accept="image/png")[0] == 415
    status, body = ask(model, "1,2,3")
    assert status == 400
    assert body.startswith("Unable to evaluate payload provided")


def test_several_models_in_one_artifact_are_averaged(serve: Serve, booster: Any) -> None:
    raw = bytes(booster.save_raw(raw_format="json"))
    model = serve(**{"a.json": raw, "b.json": raw})
    assert ask(model, BODY) == (200, "".join(f"{value}\n" for value in expected(booster)))


def test_what_is_no_model_is_not_loaded(serve: Serve) -> None:
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        serve(**{"xgboost-model": b"no model"})
