"""What the registry knows: a city, the versions of its model, and what each was trained on."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from fleet.names import Prefix, target_model

CITY_ITEM = 0
"""The sort key of a city's own item; its versions have theirs, from 1 on."""
SHARDS = 8
"""The cities are listed by as many queries at once."""


class State(StrEnum):
    """What became of a version."""

    CANDIDATE = "candidate"
    """Trained and recorded; the gate refused it or has not promoted it yet."""
    SERVING = "serving"
    RETIRED = "retired"
    """Served once; its model is kept and can serve again."""
    DELETED = "deleted"
    """Its model is gone; its number is never given again."""


@dataclass(frozen=True)
class Verdict:
    """What the gate said; ``reasons`` tell what it refused, ``forced`` that a person overruled."""

    passed: bool
    reasons: tuple[str, ...] = ()
    forced: bool = False

    @property
    def may_serve(self) -> bool:
        """Whether the version may be promoted as it is."""
        return self.passed or self.forced


@dataclass(frozen=True)
class Candidate:
    """A trained model that has no number yet.

    Parameters
    ----------
    city
        Whose model it is.
    artifact_key
        Where the job left its ``model.tar.gz``, a key of the model store.
    artifact_digest, artifact_bytes
        SHA-256 of the artifact in hexadecimal, and its size.
    job
        The training job.
    preprocessor_url
        What made the features.
    data_digest, hyperparameters_digest
        Of what it was trained on and with: equal digests give an equal model.
    train_rows, validation_rows
        Numbers of rows.
    metrics, baselines
        Errors on the validation rows, in the label's unit: ``mae`` of the model and ``serving_mae``
        of the version that served then; ``median_mae`` and ``least_squares_mae`` of the baselines.
        ``signal`` is what ``fleet.gate`` says.
    name
        The city's as people write it, where that is not ``city``.
    columns
        A histogram of each column of the training rows, to compare later inputs with.
    compared_with
        The target model that ``serving_mae`` was measured of; empty where none was.
    """

    city: str
    artifact_key: str
    artifact_digest: str
    artifact_bytes: int
    job: str = ""
    preprocessor_url: str = ""
    data_digest: str = ""
    hyperparameters_digest: str = ""
    train_rows: int = 0
    validation_rows: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    baselines: Mapping[str, float] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    compared_with: str = ""
    name: str = ""

    @property
    def title(self) -> str:
        """What people call the city."""
        return self.name or self.city

    def to_item(self) -> dict[str, Any]:
        """The attributes that a version's item and, but for ``columns``, a city's has."""
        return {
            "artifact_key": self.artifact_key,
            "artifact_digest": self.artifact_digest,
            "artifact_bytes": self.artifact_bytes,
            "job": self.job,
            "preprocessor_url": self.preprocessor_url,
            "data_digest": self.data_digest,
            "hyperparameters_digest": self.hyperparameters_digest,
            "train_rows": self.train_rows,
            "validation_rows": self.validation_rows,
            "metrics": _numbers(self.metrics),
            "baselines": _numbers(self.baselines),
            "compared_with": self.compared_with,
            # To promote a retraining, which knows files by their keys alone, keeps the name.
            **({"name": self.name} if self.name not in ("", self.city) else {}),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Candidate":
        """The candidate that a version's or a city's item came from."""
        return cls(
            city=item["city"],
            artifact_key=item.get("artifact_key", ""),
            artifact_digest=item.get("artifact_digest", ""),
            artifact_bytes=int(item.get("artifact_bytes", 0)),
            job=item.get("job", ""),
            preprocessor_url=item.get("preprocessor_url", ""),
            data_digest=item.get("data_digest", ""),
            hyperparameters_digest=item.get("hyperparameters_digest", ""),
            train_rows=int(item.get("train_rows", 0)),
            validation_rows=int(item.get("validation_rows", 0)),
            metrics=_floats(item.get("metrics", {})),
            baselines=_floats(item.get("baselines", {})),
            columns=json.loads(item.get("columns", "{}")),
            compared_with=item.get("compared_with", ""),
            name=item.get("name", ""),
        )


@dataclass(frozen=True)
class Version:
    """A numbered version of a city's model; times are UTC in ISO 8601.

    ``withdrawn`` versions were rolled back from: a roll-back never returns to them.
    """

    number: int
    state: State
    trained: Candidate
    verdict: Verdict
    recorded: str
    promoted: str | None = None
    withdrawn: bool = False

    @property
    def city(self) -> str:
        """Whose model it is."""
        return self.trained.city

    @property
    def target_model(self) -> str:
        """The TargetModel of InvokeEndpoint."""
        return target_model(self.city, self.number)

    @property
    def key(self) -> str:
        """The key below which it is served."""
        return Prefix.MODELS + self.target_model

    def fits(self, preprocessor_url: str | None) -> bool:
        """Whether its features are what this preprocessor makes; True where nobody knows."""
        return self.trained.preprocessor_url in ("", preprocessor_url)

    def to_item(self) -> dict[str, Any]:
        """The version's item."""
        item = {
            **self.trained.to_item(),
            "city": self.city,
            "version": self.number,
            "state": str(self.state),
            "passed": self.verdict.passed,
            "reasons": list(self.verdict.reasons),
            "forced": self.verdict.forced,
            "recorded": self.recorded,
            "withdrawn": self.withdrawn,
        }
        if self.trained.columns:
            item["columns"] = json.dumps(dict(self.trained.columns), separators=(",", ":"))
        return item if self.promoted is None else {**item, "promoted": self.promoted}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Version":
        """The version of an item."""
        return cls(
            number=int(item["version"]),
            state=State(item["state"]),
            trained=Candidate.from_item(item),
            verdict=Verdict(item["passed"], tuple(item["reasons"]), item["forced"]),
            recorded=item["recorded"],
            promoted=item.get("promoted"),
            withdrawn=item.get("withdrawn", False),
        )


@dataclass(frozen=True)
class City:
    """What a city's own item says.

    ``last_version`` is the highest number ever drawn; ``serving`` and ``previous`` are numbers of
    versions, ``since`` when the first of them began to serve; ``forgotten`` when the city was
    forgotten, which clients and the gate respect until it is readmitted.
    """

    city: str
    last_version: int = 0
    serving: int | None = None
    previous: int | None = None
    since: str | None = None
    trained: Candidate | None = None
    forgotten: str | None = None

    @property
    def title(self) -> str:
        """What people call the city."""
        return self.city if self.trained is None else self.trained.title

    @property
    def target_model(self) -> str | None:
        """The TargetModel of InvokeEndpoint, where a version serves."""
        return None if self.serving is None else target_model(self.city, self.serving)

    def to_item(self) -> dict[str, Any]:
        """The city's own item."""
        facts = {
            "serving": self.serving,
            "previous": self.previous,
            "since": self.since,
            "forgotten": self.forgotten,
        }
        return {
            **({} if self.trained is None else self.trained.to_item()),
            "city": self.city,
            "version": CITY_ITEM,
            "shard": shard_of(self.city),
            "last_version": self.last_version,
            **{name: value for name, value in facts.items() if value is not None},
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "City":
        """The city of an item."""
        serving = item.get("serving")
        previous = item.get("previous")
        return cls(
            city=item["city"],
            last_version=int(item["last_version"]),
            serving=None if serving is None else int(serving),
            previous=None if previous is None else int(previous),
            since=item.get("since"),
            trained=None if serving is None else Candidate.from_item(item),
            forgotten=item.get("forgotten"),
        )


def served_before(target: Version, versions: Iterable[Version]) -> Version | None:
    """The version that served before this one, of those that were not withdrawn."""
    earlier = [
        version
        for version in versions
        if version.state is State.RETIRED
        and not version.withdrawn
        and (version.promoted or "") < (target.promoted or "")
    ]
    return max(earlier, key=lambda version: version.promoted or "", default=None)


def shard_of(city: str) -> int:
    """Which of the queries lists the city: the same in every process."""
    return sum(city.encode()) % SHARDS


def _numbers(values: Mapping[str, float]) -> dict[str, Decimal | str]:
    """As DynamoDB keeps numbers, which has none that are not finite."""
    return {
        name: Decimal(f"{value:.12g}") if math.isfinite(value) else str(value)
        for name, value in values.items()
    }


def _floats(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
