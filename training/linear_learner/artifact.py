"""The artifact of a training job: ``model.tar.gz``, in the layout that the service writes.

    model.tar.gz            gzip, one member
      model_algo-1          a zip whose members are stored, not compressed
        mx-mod-symbol.json      the MXNet graph                        (graph.py)
        manifest.json           which member is what
        additional-params.json  threshold, loss, predictor type, parameters of the metrics
        mx-mod-0000.params      the weights and the bias               (ndarrays.py)

AWS documents that MXNet opens the unpacked model ("Linear learner algorithm", how it works); the
rest is as in the service's own artifacts, for one in ``ll-adult-prediction-model.tar.gz`` of
aws/amazon-sagemaker-examples.
"""

import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from training.linear_learner.graph import (
    LOGISTIC,
    SOFTMAX,
    Graph,
    operator_of,
    read_graph,
    write_graph,
)
from training.linear_learner.model import LinearModel, PredictorType
from training.linear_learner.ndarrays import read_arrays, write_arrays

MODEL_FILE = "model_algo-1"
MAXIMUM_UNPACKED_BYTES = 1 << 30
"""An artifact that unpacks to more is refused: a linear model has a few kilobytes."""

MAXIMUM_JSON_BYTES = 1 << 25
"""A JSON member of more is refused: the weights of a million classes have 22 MB."""

EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""The first moment that a zip can name: equal models are equal bytes, whenever they are written."""
_MANIFEST = {"mx-mod": "mxnet_module", "additional-params.json": "json", "version": 1}
_PARAMETERS_MEMBER = "additional-params.json"
_REGULAR_FILE = 0o100644 << 16
_ZIP_ENTRY = b"PK\x01\x02"
"""What each entry in a zip's directory begins with; zipfile reads all of them, however many."""
_MOST_ZIP_ENTRIES = 100
_SHARED = 256
_SHARED_BYTES = 1 << 14
_PARAMETER_TYPES = {
    "threshold": (int, float),
    "loss_type": (str,),
    "predictor_type": (str,),
    "metrics_params": (dict,),
}
_IDENTITY = "identity"
_LINKS = {
    PredictorType.REGRESSOR: (_IDENTITY,),
    PredictorType.BINARY_CLASSIFIER: (LOGISTIC, _IDENTITY),
    PredictorType.MULTICLASS_CLASSIFIER: (SOFTMAX,),
}
# As Go writes it: no modification time, no extra flags, an unknown operating system.
_GZIP_HEADER = bytes.fromhex("1f8b08000000000000ff")


class ArtifactError(ValueError):
    """The artifact is damaged, unsafe, or not Linear Learner's; the text says which and where."""


def read_artifact(path: Path) -> LinearModel:
    """Reads a ``model.tar.gz``.

    Raises
    ------
    ArtifactError
        See ``read_artifact_bytes``; also when the file itself cannot be read.
    """
    with _refusing(str(path)):
        data = path.read_bytes()
    return read_artifact_bytes(data)


def read_artifact_bytes(data: bytes) -> LinearModel:
    """Reads the bytes of a ``model.tar.gz``, from whatever source: nothing in them is trusted.

    Raises
    ------
    ArtifactError
        Truncated, larger than 1 GiB unpacked, not exactly one regular file
        ``model_algo-1`` at the top of the archive, or a model that contradicts itself.
    """
    with _refusing("model.tar.gz"):
        return _read_model_file(_only_member(_gunzip(data)))


def read_model_directory(directory: Path) -> LinearModel:
    """Reads an unpacked artifact: the file ``model_algo-1`` in ``directory``.

    Raises
    ------
    ArtifactError
        As ``read_artifact_bytes``; also when there is no such file.
    """
    path = directory / MODEL_FILE
    with _refusing(str(path)):
        if path.stat().st_size > MAXIMUM_UNPACKED_BYTES:
            raise ArtifactError(f"it is larger than {MAXIMUM_UNPACKED_BYTES} bytes")
        return _read_model_file(path.read_bytes())


def write_artifact(model: LinearModel) -> bytes:
    """The ``model.tar.gz`` of a model; equal models give equal bytes."""
    data = write_model_file(model)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo(MODEL_FILE)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return _gzip(archive.getvalue())


