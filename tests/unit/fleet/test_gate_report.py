"""The report of a run of the gate: one page that needs nothing else, and JSON beside it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fleet.forgetting import mentions, without_city
from fleet.gate_report import Change, GateReport, change_of
from fleet.publishing import Outcome, Publication
from fleet.versions import Candidate

BASELINES = {"median_mae": 60_000.0, "least_squares_mae": 10_000.0}


def publication(
    city: str, mae: float, before: float | None = None, outcome: Outcome = Outcome.PUBLISHED
) -> Publication:
    metrics = {"mae": mae} if before is None else {"mae": mae, "serving_mae": before}
    trained = Candidate(
        city, "key", "digest", 900, train_rows=700, metrics=metrics, baselines=BASELINES
    )
    reason = "error <$70,000>" if outcome is Outcome.REFUSED else ""
    return Publication(city, outcome, trained, None, reason=reason)


RUN = [
    publication("Better", 12_000.0, 15_000.0),
    publication("Worse", 15_100.0, 15_000.0),
    publication("New", 20_000.0),
    publication("Refused", 70_000.0, 15_000.0, Outcome.REFUSED),
    publication("Infinite", float("inf"), 15_000.0, Outcome.REFUSED),
    publication("Broken", 13_000.0, None, Outcome.FAILED),
    publication("Same", 12_000.0, 12_000.0, Outcome.UNCHANGED),
]
CHANGES = ["better", "worse", "new", "refused", "refused", "failed", "unchanged"]
REPORT = GateReport("dev", RUN, {"Bad": "Bad.csv, row 2: 'x' is not a number"}, ["Calm"], "job-1")


class Page(HTMLParser):
    """Texts by the tag that they stand in, and every address that the page names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.rows: list[str] = []
        self._row = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "tr":
            self.rows.append("")

    def handle_data(self, data: str) -> None:
        if self.rows:
            self.rows[-1] += f" {data}"


@pytest.mark.parametrize(
    ("each", "change"),
    list(
        zip(
            RUN,
            ["better", "worse", "new", "refused", "refused", "failed", "unchanged"],
            strict=True,
        )
    ),
)
def test_a_city_got_better_worse_or_neither(each: Publication, change: str) -> None:
    assert change_of(each) == Change(change)


def test_all_cities_are_counted() -> None:
    assert REPORT.counts == {
        "better": 1,
        "worse": 1,
        "new": 1,
        "refused": 2,
        "failed": 2,
        "unchanged": 2,
    }


def test_the_page_asks_nothing_of_any_other_and_runs_no_script() -> None:
    html = REPORT.as_html()
    assert Page(html).addresses == []
    assert "<script" not in html
    assert "url(" not in html


def test_the_page_names_each_city_with_its_errors_and_baselines() -> None:
    refused = next(row for row in Page(REPORT.as_html()).rows if " Refused " in row)
    for part in ("70,000", "15,000", "60,000", "10,000", "error <$70,000>"):
        assert part in refused
    assert "Bad.csv, row 2: &#x27;x&#x27; is not a number" in REPORT.as_html()


def test_each_compared_city_is_a_dot_in_a_picture() -> None:
    scatter, histogram = re.findall(r"<svg.*?</svg>", REPORT.as_html(), re.DOTALL)
    dots = ElementTree.fromstring(scatter).iter("circle")
    assert [dot.get("class") for dot in dots] == ["better", "worse", "refused", "unchanged"]
    assert len(list(ElementTree.fromstring(histogram).iter("rect"))) == 1 + 21


def test_the_json_beside_it_has_no_numbers_that_json_has_not(tmp_path: Path) -> None:
    page = REPORT.write(tmp_path)
    read = json.loads(page.with_suffix(".json").read_text(), parse_constant=pytest.fail)
    assert read["cities"]["Worse"]["change"] == "worse"
    assert read["cities"]["Infinite"]["metrics"]["mae"] is None
    assert read["failures"] == {"Bad": "Bad.csv, row 2: 'x' is not a number"}


@pytest.mark.parametrize("text", [REPORT.as_html(), REPORT.as_json()])
@pytest.mark.parametrize("city", ["Better", "Bad"])
def test_a_city_that_is_forgotten_goes_from_it_and_others_stay(text: str, city: str) -> None:
    cleaned = without_city(text.encode(), city)
    assert mentions(text.encode(), city)
    assert not mentions(cleaned, city)
    assert mentions(cleaned, "Refused")


def test_a_run_without_cities_is_a_page_too() -> None:
    assert "nothing to judge" in GateReport("dev", []).as_html()
