"""What the notebooks read from AWS's buckets, made of what packages carry."""

import gzip
import io
import pickle
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris

FILES = "sagemaker-example-files-prod-us-east-1"
SAMPLES = "sagemaker-sample-files"
UCI_ABALONE = "datasets/tabular/uci_abalone"
ABALONE = Path(__file__).parents[2] / "tests" / "data" / "linear_learner" / "abalone.csv"


def abalone() -> bytes:
    """The data set of UCI, as the tests have it."""
    return ABALONE.read_bytes()


def abalone_rows() -> list[list[str]]:
    """The age first, then the sex as a number and what was measured, as AWS's files have them."""
    rows = (line.split(",") for line in ABALONE.read_text().splitlines())
    return [[age, str("MFI".index(sex) + 1), *measured] for sex, *measured, age in rows]


def abalone_csv(part: slice) -> bytes:
    """Some of the rows as CSV."""
    return "\n".join([*map(",".join, abalone_rows()[part]), ""]).encode()


def abalone_libsvm() -> bytes:
    """All rows in LIBSVM's form."""
    rows = (
        " ".join([age, *(f"{number}:{value}" for number, value in enumerate(values, 1))])
        for age, *values in abalone_rows()
    )
    return "\n".join([*rows, ""]).encode()


def iris() -> bytes:
    """The data set of UCI, as scikit-learn has it."""
    found = load_iris()
    rows = (
        ",".join([*map(str, values), f"Iris-{found.target_names[kind]}"])
        for values, kind in zip(found.data, found.target, strict=True)
    )
    return "\n".join([*rows, ""]).encode()


def breast_cancer() -> bytes:
    """The data set of UCI, as scikit-learn has it; it leaves out whose rows they are."""
    found = load_breast_cancer()
    rows = (
        ",".join([str(number), "MB"[kind], *map(str, values)])
        for number, (values, kind) in enumerate(zip(found.data, found.target, strict=True), 1)
    )
    return "\n".join([*rows, ""]).encode()


def digits() -> bytes:
    """scikit-learn's 1,797 digits of 8 x 8 pixels, in the size and the form of MNIST's pickle."""
    found = load_digits()
    images = np.repeat(np.repeat(found.images, 3, axis=1), 3, axis=2)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2))).reshape(-1, 784).astype("float32") / 16
    labels = found.target.astype("int64")
    parts = [slice(0, 1200), slice(1200, 1400), slice(1400, None)]
    stream = io.BytesIO()
    with gzip.open(stream, "wb", compresslevel=1) as file:
        pickle.dump(tuple((images[part], labels[part]) for part in parts), file)
    return stream.getvalue()


def forests() -> bytes:
    """7,000 rows with the columns of UCI's covtype: of its form, not of its content."""
    draw = np.random.default_rng(0)
    labels = np.tile(np.arange(1, 8), 1000)
    centres = draw.normal(size=(8, 54))
    features = (centres[labels] + draw.normal(size=(len(labels), 54))) * 10
    stream = io.BytesIO()
    with gzip.open(stream, "wb", compresslevel=1) as file:
        np.savetxt(file, np.column_stack([features, labels]), delimiter=",", fmt="%.4g")
    return stream.getvalue()


def houses(folder: Path) -> None:
    """20,640 drawn rows where ``fetch_california_housing`` keeps its own: of their form alone."""
    draw = np.random.default_rng(0)
    count = 20_640
    households = draw.integers(100, 1_000, count)
    columns = [
        draw.uniform(2, 10, count),  # the median income
        draw.integers(1, 52, count),
        households * draw.uniform(3, 8, count),
        households * draw.uniform(1, 2, count),
        households * draw.uniform(2, 4, count),
        households,
        draw.uniform(32, 42, count),
        draw.uniform(-124, -114, count),
    ]
    value = 40_000 * columns[0] + 1_000 * columns[1] + draw.normal(0, 20_000, count)
    folder.mkdir()
    joblib.dump(np.column_stack([value, *columns]), folder / "cal_housing_py3.pkz", compress=6)


OBJECTS: Mapping[tuple[str, str], Callable[[], bytes]] = {
    (FILES, "datasets/image/MNIST/mnist.pkl.gz"): digits,
    (FILES, "datasets/tabular/breast_cancer/wdbc.csv"): breast_cancer,
    (FILES, f"{UCI_ABALONE}/abalone.csv"): abalone,
    (FILES, f"{UCI_ABALONE}/train_csv/abalone_dataset1_train.csv"): partial(
        abalone_csv, slice(0, None, 2)
    ),
    (FILES, f"{UCI_ABALONE}/validation_csv/abalone_dataset1_validation.csv"): partial(
        abalone_csv, slice(1, None, 4)
    ),
    (FILES, f"{UCI_ABALONE}/test_csv/abalone_dataset1_test.csv"): partial(
        abalone_csv, slice(3, None, 4)
    ),
    (FILES, f"{UCI_ABALONE}/abalone.libsvm"): abalone_libsvm,
    (FILES, "datasets/tabular/uci_covtype/covtype.data.gz"): forests,
    (SAMPLES, "datasets/tabular/iris/iris.data"): iris,
}


def put(s3: Any) -> None:
    """Put all of them where the notebooks look for them."""
    for bucket in (FILES, SAMPLES):
        s3.create_bucket(Bucket=bucket)
    for (bucket, key), make in OBJECTS.items():
        s3.put_object(Bucket=bucket, Key=key, Body=make())