def write_model_file(model: LinearModel, modified: datetime = EARLIEST) -> bytes:
    """The file ``model_algo-1`` of a model; ``modified`` is the time that its members carry."""
    graph = Graph(operator_of(model.loss), model.graph_number, model.feature_dim, model.outputs)
    members = {
        "mx-mod-symbol.json": write_graph(graph).encode(),
        "manifest.json": json.dumps(_MANIFEST).encode(),
        _PARAMETERS_MEMBER: json.dumps(_parameters(model)).encode(),
        "mx-mod-0000.params": write_arrays(
            {"arg:fc0_weight": model.weights, "arg:fc0_bias": model.bias.reshape(1, -1)}
        ),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, modified.timetuple()[:6])
            member.create_system = 3  # Unix
            member.external_attr = _REGULAR_FILE
            archive.writestr(member, content)
    return file.getvalue()


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Turns every way in which hostile bytes fail in the parsers below into an ArtifactError.

    Raises
    ------
    ArtifactError
        One of them failed.
    """
    try:
        yield
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ArtifactError(f"{what} is not a Linear Learner artifact: {reason}") from error


def _gunzip(data: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    unpacked = stream.decompress(data, MAXIMUM_UNPACKED_BYTES + 1)
    if len(unpacked) > MAXIMUM_UNPACKED_BYTES:
        raise ArtifactError(f"it unpacks to more than {MAXIMUM_UNPACKED_BYTES} bytes")
    if not stream.eof:
        raise ArtifactError("it is truncated")
    return unpacked


def _only_member(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        members = [member for member in islice(tar, 3) if member.name != "."]
        names = [member.name.removeprefix("./") for member in members]
        if names != [MODEL_FILE]:
            raise ArtifactError(f"it holds {names}; exactly one {MODEL_FILE!r} is needed")
        if not members[0].isreg() or members[0].issparse():
            raise ArtifactError(f"{MODEL_FILE!r} is not a regular file")
        stream = tar.extractfile(members[0])
        data = stream.read() if stream else b""
        if len(data) != members[0].size:
            raise ArtifactError(f"{MODEL_FILE!r} is truncated")
        return data


def _read_model_file(data: bytes) -> LinearModel:
    if data.count(_ZIP_ENTRY) > _MOST_ZIP_ENTRIES:
        raise ArtifactError(f"{MODEL_FILE!r} has more than {_MOST_ZIP_ENTRIES} members")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        module = _module_name(_object(archive, "manifest.json"))
        graph = _content(archive, f"{module}-symbol.json", MAXIMUM_JSON_BYTES)
        return _model(
            _object(archive, _PARAMETERS_MEMBER),
            _graph(graph) if len(graph) <= _SHARED_BYTES else read_graph(graph),
            read_arrays(_content(archive, f"{module}-0000.params", MAXIMUM_UNPACKED_BYTES)),
        )


def _content(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """The bytes of a member, of which no more are unpacked than it announces.

    Raises
    ------
    ArtifactError
        The member is missing, packed otherwise or larger than it may be.
    """
    if name not in archive.namelist():
        raise ArtifactError(f"{MODEL_FILE!r} has no member {name!r}")
    member = archive.getinfo(name)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArtifactError(f"{name!r} is neither stored nor deflated")
    if member.file_size > limit:
        raise ArtifactError(f"{name!r} has more than {limit} bytes")
    with archive.open(member) as stream:
        return stream.read(member.file_size)


def _object(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    text = _content(archive, name, MAXIMUM_JSON_BYTES)
    value = _document(text) if len(text) <= _SHARED_BYTES else json.loads(text)
    if not isinstance(value, dict):
        raise ArtifactError(f"{name} is not a JSON object")
    return value


# The models of a fleet differ in their weights alone: what else they hold is read, and is in
# memory, once for all of them.
_document = lru_cache(maxsize=_SHARED)(json.loads)
_graph = lru_cache(maxsize=_SHARED)(read_graph)


def _module_name(manifest: dict[str, Any]) -> str:
    names = [name for name, kind in manifest.items() if kind == "mxnet_module"]
    if len(names) != 1:
        raise ArtifactError(f"manifest.json names {len(names)} MXNet modules; one is needed")
    return names[0]


def _model(parameters: dict[str, Any], graph: Graph, arrays: dict[str, Any]) -> LinearModel:
    if set(arrays) != {"arg:fc0_weight", "arg:fc0_bias"}:
        raise ArtifactError(f"its arrays are {sorted(arrays)[:10]}; fc0_weight and fc0_bias needed")
    weights, bias = arrays["arg:fc0_weight"], arrays["arg:fc0_bias"]
    shape = graph.features, graph.outputs
    if weights.shape != shape or bias.shape != (1, graph.outputs):
        raise ArtifactError(
            f"its arrays have shapes {weights.shape} and {bias.shape}; by the graph, {shape} "
            f"and {(1, graph.outputs)} are needed"
        )
    _check_parameters(parameters)
    predictor_type, loss = PredictorType(parameters["predictor_type"]), parameters["loss_type"]
    link = _link(graph.operator)
    if link != _link(operator_of(loss)) or link not in _LINKS[predictor_type]:
        raise ArtifactError(
            f"the graph's {graph.operator} contradicts a {predictor_type} with the loss {loss!r}"
        )
    return LinearModel(
        predictor_type=predictor_type,
        loss=loss,
        weights=weights,
        bias=bias[0].copy(),
        threshold=float(parameters["threshold"]),
        metrics_params=parameters["metrics_params"],
        graph_number=graph.number,
    )


def _check_parameters(parameters: dict[str, Any]) -> None:
    for name, types in _PARAMETER_TYPES.items():
        if name not in parameters:
            raise ArtifactError(f"{_PARAMETERS_MEMBER} has no {name!r}")
        if type(parameters[name]) not in types:
            raise ArtifactError(f"{name!r} in {_PARAMETERS_MEMBER} is {parameters[name]!r:.40}")


def _link(operator: str) -> str:
    return operator if operator in (LOGISTIC, SOFTMAX) else _IDENTITY


def _parameters(model: LinearModel) -> dict[str, object]:
    return {
        "threshold": model.threshold,
        "loss_type": model.loss,
        "predictor_type": str(model.predictor_type),
        "metrics_params": dict(model.metrics_params),
    }


def _gzip(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = compressor.compress(data) + compressor.flush()
    trailer = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    return _GZIP_HEADER + body + trailer
