"""Environment variables of user scripts: each container has its own, apart from this process'."""

import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar

from localaws.containers.contract import base_environment

_variables: ContextVar[dict[str, str] | None] = ContextVar("variables", default=None)


class RoutedEnvironment(MutableMapping[str, str]):
    """``os.environ``: the variables of the current container, or of this process without one."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._environment = environment

    @property
    def _current(self) -> MutableMapping[str, str]:
        variables = _variables.get()
        return self._environment if variables is None else variables

    def __getitem__(self, name: str) -> str:
        return self._current[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._current[name] = value

    def __delitem__(self, name: str) -> None:
        del self._current[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current)

    def __len__(self) -> int:
        return len(self._current)

    def __or__(self, other: Mapping[str, str]) -> dict[str, str]:
        return {**self._current, **other}

    def copy(self) -> dict[str, str]:
        """The variables as they are now."""
        return dict(self._current)


def container_variables(own: Mapping[str, str]) -> dict[str, str]:
    """What a container's process would have: its own variables and few of this machine."""
    return {**base_environment(), **own}


@contextmanager
def environment_of(variables: dict[str, str]) -> Iterator[None]:
    """Within it, ``os.environ`` of this thread is ``variables``; what is set there stays there."""
    if not isinstance(os.environ, RoutedEnvironment):
        setattr(os, "environ", RoutedEnvironment(os.environ))  # noqa: B010
    token = _variables.set(variables)
    try:
        yield
    finally:
        _variables.reset(token)
