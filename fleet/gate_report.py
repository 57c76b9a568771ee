"""What a run of the gate came to, for all cities: a page with pictures, and the same as JSON.

The page is one file without scripts that asks nothing of any other. Each city has lines of its own
in it, so that a city that is forgotten can be taken out of the page, see ``fleet.forgetting``.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Any

from fleet.gate import distance
from fleet.publishing import Outcome, Publication
from fleet.words import significant, with_unit

SIDE, MARGIN = 420, 56
"""Of a picture, in pixels."""
BARS = 20
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #1c2733; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #e3e8ee; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
figure { display: inline-block; margin: 0 1.5rem 1rem 0; } figcaption { max-width: 420px; }
.better { color: #1b7f4b; } .worse { color: #b26a00; } .new { color: #1f5fa8; }
.refused { color: #b3261e; } .failed { color: #7a1fa2; } .unchanged { color: #667584; }
svg .better { fill: #1b7f4b; } svg .worse { fill: #b26a00; } svg .refused { fill: #b3261e; }
svg .new, svg .bar { fill: #1f5fa8; } svg .failed { fill: #7a1fa2; } svg text { fill: #1c2733; }
"""


class Change(StrEnum):
    """What a run meant for a city."""

    BETTER = "better"
    WORSE = "worse"
    """It serves: its error is greater than before, and within what the gate lets pass."""
    NEW = "new"
    """It serves, and there was nothing to compare with."""
    REFUSED = "refused"
    FAILED = "failed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class GateReport:
    """One run's outcome.

    Parameters
    ----------
    stage, job
        Where it ran, and the training job if there was one.
    publications
        What was judged; gone through more than once.
    failures
        Why cities have no candidate, by city.
    unchanged
        Cities that serve what their rows would give again.
    unit, entity
        Of the label and of what has a model each.
    made
        When, in ISO 8601.
    """

    stage: str
    publications: Iterable[Publication]
    failures: Mapping[str, str] = field(default_factory=dict)
    unchanged: Sequence[str] = ()
    job: str | None = None
    unit: str = "$"
    entity: str = "city"
    made: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))

    @property
    def counts(self) -> dict[str, int]:
        """How many cities of each change."""
        counted = Counter(change_of(each) for each in self.publications)
        counted[Change.FAILED] += len(self.failures)
        counted[Change.UNCHANGED] += len(self.unchanged)
        return {change: counted[change] for change in Change if counted[change]}

    def as_json(self) -> str:
        """The report for programs, a line a city."""
        head = {
            "stage": self.stage,
            "job": self.job,
            "time": self.made,
            "counts": self.counts,
            "unchanged": list(self.unchanged),
            "failures": dict(self.failures),
        }
        cities = {each.city: _facts(each) for each in self.publications}
        return json.dumps({**head, "cities": cities}, indent=1)

    def as_html(self) -> str:
        """The report for people."""
        return "\n".join(self._lines()) + "\n"

    def write(self, directory: Path) -> Path:
        """Write ``gate.html`` and ``gate.json``; the path of the page."""
        directory.mkdir(parents=True, exist_ok=True)
        page = directory / "gate.html"
        page.write_text(self.as_html(), encoding="utf-8")
        page.with_suffix(".json").write_text(self.as_json(), encoding="utf-8")
        return page

    def _lines(self) -> Iterator[str]:
        title = f"Gate of stage {escape(self.stage)}, {self.made[:16].replace('T', ' ')} UTC"
        yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        yield f"<style>{STYLE}</style></head><body><h1>{title}</h1>"
        counts = ", ".join(
            f'<b class="{change}">{n:,} {change}</b>' for change, n in self.counts.items()
        )
        job = f"; job {escape(self.job)}" if self.job else ""
        yield f"<p>{counts or 'nothing to judge'}{job}</p>"
        yield from self._pictures()
        if self.publications:
            yield from self._table()
        if self.failures:
            yield "<h2>Not trained</h2><ul>"
            for city, reason in sorted(self.failures.items()):
                yield f"<li><b>{escape(city)}</b>: {escape(reason)}</li>"
            yield "</ul>"
        yield "</body></html>"

    def _pictures(self) -> Iterator[str]:
        compared = [each for each in self.publications if _pair(each) is not None]
        if compared:
            yield "<figure>"
            yield from _scatter(compared, self.unit)
            yield "<figcaption>Each error beside that of the version that served, on the same rows."
            yield "Below the line the new one is better.</figcaption></figure>"
        distances = [_distance(each) for each in self.publications]
        if far := [value for value in distances if value is not None]:
            yield "<figure>"
            yield from _histogram(far)
            yield "<figcaption>How far from least squares: 0 as good, 1 no better than the"
            yield "median.</figcaption></figure>"

    def _table(self) -> Iterator[str]:
        errors = ["error", "before, same rows", "median", "least squares"]
        titles = [self.entity, "", "rows", *(with_unit(name, self.unit) for name in errors)]
        head = "".join(f"<th>{escape(title)}</th>" for title in [*titles, "distance"])
        yield f'<table><tr>{head}<th class="text">serves</th><th class="text">why</th></tr>'
        order = list(Change)
        for each in sorted(self.publications, key=lambda p: (order.index(change_of(p)), p.city)):
            yield _row(each)
        yield "</table>"


