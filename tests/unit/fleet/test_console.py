import io

import pytest

from fleet.console import Console
from training.job import JobEvent
from training.job_reporter import JobReporter


class Terminal(io.StringIO):
    """A stream on which somebody watches."""

    def isatty(self) -> bool:
        return True


def plain(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_a_table_off_a_terminal_is_aligned_text() -> None:
    stream = io.StringIO()
    Console(stream).table("Title", ["city", "price"], [["Chicago_IL", "9"], ["Rome", "1,000"]])
    assert plain(stream) == [
        "Title",
        "city        price",
        "Chicago_IL      9",
        "Rome        1,000",
    ]


@pytest.mark.parametrize(
    ("city", "line"),
    [("Chicago_IL", "Chicago_IL      9"), ("Chicago_IL" * 20, "  price  9")],
)
def test_a_table_on_a_terminal_has_every_cell(city: str, line: str) -> None:
    """A line a row where that fits, and a line a cell where it does not."""
    stream = Terminal()
    Console(stream).table("Title", ["city", "price"], [[city, "9"]] * 3)
    assert plain(stream).count(line) == 3


def test_a_step_says_how_long_it_took_and_what_came_of_it() -> None:
    stream = io.StringIO()
    with Console(stream).step("train") as step:
        step.detail = "3 models"
    [line] = plain(stream)
    assert line.endswith(" s  train  3 models")


def test_a_step_that_fails_says_nothing_of_success() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="no"), Console(stream).step("train"):
        raise ValueError("no")
    assert plain(stream) == []


def test_text_is_printed_as_it_is_and_never_as_markup() -> None:
    stream = io.StringIO()
    Console(stream).say("[bold]models/*[/bold] :house:")
    assert plain(stream) == ["[bold]models/*[/bold] :house:"]


def test_off_a_terminal_each_change_of_a_job_is_a_line() -> None:
    stream = io.StringIO()
    report = JobReporter(Console(stream))
    report(JobEvent("Chicago_IL", "job-1", "started"))
    report(JobEvent("Chicago_IL", "job-1", "Completed", 2.5))
    assert [line.strip() for line in plain(stream)] == [
        "Chicago_IL: started  (job-1)",
        "Chicago_IL: Completed after 2.5 s  (job-1)",
    ]


def test_on_a_terminal_one_line_counts_the_jobs_and_failures_stay() -> None:
    stream = Terminal()
    console = Console(stream)
    report = JobReporter(console)
    with console.step("train"):
        report(JobEvent("Chicago_IL", "job-1", "started"))
        report(JobEvent("Houston_TX", "job-2", "started"))
        report(JobEvent("Chicago_IL", "job-1", "Completed", 2.5))
        assert console.current_step.ended == 1
        assert console.current_step.running == {"Houston_TX"}
        report(JobEvent("Houston_TX", "job-2", "Failed", 2.5))
    assert "Houston_TX: Failed after 2.5 s  (job-2)" in stream.getvalue()
    assert "Chicago_IL: Completed" not in stream.getvalue()


def test_steps_may_hold_steps_on_a_terminal() -> None:
    stream = Terminal()
    console = Console(stream)
    with console.step("outer"):
        with console.step("inner"):
            assert console.current_step.name == "inner"
        assert console.current_step.name == "outer"
    assert "inner" in stream.getvalue()
