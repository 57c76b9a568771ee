"""MXNet 1.9.1 on what we write: it opens our artifacts, and its optimizers move weights as ours.

MXNet needs NumPy 1.23, so it lives in an environment of its own, ``.mxnet``. Where that is absent
these tests are skipped.
"""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.environments import MXNET
from tests.unit.linear_learner.models import random_model
from training.linear_learner.artifact import write_model_file
from training.linear_learner.candidates import Candidate, LearningRates
from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.model import Float32Array, LinearModel
from training.linear_learner.ndarrays import write_arrays
from training.linear_learner.optimizers import optimizer_for
from training.linear_learner.predictor import predict

PROGRAM = Path(__file__).with_name("mxnet_program.py")

pytestmark = pytest.mark.skipif(not MXNET.python.exists(), reason=MXNET.absence)

MODELS = {
    "squared_loss": random_model("regressor", 10),
    "absolute_loss": random_model("regressor", 10, loss="absolute_loss"),
    "quantile_loss": random_model("regressor", 10, loss="quantile_loss"),
    "logistic": random_model("binary_classifier", 14),
    "hinge_loss": random_model("binary_classifier", 14, loss="hinge_loss"),
    "softmax_loss": random_model("multiclass_classifier", 6, outputs=5),
}


OPTIMIZERS: dict[str, tuple[dict[str, float], dict[str, str]]] = {
    "adam": ({"beta1": 0.8, "beta2": 0.99}, {"beta_1": "0.8", "beta_2": "0.99"}),
    "sgd": ({"momentum": 0.5}, {"momentum": "0.5"}),
    "rmsprop": ({"gamma1": 0.9}, {}),
}
"""By name: MXNet's settings, and ours."""

CANDIDATE = Candidate(0, 0.1, 0.01, lr_scheduler_step=5, l1=0, lr_scheduler_factor=0.6)
SCHEDULE = {"step": 5, "factor": 0.6, "stop_factor_lr": 0.01}
GRADIENTS = np.random.default_rng(2).normal(size=(30, 4, 1)).astype(np.float32)
WEIGHTS = np.arange(6, dtype=np.float32).reshape(6, 1)
BIAS = np.array([[7.5]], np.float32)


@pytest.fixture(scope="module")
def mxnet(
    tmp_path_factory: pytest.TempPathFactory, real_model: LinearModel, real_features: Float32Array
) -> Path:
    """What MXNet made of all that this module asks; one process, as it takes seconds to start."""
    root = tmp_path_factory.mktemp("mxnet")
    questions = {loss: (model, features_for(model)) for loss, model in MODELS.items()}
    for name, (model, features) in {**questions, "real": (real_model, real_features)}.items():
        directory = root / "answers" / name
        directory.mkdir(parents=True)
        (directory / "model_algo-1").write_bytes(write_model_file(model))
        np.save(directory / "features.npy", features)
    for name, (settings, _) in OPTIMIZERS.items():
        directory = root / "optimizer" / name
        directory.mkdir(parents=True)
        document: dict[str, object] = {
            "name": name,
            "learning_rate": 0.1,
            "wd": 0.0,
            "schedule": SCHEDULE,
            **settings,
        }
        (directory / "optimizer.json").write_text(json.dumps(document))
        np.save(directory / "gradients.npy", GRADIENTS)
    (root / "save" / "arrays").mkdir(parents=True)
    np.save(root / "save" / "arrays" / "weights.npy", WEIGHTS)
    np.save(root / "save" / "arrays" / "bias.npy", BIAS)
    jobs = [part for path in root.glob("*/*") for part in (path.parent.name, str(path))]
    subprocess.run([MXNET.python, PROGRAM, *jobs], check=True, capture_output=True)
    return root


@pytest.mark.parametrize("loss", MODELS)
def test_mxnet_answers_with_our_artifact_what_we_answer(loss: str, mxnet: Path) -> None:
    model = MODELS[loss]
    ours = predict(model, features_for(model)).scores.reshape(50, -1)
    theirs = np.load(mxnet / "answers" / loss / "answers.npy")
    np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-6)


def test_mxnet_answers_with_a_real_artifact_what_we_answer(
    real_model: LinearModel, real_features: Float32Array, mxnet: Path
) -> None:
    theirs = np.load(mxnet / "answers" / "real" / "answers.npy")[:, 0]
    np.testing.assert_allclose(theirs, predict(real_model, real_features).scores, atol=1e-6)


def test_mxnet_saves_arrays_as_the_bytes_that_we_write(mxnet: Path) -> None:
    theirs = (mxnet / "save" / "arrays" / "saved.params").read_bytes()
    assert write_arrays({"arg:fc0_weight": WEIGHTS, "arg:fc0_bias": BIAS}) == theirs


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_mxnets_optimizers_and_schedule_move_weights_as_ours(name: str, mxnet: Path) -> None:
    theirs = np.load(mxnet / "optimizer" / name / "weights.npy")
    np.testing.assert_allclose(our_weights(name), theirs, rtol=2e-5)


def features_for(model: LinearModel) -> Float32Array:
    rows = np.random.default_rng(1).normal(size=(50, model.feature_dim))
    return rows.astype(np.float32)


def our_weights(name: str) -> Float32Array:
    """The weights after each update; the last row is a bias at the same rate as the others."""
    _, values = OPTIMIZERS[name]
    parameters = Hyperparameters.parse(
        {"predictor_type": "regressor", "optimizer": name, "bias_lr_mult": "1", **values}
    )
    optimizer = optimizer_for(parameters, GRADIENTS.shape[1:])
    updates = np.arange(1, len(GRADIENTS) + 1)
    rates = LearningRates((CANDIDATE,), scheduled=True).at(updates)
    rates = (rates * optimizer.rate_factors(updates)[:, None]).astype(np.float32)
    weights = np.zeros(GRADIENTS.shape[1:], np.float32)
    seen = []
    for gradient, rate in zip(GRADIENTS, rates, strict=True):
        optimizer.step(weights, gradient.copy(), rate)
        seen.append(weights.copy())
    return np.array(seen)
