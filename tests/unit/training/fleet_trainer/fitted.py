"""A fitted preprocessor as its training job leaves it, and the files of some cities."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import joblib

from fleet.schema import HOUSES
from tests.unit.training.preprocessors import SCHEMA
from training.houses import Market
from training.preprocessor import sklearn_preprocessor

URL = "s3://bucket/preprocessor/0/model.tar.gz"


def city_file(city: str, houses: int = 120) -> bytes:
    """The CSV file of a city, the price last."""
    return Market().houses(city, houses).to_csv().encode()


def write_preprocessor(directory: Path) -> Path:
    """``model.tar.gz`` in a folder of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    table = sklearn_preprocessor.parse_csv(city_file("Fit_AA", 300).decode(), SCHEMA)
    model = io.BytesIO()
    joblib.dump(sklearn_preprocessor.fit(table), model)
    script = Path(sklearn_preprocessor.__file__)
    members = {
        "model.joblib": model.getvalue(),
        f"code/{script.name}": script.read_bytes(),
        "code/schema.json": HOUSES.to_json().encode(),
    }
    with tarfile.open(directory / "model.tar.gz", "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return directory / "model.tar.gz"


def write_cities(directory: Path, files: Mapping[str, bytes]) -> Path:
    """A ``<City>.csv`` each."""
    directory.mkdir(parents=True, exist_ok=True)
    for city, content in files.items():
        (directory / f"{city}.csv").write_bytes(content)
    return directory
