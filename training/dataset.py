"""The rows of all cities, and how they are split: 90:10 for the test, the rest 70:30."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fleet.errors import HousingError
from fleet.schema import Schema
from training.table import Table

TRAIN_SHARE = 0.9
"""Of a city's rows; the rest is kept for the test."""
FIT_SHARE = 0.7
"""Of a city's train rows; the rest validates."""


class PipelineError(HousingError):
    """A step that all cities depend on failed."""


@dataclass(frozen=True)
class Dataset:
    """Uploaded rows; ``digest`` is part of their keys, ``test`` is what was kept for the test."""

    digest: str
    train: Mapping[str, Table]
    test: Mapping[str, Table]

    @property
    def schema(self) -> Schema:
        """Of all of them."""
        return next(iter(self.train.values())).schema


@dataclass(frozen=True)
class CityFiles:
    """URLs of a city's preprocessed rows: the label and the features, no header."""

    train_url: str
    validation_url: str


def check_rows(tables: Mapping[str, Table], hyperparameters: Mapping[str, str]) -> None:
    """Refuse cities of fewer rows than a mini-batch of their training takes.

    Raises
    ------
    PipelineError
        It names them.
    """
    size = hyperparameters.get("mini_batch_size", "")
    needed = rows_needed(int(size)) if size.isdecimal() else 1
    few = {city: len(table) for city, table in tables.items() if len(table) < needed}
    if few:
        shown = ", ".join(f"{city} has {rows}" for city, rows in list(few.items())[:10])
        more = f" and {len(few) - 10} more have too few" if len(few) > 10 else ""
        largest = round(FIT_SHARE * round(TRAIN_SHARE * min(few.values())))
        raise PipelineError(
            f"too few rows: {shown}{more}; a mini-batch of {size} takes {needed} "
            f"({TRAIN_SHARE:.0%} train, {FIT_SHARE:.0%} of them fit). Give more rows, "
            f"leave them out, or pass --hyperparameter mini_batch_size={max(largest, 1)}"
        )


def rows_needed(mini_batch_size: int) -> int:
    """The fewest rows of which enough are left to fit one mini-batch on."""
    rows = mini_batch_size
    while round(FIT_SHARE * round(TRAIN_SHARE * rows)) < mini_batch_size:
        rows += 1
    return rows


def split_lines(text: bytes, *, expected: int, name: str) -> tuple[bytes, bytes]:
    """Shuffle the rows of a CSV and cut them 70:30; none is dropped.

    Raises
    ------
    PipelineError
        There are not as many as went in.
    """
    rows = [line for line in text.splitlines() if line]
    if len(rows) != expected:
        raise PipelineError(f"{name}: {len(rows)} preprocessed rows for {expected} rows")
    order = np.random.default_rng(0).permutation(len(rows))
    cut = round(FIT_SHARE * len(rows))
    shuffled = [rows[i] + b"\n" for i in order]
    return b"".join(shuffled[:cut]), b"".join(shuffled[cut:])
