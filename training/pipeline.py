"""From rows to one trained model per city; cities stand for whatever has a model of its own.

The steps, each of which finds what an earlier run has done:

1. the rows go to S3, split 90:10 into train and test;
2. one training job fits the preprocessor on the train rows of all cities;
3. one batch transform turns the train rows of all cities into features;
4. each city's rows are split 70:30 into train and validation;
5. one Linear Learner job a city.

Keys in the bucket, where each ``<digest>`` is that of the data, so that the same data have the same
key and other data another:

    raw/<digest>/{train,test}/<City>.csv
    preprocessed/transformed/<digest>/<City>.csv.out
    preprocessed/<City>/<digest>/{train,validation}.csv
    jobs/<job>/output/model.tar.gz
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from fleet.names import Prefix
from fleet.schema import Schema
from training import preprocessor
from training.dataset import (
    TRAIN_SHARE,
    CityFiles,
    Dataset,
    PipelineError,
    check_rows,
    split_lines,
)
from training.fleet_trainer.recipe import LINEAR_LEARNER_DEFAULTS
from training.images import linear_learner_image, scikit_learn_image
from training.job import Job, JobEvent, JobResult, JobState
from training.job_services import TrainingJobs, TransformJobs
from training.jobs import JobRunner
from training.requests import (
    channel,
    preprocessor_model_request,
    script_mode,
    source_archive,
    training_request,
    transform_request,
)
from training.table import Table, split
from training.workspace import Workspace

PREPROCESSOR_SCRIPT = Path(preprocessor.__file__).parent / "sklearn_preprocessor.py"
SCHEMA_FILE = "schema.json"
"""Beside the script in the job's source, as the script expects it."""
LABELLED_CSV = "text/csv;label_size=1"
DIGEST_LENGTH = 16
S3_THREADS = 16

Report = Callable[[JobEvent], None]


@dataclass(frozen=True)
class Settings:
    """What a run may choose; ``again`` runs jobs anew that an earlier run completed."""

    instance_type: str = "ml.m5.xlarge"
    max_in_flight: int = 4
    hyperparameters: Mapping[str, str] = field(default_factory=lambda: LINEAR_LEARNER_DEFAULTS)
    max_runtime_seconds: int = 3600
    again: bool = False


