"""Arrays to and from CSV, JSON and NPY."""

from sagemaker_containers._encoders import (
    array_to_csv,
    array_to_json,
    array_to_npy,
    csv_to_numpy,
    decode,
    encode,
    json_to_numpy,
    npy_to_numpy,
)

__all__ = [
    "array_to_csv",
    "array_to_json",
    "array_to_npy",
    "csv_to_numpy",
    "decode",
    "encode",
    "json_to_numpy",
    "npy_to_numpy",
]
