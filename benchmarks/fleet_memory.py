"""The memory of a host of the fleet trainer's job, by the number of its cities.

The program runs as the container starts it; its files are few different ones, linked many times,
for what is to be seen is what stays of a city once it is trained.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

import joblib

from benchmarks.figure import Figure
from fleet.schema import HOUSES
from localaws.artifacts import unpack
from training.fleet_trainer.recipe import LINEAR_LEARNER_DEFAULTS
from training.fleet_trainer.request import PROGRAM, source
from training.houses import Market
from training.preprocessor import sklearn_preprocessor

SIZES = (10_000, 100_000)
HOUSES_A_CITY = 200
DIFFERENT = 20
CORES = 2
PARAMETERS = {**HOUSES.hyperparameters, **LINEAR_LEARNER_DEFAULTS, "test_share": 0.1}
# Memory of children is that of the greatest of them: a process in between has no others.
MEASURE = """
import json, resource, subprocess, sys
subprocess.run([sys.executable, sys.argv[1]], check=True, stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def run() -> list[Figure]:
    """The greatest process of a host, for each number of cities."""
    sizes = [int(size) for size in os.environ.get("FLEET_SIZES", "").split()] or SIZES
    figures = []
    for size in sizes:
        peak = _peak_kib(size) / 1024
        beside = "aim: 1,024, and within 20 % of each other"
        figures.append(Figure(f"job's greatest process, {size:,} cities", peak, "MiB", beside))
    return figures


def _peak_kib(cities: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        unpack(source(), root / "code")
        _link_cities(root / "cities", cities)
        _write_preprocessor(root / "preprocessor")
        (root / "model").mkdir()
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, PROGRAM],
            cwd=root / "code",
            env={
                "PATH": os.environ["PATH"],
                "SM_CURRENT_HOST": "algo-1",
                "SM_NUM_CPUS": str(CORES),
                "SM_MODEL_DIR": str(root / "model"),
                "SM_CHANNEL_CITIES": str(root / "cities"),
                "SM_CHANNEL_PREPROCESSOR": str(root / "preprocessor"),
                "SM_HPS": json.dumps({**PARAMETERS, "preprocessor_url": "s3://bench/model"}),
            },
            stdout=subprocess.PIPE,
            check=True,
        )
        return int(done.stdout)


def _link_cities(directory: Path, cities: int) -> None:
    directory.mkdir()
    market = Market()
    for number in range(cities):
        path = directory / f"City{number:06}_AA.csv"
        if number < DIFFERENT:
            path.write_text(market.houses(path.stem, HOUSES_A_CITY).to_csv())
        else:
            path.hardlink_to(directory / f"City{number % DIFFERENT:06}_AA.csv")


def _write_preprocessor(directory: Path) -> None:
    directory.mkdir()
    rows = Market().houses("Fit_AA", HOUSES_A_CITY).to_csv()
    model = BytesIO()
    schema_file = directory / "schema.json"
    schema_file.write_text(HOUSES.to_json())
    schema = sklearn_preprocessor.read_schema(schema_file)
    joblib.dump(sklearn_preprocessor.fit(sklearn_preprocessor.parse_csv(rows, schema)), model)
    script = Path(sklearn_preprocessor.__file__)
    members = {
        "model.joblib": model.getvalue(),
        f"code/{script.name}": script.read_bytes(),
        "code/schema.json": schema_file.read_bytes(),
    }
    with tarfile.open(directory / "model.tar.gz", "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
