"""The command line: what is refused, and how."""

import pytest

from fleet.errors import HousingError
from scripts.cache_arguments import make_experiment_parser, number_of_copies


def parse(*arguments: str) -> object:
    return make_experiment_parser().parse_args(arguments)


def test_the_default_experiment_is_the_notebooks() -> None:
    options = make_experiment_parser().parse_args([])
    assert (options.passes, number_of_copies(options)) == ([100, 100, 200], 200)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--passes", "100,0"), "'0' is not a whole number of 1 or more"),
        (("--passes", "a"), "'a' is not a whole number of 1 or more"),
        (("--concurrency", "-1"), "'-1' is not a whole number"),
        (("--exponent", "-0.5"), "'-0.5' is not a number of 0 or more"),
        (("--pace", "0"), "0 invocations a second would never end"),
        (("--traffic", "random"), "invalid choice: 'random'"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_is_allowed(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        parse(*arguments)
    assert refusal.value.code == 2
    assert message in capsys.readouterr().err


def test_a_scan_needs_as_many_copies_as_its_largest_pass() -> None:
    options = make_experiment_parser().parse_args(["--passes", "50,80", "--copies", "60"])
    with pytest.raises(HousingError, match="--copies is 60; a scan of 80 needs at least 80"):
        number_of_copies(options)


def test_draws_may_be_more_than_there_are_copies() -> None:
    options = make_experiment_parser().parse_args(
        ["--traffic", "zipf", "--passes", "500", "--copies", "60"]
    )
    assert number_of_copies(options) == 60
