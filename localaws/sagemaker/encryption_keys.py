"""The KMS keys that a request names have to exist."""

from collections.abc import Iterator
from typing import Any

from localaws.backend import Backend, Scope
from localaws.sagemaker.resources import Request, validation_exception


def check_keys(scope: Scope, request: Request, backend: Backend) -> None:
    """Refuse a key that is not there, whichever member names it.

    Raises
    ------
    AwsError
    """
    for member, key in _keys(request):
        if key and not backend.key_exists(scope, key):
            raise validation_exception(f"{member}: the KMS key {key} does not exist.")


def _keys(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _keys(item)
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        if name.endswith("KmsKeyId") and isinstance(member, str):
            yield name, member
        else:
            yield from _keys(member)
