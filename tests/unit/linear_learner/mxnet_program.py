"""What MXNet itself makes of an artifact; run by the Python of the environment .mxnet.

python mxnet_program.py answers   DIRECTORY   model_algo-1, features.npy  ->  answers.npy
python mxnet_program.py save      DIRECTORY   weights.npy, bias.npy       ->  saved.params
python mxnet_program.py optimizer DIRECTORY   optimizer.json, gradients.npy  ->  weights.npy
"""

import json
import sys
import zipfile
from pathlib import Path

import mxnet
import numpy


def answers(directory: Path) -> None:
    """AWS's recipe for opening a model ("How linear learner works"), then a forward pass."""
    zipfile.ZipFile(directory / "model_algo-1").extractall(directory)
    features = numpy.load(directory / "features.npy")
    module = mxnet.module.Module.load(str(directory / "mx-mod"), 0, label_names=["out_label"])
    module.bind(data_shapes=[("data", features.shape)], for_training=False)
    batch = mxnet.io.DataBatch(data=[mxnet.nd.array(features)])
    module.forward(batch, is_train=False)
    numpy.save(directory / "answers.npy", module.get_outputs()[0].asnumpy())


def save(directory: Path) -> None:
    """The file that MXNet writes for the arrays of a model."""
    arrays = {
        "arg:fc0_weight": mxnet.nd.array(numpy.load(directory / "weights.npy")),
        "arg:fc0_bias": mxnet.nd.array(numpy.load(directory / "bias.npy")),
    }
    mxnet.nd.save(str(directory / "saved.params"), arrays)


def optimizer(directory: Path) -> None:
    """The weights after each update, from zero; one column a gradient."""
    settings = json.loads((directory / "optimizer.json").read_text())
    gradients = numpy.load(directory / "gradients.npy")
    schedule = mxnet.lr_scheduler.FactorScheduler(**settings.pop("schedule"))
    updater = mxnet.optimizer.get_updater(mxnet.optimizer.create(**settings, lr_scheduler=schedule))
    weights = mxnet.nd.zeros(gradients.shape[1:])
    seen = []
    for gradient in gradients:
        updater(0, mxnet.nd.array(gradient), weights)
        seen.append(weights.asnumpy())
    numpy.save(directory / "weights.npy", numpy.array(seen))


COMMANDS = {"answers": answers, "save": save, "optimizer": optimizer}

if __name__ == "__main__":
    for command, directory in zip(sys.argv[1::2], sys.argv[2::2]):  # noqa: B905
        COMMANDS[command](Path(directory))
