"""Kinds of hyperparameters: how one is read from its string, and which values it takes.

Each function here makes a dataclass field with the default value and, in its metadata, a reader
from the string that CreateTrainingJob carries. A reader raises ValueError whose text ends the
sentence "is 'x'; it must be ...".
"""

import math
from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from typing import Any

Reader = Callable[[str], object]
READER = "reader"
AUTO = "auto"


def integer(default: int | None, minimum: int = 1, maximum: int | None = None) -> Any:
    """A whole number from ``minimum`` to ``maximum``; the default None also allows ``auto``."""
    limit = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"

    def read(text: str) -> int:
        number = int(text) if text.strip().removeprefix("-").isdecimal() else None
        if number is None or number < minimum or (maximum is not None and number > maximum):
            raise ValueError(f"an integer {limit}")
        return number

    return _field(default, read)


def number(default: float | None, allowed: str) -> Any:
    """A float in the range ``allowed``, one of RANGES; the default None also allows ``auto``."""
    contains = RANGES[allowed]

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and contains(value)):
            raise ValueError(allowed)
        return value

    return _field(default, read)


def boolean(default: bool | None) -> Any:
    """``true`` or ``false``; the default None also allows ``auto``."""

    def read(text: str) -> bool:
        values = {"true": True, "false": False}
        if text.strip().lower() not in values:
            raise ValueError("'true' or 'false'")
        return values[text.strip().lower()]

    return _field(default, read)


def choice(default: StrEnum) -> Any:
    """One of the values of the default's enumeration."""
    kind = type(default)

    def read(text: str) -> StrEnum:
        if text not in list(kind):
            raise ValueError("one of " + ", ".join(kind))
        return kind(text)

    return _field(default, read)


RANGES: dict[str, Callable[[float], bool]] = {
    "a finite number": lambda value: True,
    "a number greater than 0": lambda value: value > 0,
    "a number of at least 0": lambda value: value >= 0,
    "a number from 0 up to, but not, 1": lambda value: 0 <= value < 1,
    "a number between 0 and 1": lambda value: 0 < value < 1,
    "a number from 0 to 1": lambda value: 0 <= value <= 1,
}


def _field(default: object, read: Reader) -> Any:
    return field(default=default, metadata={READER: _or_auto(read) if default is None else read})


def _or_auto(read: Reader) -> Reader:
    def read_or_auto(text: str) -> object:
        if text == AUTO:
            return None
        try:
            return read(text)
        except ValueError as error:
            raise ValueError(f"'auto' or {error}") from None

    return read_or_auto
