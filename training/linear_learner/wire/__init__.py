"""The formats in which rows arrive and answers leave: CSV, JSON, JSON Lines, RecordIO-protobuf."""

from training.linear_learner.wire.requests import decode_request
from training.linear_learner.wire.responses import encode_predictions
from training.linear_learner.wire.rows import DataError, RequestError
from training.linear_learner.wire.training_data import read_training_csv, read_training_recordio

__all__ = [
    "DataError",
    "RequestError",
    "decode_request",
    "encode_predictions",
    "read_training_csv",
    "read_training_recordio",
]
