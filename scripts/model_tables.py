"""Cities and versions as ``housing models`` prints them: rows of tables, and JSON."""

from collections.abc import Iterator
from typing import Any

from fleet.gate import distance
from fleet.versions import City, Version
from fleet.words import significant


def city_as_json(city: City) -> dict[str, Any]:
    """A city as JSON."""
    trained = city.trained
    facts: dict[str, Any] = {
        "city": city.city,
        "name": city.title,
        "version": city.serving,
        "target_model": city.target_model,
        "since": city.since,
        "previous": city.previous,
        "last_version": city.last_version,
        "forgotten": city.forgotten,
    }
    if trained is not None:
        facts |= {
            "metrics": dict(trained.metrics),
            "baselines": dict(trained.baselines),
            "distance": distance(trained),
            "train_rows": trained.train_rows,
            "validation_rows": trained.validation_rows,
            "bytes": trained.artifact_bytes,
            "preprocessor": trained.preprocessor_url,
            "job": trained.job,
        }
    return facts


def version_as_json(version: Version) -> dict[str, Any]:
    """A version as JSON."""
    trained = version.trained
    return {
        "version": version.number,
        "state": version.state,
        "withdrawn": version.withdrawn,
        "recorded": version.recorded,
        "promoted": version.promoted,
        "passed": version.verdict.passed,
        "reasons": list(version.verdict.reasons),
        "forced": version.verdict.forced,
        "target_model": version.target_model,
        "metrics": dict(trained.metrics),
        "baselines": dict(trained.baselines),
        "distance": distance(trained),
        "train_rows": trained.train_rows,
        "preprocessor": trained.preprocessor_url,
        "job": trained.job,
    }


def city_row(city: City) -> list[str]:
    """A row of the table of cities."""
    trained = city.trained
    if trained is None:
        return [city.city, "-", (city.forgotten or "")[:10], "", "", "", "", "", "", ""]
    far = distance(trained)
    named = city.city if city.title == city.city else f"{city.title} ({city.city})"
    return [
        named,
        str(city.serving),
        (city.since or "")[:16].replace("T", " "),
        number(trained.metrics.get("mae")),
        number(trained.baselines.get("median_mae")),
        number(trained.baselines.get("least_squares_mae")),
        "-" if far is None else f"{far:.0%}",
        f"{trained.train_rows:,}",
        f"{trained.artifact_bytes:,}",
        digest_of(trained.preprocessor_url),
    ]


def version_row(version: Version) -> list[str]:
    """A row of the table of versions."""
    trained = version.trained
    return [
        str(version.number),
        version.state,
        version.recorded[:16].replace("T", " "),
        number(trained.metrics.get("mae")),
        number(trained.baselines.get("median_mae")),
        number(trained.baselines.get("least_squares_mae")),
        f"{trained.train_rows:,}",
    ]


def remarks(version: Version) -> Iterator[str]:
    """What the gate and people said of a version, a line each."""
    for reason in version.verdict.reasons:
        yield f"{'let pass by force' if version.verdict.forced else 'refused'}: {reason}"
    if version.withdrawn:
        yield "withdrawn by a roll-back"


def summary(city: City) -> str:
    """What a city serves, in words."""
    if city.forgotten:
        return f"forgotten on {city.forgotten[:10]}"
    if city.serving is None:
        return "no version serves"
    return f"version {city.serving} serves since {(city.since or '')[:16].replace('T', ' ')}"


def digest_of(url: str) -> str:
    """A part of a preprocessor's digest, to tell two apart."""
    return url.removesuffix("/model.tar.gz").rpartition("/")[2][:12]


def number(value: float | None) -> str:
    """A number as people read it."""
    return "-" if value is None else significant(value)
