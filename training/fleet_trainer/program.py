"""What runs on each host of the job: trains the cities of its shard, on all its cores.

It finds the cities' CSV files in the channel ``cities``, the preprocessor's ``model.tar.gz`` in the
channel ``preprocessor`` and the models that serve now in ``serving``. Below the model folder, which
SageMaker uploads file by file, it leaves:

    <City>.tar.gz
    reports/<host>.jsonl    a line a city, by name

The interface is script mode's (https://github.com/aws/sagemaker-training-toolkit,
ENVIRONMENT_VARIABLES.md). Workers are forked from a parent that has imported all they need; each
reads, trains and writes on its own, and takes the next cities when it is done, so that memory does
not grow with their number. A city's artifact does not depend on the workers, nor on the hosts.
"""

import heapq
import importlib.util
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from training.fleet_trainer.cities import Preprocessor, Served, Trained, train_cities
from training.fleet_trainer.recipe import Recipe
from training.fleet_trainer.rows import Columns, Floats, Table
from training.linear_learner.hyperparameters import Hyperparameters

CITIES_AT_ONCE = 32
MOST_BYTES_AT_ONCE = 1 << 26
"""Of the files that a worker reads before it trains; a larger one is read alone."""


@dataclass(frozen=True)
class Host:
    """The folders of a host, and how many cities it trains at once."""

    name: str
    cities: Path
    preprocessor: Path
    models: Path
    cores: int
    serving: Path | None = None

    @classmethod
    def from_environment(cls, values: Mapping[str, str]) -> "Host":
        """Out of the toolkit's variables."""
        return cls(
            name=values["SM_CURRENT_HOST"],
            cities=Path(values["SM_CHANNEL_CITIES"]),
            preprocessor=Path(values["SM_CHANNEL_PREPROCESSOR"]),
            models=Path(values["SM_MODEL_DIR"]),
            cores=int(values["SM_NUM_CPUS"]),
            serving=Path(values["SM_CHANNEL_SERVING"]) if "SM_CHANNEL_SERVING" in values else None,
        )


def recipe_from(values: Mapping[str, Any]) -> Recipe:
    """The recipe in the hyperparameters of a job, as they come in ``SM_HPS``."""
    own = {"solver", "test_share", "validation_share", "preprocessor_url"}
    return Recipe(
        hyperparameters={name: str(value) for name, value in values.items() if name not in own},
        solver=str(values.get("solver", "linear-learner")),
        test_share=float(values.get("test_share", 0)),
        validation_share=float(values.get("validation_share", 0.3)),
    )


class FittedPreprocessor:
    """The preprocessor of a ``model.tar.gz``, run by its own script: the one that serves."""

    def __init__(self, url: str, artifact: Path, directory: Path) -> None:
        self.url = url
        unpack(artifact, directory)
        self._script = _imported(next((directory / "code").glob("*.py")))
        self._model = self._script.model_fn(str(directory))
        schema = self._model.schema
        columns = (*schema.columns, schema.label)
        self.columns = Columns(
            [column.name for column in columns],
            {column.name: column.values for column in columns if column.values},
            {column.name: partial(_parse, column) for column in columns if _is_special(column)},
        )

    def features(self, table: Table) -> Floats:
        schema = self._model.schema
        rows = len(table[self.columns.label])
        numbers = _side_by_side([table[column.name] for column in schema.numbers], rows)
        codes = _side_by_side([table[column.name] for column in schema.encoded], rows)
        parsed = self._script.Table(schema, numbers, codes.astype(np.int64), None)
        features: Floats = self._model.transform(parsed)
        return features


def unpack(artifact: Path, directory: Path) -> None:
    """Write the files of an archive that lie below a directory; no others, and no links.

    The ``filter`` of tarfile is younger than Python 3.11.2 and some images of containers.
    """
    root = directory.resolve()
    with tarfile.open(artifact) as archive:
        for member in archive:
            path = (root / member.name).resolve()
            if member.isfile() and path.is_relative_to(root):
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.extractfile(member) as content, path.open("wb") as file:  # type: ignore[union-attr]
                    shutil.copyfileobj(content, file)


def _side_by_side(columns: Sequence[Floats], rows: int) -> Floats:
    return np.column_stack(columns) if columns else np.empty((rows, 0))


def _is_special(column: Any) -> bool:
    """Whether cells mean more than a number or the name of a choice."""
    return bool(column.kind == "date" or column.imputes or column.pools)


def _parse(column: Any, cell: str) -> float:
    """A cell's number by the preprocessor's own script; ValueError says what is wrong.

    Raises
    ------
    ValueError
        The column does not allow it.
    """
    if problem := column.problem(cell):
        raise ValueError(problem)
    return float(column.parse([cell])[0])