class Pipeline:
    """The steps, for one workspace; ``report`` is called at each change of a job."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings | None = None,
        report: Report = lambda event: None,
    ) -> None:
        self._workspace = workspace
        self._settings = settings or Settings()
        self._report = report

    def upload(self, tables: Mapping[str, Table]) -> Dataset:
        """Split each city's rows 90:10 and put both parts into the bucket.

        Raises
        ------
        PipelineError
            A city has fewer rows than a mini-batch of its training takes.
        """
        check_rows(tables, self._settings.hyperparameters)
        parts = {city: split(owned, TRAIN_SHARE) for city, owned in tables.items()}
        train = {city: part[0] for city, part in parts.items()}
        test = {city: part[1] for city, part in parts.items()}
        files = {
            f"{folder}/{city}.csv": owned.to_csv().encode()
            for folder, cities in (("train", train), ("test", test))
            for city, owned in cities.items()
        }
        digest = _digest(*(f"{name}\n".encode() + body for name, body in sorted(files.items())))
        self._write_all({f"{Prefix.RAW}{digest}/{name}": body for name, body in files.items()})
        return Dataset(digest, train, test)

    def fit_preprocessor(self, dataset: Dataset) -> bytes:
        """Run the preprocessor's training job on all cities; returns its model.tar.gz."""
        schema = dataset.schema.to_json().encode()
        source = source_archive(
            {PREPROCESSOR_SCRIPT.name: PREPROCESSOR_SCRIPT.read_bytes(), SCHEMA_FILE: schema}
        )
        source_key = f"{Prefix.JOBS}source/{_digest(source)}/sourcedir.tar.gz"
        self._workspace.write(source_key, source)
        region = self._workspace.region
        source_url = self._workspace.url(source_key)
        request = self._training_request(
            image=scikit_learn_image(region),
            hyperparameters=script_mode(PREPROCESSOR_SCRIPT.name, source_url, region),
            channels=[channel("train", self._raw_train_url(dataset), "text/csv")],
        )
        job = Job("preprocessor", self._stem("preprocessor"), request)
        [result] = self._run_training([job])
        return self.artifact(_require(result))

    def transform(self, dataset: Dataset, model_data_url: str) -> dict[str, CityFiles]:
        """Turn all train rows into rows of features in one job, and split each city's 70:30."""
        digest = _digest(dataset.digest.encode(), model_data_url.encode())
        transformed = f"{Prefix.PREPROCESSED}transformed/{digest}/"
        model_name = self._stem(f"transform-{digest}")
        request = transform_request(
            model_name=model_name,
            input_url=self._raw_train_url(dataset),
            output_url=self._workspace.url(transformed),
            instance_type=self._settings.instance_type,
            key_arn=self._workspace.key_arn,
        )
        job = Job("transform", self._stem("transform"), request)
        make_model = partial(self._make_model, model_name, model_data_url)
        jobs = TransformJobs(self._workspace.sagemaker, make_model)
        runner = JobRunner(jobs, report=self._report)
        try:
            [result] = runner.run(
                [job],
                again=self._settings.again,
                # Of a city that was forgotten there is none any more.
                is_usable=lambda _: self._outputs(transformed).keys() >= dataset.train.keys(),
            )
        finally:
            self._delete_model(model_name)
        _require(result)
        return self._split_rows(transformed, dataset)

    def train_cities(
        self, dataset: Dataset, files: Mapping[str, CityFiles]
    ) -> dict[str, JobResult]:
        """Run one Linear Learner job a city; a city that fails leaves the others alone."""
        image = linear_learner_image(self._workspace.region)
        hyperparameters = self._hyperparameters(dataset.schema)
        jobs = [
            Job(
                city,
                self._stem(city),
                self._training_request(
                    image=image,
                    hyperparameters=hyperparameters,
                    channels=[
                        channel("train", rows.train_url, LABELLED_CSV),
                        channel("validation", rows.validation_url, LABELLED_CSV),
                    ],
                ),
            )
            for city, rows in files.items()
        ]
        return {result.job.label: result for result in self._run_training(jobs)}

    def artifact(self, result: JobResult) -> bytes:
        """The model.tar.gz that a completed training job wrote."""
        return self._workspace.read(self._artifact_key(result.state))

    def _hyperparameters(self, schema: Schema) -> dict[str, str]:
        return {**schema.hyperparameters, **self._settings.hyperparameters}

    def _outputs(self, transformed: str) -> dict[str, str]:
        """The key of each city's features below a prefix."""
        keys = self._workspace.keys(transformed)
        return {key.rpartition("/")[2].removesuffix(".csv.out"): key for key in keys}

    def _split_rows(self, transformed: str, dataset: Dataset) -> dict[str, CityFiles]:
        keys = self._outputs(transformed)
        outputs = {}
        for city in dataset.train:
            if city not in keys:
                raise PipelineError(f"the batch transform wrote no output for {city}")
            outputs[city] = keys[city]
        with ThreadPoolExecutor(S3_THREADS) as threads:
            texts = list(threads.map(self._workspace.read, outputs.values()))
        bodies: dict[str, bytes] = {}
        files = {}
        for city, text in zip(outputs, texts, strict=True):
            train, validation = split_lines(text, expected=len(dataset.train[city]), name=city)
            prefix = f"{Prefix.PREPROCESSED}{city}/{_digest(train, validation)}"
            bodies |= {f"{prefix}/train.csv": train, f"{prefix}/validation.csv": validation}
            files[city] = CityFiles(
                self._workspace.url(f"{prefix}/train.csv"),
                self._workspace.url(f"{prefix}/validation.csv"),
            )
        self._write_all(bodies)
        return files

    def _make_model(self, name: str, model_data_url: str) -> None:
        """The SageMaker model that a batch transform needs.

        Raises
        ------
        ClientError
            SageMaker refuses it.
        """
        client = self._workspace.sagemaker
        request = preprocessor_model_request(
            image=scikit_learn_image(self._workspace.region),
            model_data_url=model_data_url,
            program=PREPROCESSOR_SCRIPT.name,
            role_arn=self._workspace.role_arn,
            region=self._workspace.region,
        )
        try:
            client.create_model(ModelName=name, **request)
        except ClientError as error:
            # An interrupted run left it, or one beside this made it: its name says it is the same.
            if "existing" not in str(error):
                raise

    def _delete_model(self, name: str) -> None:
        """Delete it, whoever made it: a run that was killed could not.

        Raises
        ------
        ClientError
            SageMaker does not delete it.
        """
        try:
            self._workspace.sagemaker.delete_model(ModelName=name)
        except ClientError as error:
            if "Could not find model" not in str(error):
                raise

    def _training_request(self, **fields: Any) -> dict[str, Any]:
        return training_request(
            role_arn=self._workspace.role_arn,
            output_url=self._workspace.url("jobs"),
            instance_type=self._settings.instance_type,
            max_runtime_seconds=self._settings.max_runtime_seconds,
            key_arn=self._workspace.key_arn,
            **fields,
        )

    def _run_training(self, jobs: Sequence[Job]) -> list[JobResult]:
        runner = JobRunner(
            TrainingJobs(self._workspace.sagemaker),
            max_in_flight=self._settings.max_in_flight,
            report=self._report,
        )
        return runner.run(jobs, again=self._settings.again, is_usable=self._has_artifact)

    def _has_artifact(self, state: JobState) -> bool:
        # Objects below jobs/ expire; the job that wrote them stays complete.
        return bool(self._workspace.keys(self._artifact_key(state)))

    def _artifact_key(self, state: JobState) -> str:
        return self._workspace.key_of(state.description["ModelArtifacts"]["S3ModelArtifacts"])

    def _raw_train_url(self, dataset: Dataset) -> str:
        return self._workspace.url(f"{Prefix.RAW}{dataset.digest}/train/")

    def _stem(self, name: str) -> str:
        return f"housing-{self._workspace.stage}-{name}"

    def _write_all(self, bodies: Mapping[str, bytes]) -> None:
        with ThreadPoolExecutor(S3_THREADS) as threads:
            # list() so that the first error is raised here
            list(threads.map(self._workspace.write, bodies.keys(), bodies.values()))


def _require(result: JobResult) -> JobResult:
    if not result.succeeded:
        state = result.state
        raise PipelineError(
            f"{result.job.label} job {result.name}: {state.status}: {state.failure_reason}"
        )
    return result


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:DIGEST_LENGTH]
