"""The default functions of the toolkit."""

from __future__ import annotations

from typing import Any

from sagemaker_containers import _encoders, _worker


def default_model_fn(model_dir: str) -> Any:
    """There is no default: a script says how its model is loaded."""
    raise NotImplementedError(
        "Please provide a model_fn implementation.\n"
        "See documentation for model_fn at https://github.com/aws/sagemaker-python-sdk"
    )


def default_input_fn(input_data: Any, content_type: str) -> Any:
    """An array of a request body."""
    return _encoders.decode(input_data, content_type)


def default_predict_fn(data: Any, model: Any) -> Any:
    """There is no default here; the scikit-learn container calls ``model.predict``."""
    raise NotImplementedError(
        "Please provide a predict_fn implementation.\n"
        "See documentation for predict_fn at https://github.com/aws/sagemaker-python-sdk"
    )


def default_output_fn(prediction: Any, accept: str) -> _worker.Response:
    """The prediction in the content type that the caller accepts."""
    return _worker.Response(response=_encoders.encode(prediction, accept), mimetype=accept)
