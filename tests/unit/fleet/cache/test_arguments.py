"""The options of the cache experiment: what is refused, and how."""

import click
import pytest

from fleet.errors import HousingError
from scripts.cache_options import ExperimentOptions, experiment_options


def parse(*arguments: str) -> ExperimentOptions:
    @click.command()
    @experiment_options
    def command(options: ExperimentOptions) -> ExperimentOptions:
        return options

    parsed: ExperimentOptions = command.main(list(arguments), standalone_mode=False)
    return parsed


def test_the_default_experiment_is_the_notebooks() -> None:
    options = parse()
    assert (options.passes, options.number_of_copies) == ((100, 100, 200), 200)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--passes", "100,0"), "0 is not in the range x>=1"),
        (("--passes", "a"), "'a' is not a valid integer"),
        (("--concurrency", "-1"), "-1 is not in the range x>=1"),
        (("--exponent", "-0.5"), "-0.5 is not in the range"),
        (("--pace", "0"), "0 invocations a second would never end"),
        (("--pace", "nan"), "would never end"),
        (("--traffic", "random"), "'random' is not one of"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_is_allowed(
    arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(click.UsageError) as refusal:
        parse(*arguments)
    assert message in refusal.value.format_message()


def test_a_scan_needs_as_many_copies_as_its_largest_pass() -> None:
    options = parse("--passes", "50,80", "--copies", "60")
    with pytest.raises(HousingError, match="--copies is 60; a scan of 80 needs at least 80"):
        _ = options.number_of_copies


def test_draws_may_be_more_than_there_are_copies() -> None:
    options = parse("--traffic", "zipf", "--passes", "500", "--copies", "60")
    assert options.number_of_copies == 60