def change_of(publication: Publication) -> Change:
    """What the run meant for a city."""
    match publication.outcome:
        case Outcome.REFUSED:
            return Change.REFUSED
        case Outcome.FAILED:
            return Change.FAILED
        case Outcome.UNCHANGED:
            return Change.UNCHANGED
    pair = _pair(publication)
    if pair is None:
        return Change.NEW
    return Change.BETTER if pair[1] < pair[0] else Change.WORSE


def _pair(publication: Publication) -> tuple[float, float] | None:
    """The errors of what served and of the candidate, where both are numbers."""
    metrics = publication.candidate.metrics
    pair = metrics.get("serving_mae", math.nan), metrics.get("mae", math.nan)
    return pair if all(map(math.isfinite, pair)) else None


def _distance(publication: Publication) -> float | None:
    """From least squares, where that is a number."""
    far = distance(publication.candidate)
    return far if far is not None and math.isfinite(far) else None


def _facts(publication: Publication) -> dict[str, Any]:
    candidate = publication.candidate
    return {
        "change": change_of(publication),
        "outcome": publication.outcome,
        "target_model": publication.target_model,
        "version": None if publication.version is None else publication.version.number,
        "metrics": _finite(candidate.metrics),
        "baselines": _finite(candidate.baselines),
        "distance": _distance(publication),
        "rows": candidate.train_rows,
        "reason": publication.reason,
    }


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no other numbers."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _row(publication: Publication) -> str:
    candidate, change = publication.candidate, change_of(publication)
    known = {**candidate.metrics, **candidate.baselines}
    errors = [
        significant(known[name]) if name in known else "–"
        for name in ("mae", "serving_mae", "median_mae", "least_squares_mae")
    ]
    far = _distance(publication)
    cells = [f"{candidate.train_rows:,}", *errors, "–" if far is None else f"{far:.0%}"]
    texts = [publication.target_model or "", publication.reason]
    return (
        f'<tr data-key="{publication.city}"><td>{escape(candidate.title)}</td>'
        f'<td class="text {change}">{change}</td>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "".join(f'<td class="text">{escape(text)}</td>' for text in texts)
        + "</tr>"
    )


def _frame(title: str) -> Iterator[str]:
    size = SIDE + MARGIN + 12
    yield f'<svg viewBox="0 0 {size} {size}" width="{size}" role="img" font-size="12">'
    yield f"<title>{escape(title)}</title>"
    yield f'<rect x="{MARGIN}" y="6" width="{SIDE}" height="{SIDE}" fill="none" stroke="#c8ced3"/>'


def _scatter(publications: Sequence[Publication], unit: str) -> Iterator[str]:
    """Errors on logarithmic axes, a dot a city."""
    pairs = [(each, pair) for each in publications if (pair := _pair(each)) is not None]
    values = [max(value, 1e-12) for _, pair in pairs for value in pair]
    low, high = math.log(min(values) / 1.15), math.log(max(values) * 1.15)

    def place(value: float) -> float:
        return SIDE * (math.log(max(value, 1e-12)) - low) / (high - low)

    yield from _frame("Errors before and after")
    bottom = SIDE + 6
    yield f'<path d="M{MARGIN} {bottom} L{MARGIN + SIDE} 6" stroke="#8a94a0"/>'
    for each, (before, after) in pairs:
        x, y = MARGIN + place(before), bottom - place(after)
        what = f"{each.city}: {significant(before)} before, {significant(after)} now"
        yield (
            f'<circle class="{change_of(each)}" cx="{x:.1f}" cy="{y:.1f}" r="4" opacity="0.75">'
            f"<title>{escape(what)}</title></circle>"
        )
    for edge in (min(values), max(values)):
        x, y, text = MARGIN + place(edge), bottom - place(edge), significant(edge)
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{text}</text>'
        yield f'<text x="{MARGIN - 4}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    label, middle = escape(with_unit("error", unit)), MARGIN + SIDE / 2
    yield f'<text x="{middle}" y="{bottom + 34}" text-anchor="middle">{label} before</text>'
    yield (
        f'<text transform="translate(14 {SIDE / 2}) rotate(-90)" text-anchor="middle">'
        f"{label} now</text></svg>"
    )


def _histogram(values: Sequence[float]) -> Iterator[str]:
    """How many cities are how far from least squares, those beyond 1 in the last bar."""
    counts = [0] * (BARS + 1)
    for value in values:
        counts[max(0, min(BARS, int(min(value, 1.0) * BARS)))] += 1
    yield from _frame("Distances from least squares")
    bottom, width = SIDE + 6, SIDE / (BARS + 1)
    for number, count in enumerate(counts):
        height = SIDE * 0.95 * count / max(counts)
        x = MARGIN + number * width
        yield (
            f'<rect class="bar" x="{x + 1:.1f}" y="{bottom - height:.1f}" width="{width - 2:.1f}"'
            f' height="{height:.1f}"><title>{count:,}</title></rect>'
        )
    for share in (0.0, 0.5, 1.0):
        x = MARGIN + share * BARS * width
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{share:g}</text>'
    y = bottom - SIDE * 0.95
    yield f'<text x="{MARGIN - 4}" y="{y + 4:.1f}" text-anchor="end">{max(counts):,}</text>'
    middle = MARGIN + SIDE / 2
    yield f'<text x="{middle}" y="{bottom + 34}" text-anchor="middle">distance</text></svg>'
