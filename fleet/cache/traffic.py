"""Which target model is invoked when: scans, random draws and recorded traces."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fleet.errors import HousingError

MAXIMUM_TARGET_MODEL_LENGTH = 1024
"""Longest TargetModel that InvokeEndpoint takes (API reference of InvokeEndpoint)."""


@dataclass(frozen=True)
class Pass:
    """One pass of an experiment: target models in the order in which they are invoked."""

    label: str
    target_models: tuple[str, ...]


class TraceError(HousingError):
    """A trace file that cannot be replayed; the text names file and line."""


def scan(target_models: Sequence[str], sizes: Sequence[int]) -> list[Pass]:
    """Every pass invokes the first ``size`` models once each, in order."""
    return [Pass(f"the first {size}", tuple(target_models[:size])) for size in sizes]


def uniform(target_models: Sequence[str], sizes: Sequence[int], seed: int) -> list[Pass]:
    """Every pass draws ``size`` models, all of them equally likely."""
    return zipf(target_models, sizes, exponent=0.0, seed=seed)


def zipf(
    target_models: Sequence[str], sizes: Sequence[int], exponent: float, seed: int
) -> list[Pass]:
    """Every pass draws ``size`` models; the model of rank r is drawn in proportion to r^-exponent.

    An exponent of 0 is the uniform distribution; popularity on the web is mostly between 0.6 and 1
    (Breslau et al., "Web Caching and Zipf-like Distributions", INFOCOM 1999).
    """
    generator = np.random.default_rng(seed)
    weights = np.arange(1, len(target_models) + 1, dtype=np.float64) ** -exponent
    probabilities = weights / weights.sum()
    name = f"Zipf({exponent:g})" if exponent else "uniform"
    return [
        Pass(
            f"{size} drawn, {name}",
            tuple(target_models[i] for i in generator.choice(len(weights), size, p=probabilities)),
        )
        for size in sizes
    ]


def read_trace(path: Path) -> list[Pass]:
    """Passes from a CSV file with a column ``target_model`` and, if it has one, ``pass``.

    Rows are invoked in the order of the file; a new value of ``pass`` begins a new pass. The
    invocations.csv of an earlier experiment is such a file.

    Raises
    ------
    TraceError
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if "target_model" not in (reader.fieldnames or ()):
                columns = ", ".join(reader.fieldnames or ()) or "none"
                raise TraceError(f"{path}: needs a column target_model; it has: {columns}")
            rows = [
                (row.get("pass") or "", _checked(row["target_model"], path, reader.line_num))
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path}: cannot be read as CSV: {error}") from error
    if not rows:
        raise TraceError(f"{path}: holds no rows")
    return _grouped(rows, path.name)


def _checked(target_model: str | None, path: Path, line: int) -> str:
    name = target_model or ""
    if name.isprintable() and 1 <= len(name) <= MAXIMUM_TARGET_MODEL_LENGTH and name[0] not in "/ ":
        return name
    raise TraceError(
        f"{path}, line {line}: target_model is {name!r}; allowed are 1 to "
        f"{MAXIMUM_TARGET_MODEL_LENGTH} printable characters, the first no slash and no space"
    )


def _grouped(rows: Sequence[tuple[str, str]], source: str) -> list[Pass]:
    groups: list[tuple[str, list[str]]] = []
    for label, target_model in rows:
        if not groups or groups[-1][0] != label:
            groups.append((label, []))
        groups[-1][1].append(target_model)
    return [
        Pass(f"{source} {label}".strip(), tuple(target_models)) for label, target_models in groups
    ]
