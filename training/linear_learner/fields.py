"""Kinds of hyperparameters: how each is read from its string, and which values it takes.

A kind is the metadata of a dataclass field. Its reader raises ValueError with a text that ends the
sentence "it must be ...".
"""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum

import numpy as np

Reader = Callable[[str], object]
Kind = Mapping[str, Reader]
READER = "reader"

POSITIVE = "a number greater than 0"
NOT_NEGATIVE = "a number of at least 0"
FINITE = "a finite number"
FRACTION = "a number between 0 and 1, both excluded"
DECAY = "a number from 0 up to 1, 1 excluded"
PROPORTION = "a number from 0 to 1"

_MOST_DIGITS = 18
_GREATEST = float(np.finfo(np.float32).max)

_RANGES: Mapping[str, Callable[[float], bool]] = {
    POSITIVE: lambda value: value > 0,
    NOT_NEGATIVE: lambda value: value >= 0,
    FINITE: lambda value: True,
    FRACTION: lambda value: 0 < value < 1,
    DECAY: lambda value: 0 <= value < 1,
    PROPORTION: lambda value: 0 <= value <= 1,
}


def integer(maximum: int | None = None) -> Kind:
    """A whole number from 1 to ``maximum``."""
    limit = "an integer of at least 1" if maximum is None else f"an integer from 1 to {maximum}"

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal()):
            raise ValueError(limit)
        if len(text) > _MOST_DIGITS:
            raise ValueError(f"{limit}, and of at most {_MOST_DIGITS} digits")
        value = int(text)
        if value < 1 or (maximum is not None and value > maximum):
            raise ValueError(limit)
        return value

    return {READER: read}


def number(allowed: str) -> Kind:
    """A number that a float32 holds; ``allowed`` is one of the constants above."""
    contains = _RANGES[allowed]

    def read(text: str) -> float:
        try:
            value = math.nan if "_" in text else float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and contains(value)):
            raise ValueError(allowed)
        if abs(value) > _GREATEST:
            raise ValueError(f"{allowed}, and within ±{_GREATEST:.2g}")
        return value

    return {READER: read}


def boolean() -> Kind:
    """``true`` or ``false``; Python's own spelling is taken too, as SDKs write it."""
    values = {"true": True, "false": False}

    def read(text: str) -> bool:
        if text.lower() not in values:
            raise ValueError("'true' or 'false'")
        return values[text.lower()]

    return {READER: read}


def choice(values: type[StrEnum]) -> Kind:
    """One of the values of an enumeration."""

    def read(text: str) -> StrEnum:
        if text not in list(values):
            raise ValueError("one of " + ", ".join(values))
        return values(text)

    return {READER: read}


def auto(kind: Kind) -> Kind:
    """The kind, or the word ``auto``, which is read as None."""

    def read(text: str) -> object:
        if text == "auto":
            return None
        try:
            return kind[READER](text)
        except ValueError as error:
            raise ValueError(f"'auto' or {error}") from None

    return {READER: read}


def either(first: Kind, second: Kind) -> Kind:
    """Whatever one of two kinds takes."""

    def read(text: str) -> object:
        try:
            return first[READER](text)
        except ValueError as error:
            try:
                return second[READER](text)
            except ValueError as other:
                raise ValueError(f"{error}, or {other}") from None

    return {READER: read}
