"""The command line of the cache experiment."""

import argparse
from pathlib import Path

from fleet.errors import HousingError
from scripts.command import make_parser

DESCRIPTION = "Watch how a multi-model endpoint's cache behaves under traffic."
EXAMPLES = """\
python -m scripts.cache_experiment
      copies of one model: the first 100, the same 100, then all 200
  python -m scripts.cache_experiment --traffic zipf --exponent 0.9 --copies 300 --passes 2000
      2000 invocations of 300 models, some of them far more popular than others
  python -m scripts.cache_experiment --trace requests.csv --pace max
      the target models of a CSV file, as fast as they are answered
"""
# A house of the demonstration: built, square feet, bedrooms, bathrooms, acres, garage, porch, deck.
EXAMPLE_HOUSE = b"1988,3040.78,2,2.5,1.46,1,y,n"


def make_experiment_parser() -> argparse.ArgumentParser:
    """The options of ``python -m scripts.cache_experiment``."""
    parser = make_parser("cache_experiment", DESCRIPTION, EXAMPLES)
    where = parser.add_argument_group("where")
    where.add_argument(
        "--endpoint", metavar="NAME", help="any multi-model endpoint (default: the stage's)"
    )
    where.add_argument(
        "--model",
        metavar="TARGET_MODEL",
        help="the published model to copy (default: the first one)",
    )
    where.add_argument("--payload", type=Path, metavar="FILE", help="body of each request")
    where.add_argument("--content-type", default="text/csv", help="of the body (%(default)s)")

    traffic = parser.add_argument_group("traffic")
    traffic.add_argument(
        "--passes",
        type=_sizes,
        default=[100, 100, 200],
        metavar="N,N,…",
        help="invocations of each pass (100,100,200)",
    )
    traffic.add_argument("--copies", type=_positive, help="models (default: the largest pass)")
    traffic.add_argument(
        "--traffic",
        choices=("scan", "uniform", "zipf"),
        default="scan",
        help="scan: the first N models in order; otherwise N draws from all copies",
    )
    traffic.add_argument(
        "--exponent", type=_not_negative, default=1.0, help="of zipf; 0 is uniform (%(default)s)"
    )
    traffic.add_argument("--seed", type=int, default=0, help="of the draws (%(default)s)")
    traffic.add_argument(
        "--trace",
        type=Path,
        metavar="CSV",
        help="replay its column target_model; each distinct one becomes a copy",
    )
    traffic.add_argument(
        "--concurrency", type=_positive, default=4, help="requests at a time (%(default)s)"
    )
    traffic.add_argument(
        "--pace",
        type=_pace,
        default="auto",
        metavar="PER_SECOND",
        help="invocations a second, or max (default: 20 in each CloudWatch period)",
    )

    output = parser.add_argument_group("output")
    output.add_argument(
        "--period",
        type=_positive,
        help="CloudWatch period in seconds (default: how often the endpoint publishes)",
    )
    output.add_argument(
        "--metrics-timeout",
        type=_not_negative,
        default=300.0,
        metavar="SECONDS",
        help="how long to wait for CloudWatch in the end (%(default)s)",
    )
    output.add_argument(
        "--output", type=Path, default=Path("output/cache-experiment"), help="folder (%(default)s)"
    )
    output.add_argument("--json", action="store_true", help="print the summary as JSON")
    output.add_argument(
        "--clean",
        action="store_true",
        help="remove all copies from S3, also those of experiments that still run",
    )
    return parser


def number_of_copies(options: argparse.Namespace) -> int:
    """Copies to publish; raises ``HousingError`` when a scan needs more than were asked for."""
    largest: int = max(options.passes)
    copies: int = options.copies or largest
    if options.traffic == "scan" and copies < largest:
        raise HousingError(f"--copies is {copies}; a scan of {largest} needs at least {largest}")
    return copies


def _sizes(text: str) -> list[int]:
    return [_positive(part) for part in text.split(",")]


def _positive(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _not_negative(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return value


def _pace(text: str) -> str | float:
    if text in ("auto", "max"):
        return text
    value = _not_negative(text)
    if value == 0:
        raise argparse.ArgumentTypeError("0 invocations a second would never end")
    return value
