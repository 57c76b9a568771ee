"""Calling functions of user code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def matching_args(fn: Callable[..., Any], dictionary: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that a function has parameters for; all of them when it takes any."""
    specification = inspect.getfullargspec(fn)
    if specification.varkw:
        return dict(dictionary)
    return {name: dictionary[name] for name in specification.args if name in dictionary}


def error_wrapper(fn: Callable[..., Any], error_class: type[Exception]) -> Callable[..., Any]:
    """The function, with its exceptions raised as ``error_class``."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            raise error_class(error) from error

    return wrapper
