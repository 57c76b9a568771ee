"""The quotas of the simulated account: AWS's names and defaults, and the values that apply here.

A new account has none of most instance types. This one was granted ``GRANTED`` of each, so that
everything can be tried; ``localaws quota`` sets another value, and that one is enforced.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from localaws.files import write_atomically
from localaws.state import StateError

GRANTED = 100
"""What a quota is as long as nobody set it."""


@dataclass(frozen=True)
class Quota:
    """A quota as AWS lists it; ``default`` is what a new account has."""

    name: str
    code: str
    default: int


@cache
def known_quotas() -> Mapping[str, Quota]:
    """By name; the file beside this module says where they come from."""
    text = files(__package__).joinpath("sagemaker.json").read_text()
    rows = json.loads(text)["quotas"]
    return {name: Quota(name, code, default) for name, (code, default) in rows.items()}


class SetQuotas:
    """The quotas that somebody set, in a file that is read each time."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, name: str) -> int | None:
        """The value that was set, or None.

        Raises
        ------
        StateError
            When the file is damaged.
        """
        return self._values().get(name)

    def items(self) -> Iterator[tuple[str, int]]:
        """All that were set, by name."""
        yield from sorted(self._values().items())

    def set(self, name: str, value: int | None) -> None:
        """Set a quota, or with None let it be what it was.

        Raises
        ------
        StateError
            When SageMaker has no quota of that name here, or the file is damaged.
        """
        if name not in known_quotas():
            raise StateError(
                f"no quota {name!r} is known here; one is 'ml.m5.xlarge for endpoint usage'"
            )
        values = {key: kept for key, kept in self._values().items() if key != name}
        if value is not None:
            values[name] = value
        write_atomically(self._file, json.dumps(values, indent=2).encode())

    def _values(self) -> dict[str, int]:
        if not self._file.exists():
            return {}
        try:
            content: Any = json.loads(self._file.read_text())
            return {str(name): int(value) for name, value in content.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise StateError(f"{self._file} is damaged ({error}); remove it") from error