def train_shard(host: Host, preprocessor: Preprocessor, recipe: Recipe) -> None:
    """Train the cities of this host's shard and write its report.

    Raises
    ------
    SystemExit
        A worker process failed.
    """
    host.models.mkdir(parents=True, exist_ok=True)
    files = sorted(_csv_files(host.cities), key=_city_of)
    batches = list(_batches(files))
    context = multiprocessing.get_context("fork")
    following: Synchronized[int] = context.Value("q", 0)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        parts = [Path(scratch) / str(number) for number in range(max(1, host.cores))]
        workers = [
            context.Process(
                target=_work, args=(batches, following, host, part, preprocessor, recipe)
            )
            for part in parts
        ]
        for worker in workers:
            worker.start()
        # The workers end at the next batch; what they have written is kept.
        signal.signal(signal.SIGTERM, lambda *_: _skip_to_the_end(following, len(batches)))
        for worker in workers:
            worker.join()
        failed = [worker.exitcode for worker in workers if worker.exitcode]
        if failed:
            raise SystemExit(f"{len(failed)} workers ended with exit status {failed[0]}")
        trained, bad = _merge(parts, host.models / "reports" / f"{host.name}.jsonl")
    seconds = time.perf_counter() - began
    print(
        f"{host.name}: {trained} cities trained, {bad} failed, of {len(files)} in {seconds:.1f} s: "
        f"{(trained + bad) / seconds:.0f} a second on {len(parts)} cores",
        flush=True,
    )


def _csv_files(directory: Path) -> Iterator[str]:
    """The paths beneath a folder, as text: of a great fleet they are the most that is kept."""
    for folder, _, names in os.walk(directory):
        yield from (f"{folder}/{name}" for name in names if name.endswith(".csv"))


def _city_of(file: str) -> str:
    return file.rpartition("/")[2].removesuffix(".csv")


def _batches(files: Sequence[str]) -> Iterator[list[str]]:
    """The files in order, as many together as are to be in memory at once."""
    batch: list[str] = []
    size = 0
    for path in files:
        length = os.stat(path).st_size  # noqa: PTH116 - of each city
        if batch and (len(batch) == CITIES_AT_ONCE or size + length > MOST_BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += length
    if batch:
        yield batch


def _work(
    batches: Sequence[Sequence[str]],
    following: "Synchronized[int]",
    host: Host,
    part: Path,
    preprocessor: Preprocessor,
    recipe: Recipe,
) -> None:
    """One worker: batch after batch, until there is none left."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the parent says when to end
    with part.open("w", encoding="utf-8") as report:
        while True:
            with following.get_lock():
                number = following.value
                following.value += 1
            if number >= len(batches):
                return
            files = {_city_of(path): Path(path).read_bytes() for path in batches[number]}
            serving = dict(_serving(host.serving, files)) if host.serving else {}
            for trained in train_cities(files, preprocessor, recipe, serving):
                _write(trained, host.models)
                report.write(json.dumps(trained.report, separators=(",", ":")) + "\n")


def _serving(channel: Path, cities: Iterable[str]) -> Iterator[tuple[str, Served]]:
    """What serves of these cities, at ``models/<City>/<City>[-vN].tar.gz`` of the channel."""
    models = channel / "models"
    for city in cities:
        for path in (models / city).glob("*.tar.gz"):
            yield city, Served(path.relative_to(models).as_posix(), path.read_bytes())


def _write(trained: Trained, models: Path) -> None:
    if trained.artifact is None:
        print(trained.report["error"], flush=True)
        return
    (models / f"{trained.report['city']}.tar.gz").write_bytes(trained.artifact)


def _skip_to_the_end(following: "Synchronized[int]", end: int) -> None:
    following.value = end


def _merge(parts: Sequence[Path], report: Path) -> tuple[int, int]:
    """One report of all workers', each of which is in order; how many cities did well, and ill."""
    report.parent.mkdir(parents=True, exist_ok=True)
    counts = [0, 0]
    with report.open("w", encoding="utf-8") as merged:
        for line in heapq.merge(*map(_lines, parts), key=lambda line: json.loads(line)["city"]):
            counts['"error":' in line] += 1
            merged.write(line)
    return counts[0], counts[1]


def _lines(part: Path) -> Iterator[str]:
    with part.open(encoding="utf-8") as lines:
        yield from lines


def _imported(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{script.name} of the preprocessor cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Run on this host."""
    host = Host.from_environment(os.environ)
    values = json.loads(os.environ["SM_HPS"])
    recipe = recipe_from(values)
    Hyperparameters.parse(recipe.hyperparameters)
    with tempfile.TemporaryDirectory() as directory:
        artifact = host.preprocessor / "model.tar.gz"
        preprocessor = FittedPreprocessor(values["preprocessor_url"], artifact, Path(directory))
        train_shard(host, preprocessor, recipe)
