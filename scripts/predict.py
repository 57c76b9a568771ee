"""Predicts the price of a house, or what your schema predicts of a row or of a CSV file of them."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.cache.request_trace import print_trace, trace_requests
from fleet.client import Client, runtime_client
from fleet.console import Console
from fleet.deployment import Deployment
from fleet.drift import stability_indices
from fleet.errors import HousingError
from fleet.invocation_log import LogGroup
from fleet.names import Prefix, entity_key
from fleet.project import project_schema
from fleet.registry_reader import RegistryReader
from fleet.schema import HOUSES, Schema
from fleet.serving import numbered_version, serving_version
from fleet.versions import Version
from scripts.command import (
    SUCCEEDED,
    Aws,
    Function,
    aws_options,
    json_option,
    main,
    make_command,
)
from scripts.options import POSITIVE, entity_option
from scripts.prediction_report import Report
from training.cells import CellError, find_dialect, parser_of
from training.endpoint import Prediction, endpoint_preprocessor, lines_of
from training.judgement import Ranges
from training.publish import read_ranges
from training.reader import Rows, parse_rows, read_rows
from training.table import Table, columns_of, make_values

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

OWN_OPTIONS = {
    *("--city", "--csv", "--output", "--model-version", "--trace", "--json", "--stage"),
    *("--profile", "--help"),
}
"""Columns of these names get an option that begins with ``--column-``."""
FEW_ROWS = 200
"""Of fewer, the shares of ten bins are chance."""
STANDARD = "-"
"""Standard input or output, as a file's name."""


def column_options(function: Function) -> Function:
    """Add an option for each column of one row; the function gets their texts as ``cells``."""
    schema = project_schema()
    for column in reversed(schema.columns):
        own = column.option in OWN_OPTIONS
        option = click.option(
            f"--column-{column.option.removeprefix('--')}" if own else column.option,
            column.name,
            default=column.default,
            show_default=column.default is not None,
            metavar="VALUE",
            help=f"{column.allowed[0].upper()}{column.allowed[1:]}.",
        )
        function = option(function)
    return function


def _example() -> str:
    schema = project_schema()
    if schema == HOUSES:
        return "housing predict --city Chicago_IL --square-feet 2400 --front-porch y"
    return f"housing predict --{schema.entity} NAME --csv rows.csv --output predicted.csv"


@make_command(__doc__, _example())
@entity_option("Whose model answers.", required=True)
@click.option(
    "--csv",
    "file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Rows, the first line names the columns; - is standard input. Instead of one row.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write the rows as they came, and what is predicted, as CSV; - is standard output.",
)
@click.option(
    "--model-version", type=POSITIVE, metavar="N", help="Of the model.  [default: what serves]"
)
@column_options
@click.option("--trace", is_flag=True, help="Also show where the time went; waits for CloudWatch.")
@json_option
@aws_options
def command(
    aws: Aws,
    city: str,
    file: Path | None,
    output: Path | None,
    model_version: int | None,
    trace: bool,
    as_json: bool,
    **cells: str | None,
) -> int:
    to_stdout = output is not None and str(output) == STANDARD
    if as_json and to_stdout:
        raise click.UsageError("--json and --output - both want standard output")
    schema = project_schema()
    rows = _read(file, schema) if file is not None else None
    table = _one_row(cells, schema) if rows is None else rows.table
    session, deployment = aws.deployment()
    endpoint_name = deployment.require("endpoint_name")
    serving = endpoint_preprocessor(session.client("sagemaker"), endpoint_name)
    version = _choose_version(city, model_version, session, deployment, serving)
    if rows is not None:
        _warn_of_others(rows, version, schema)
    started = time.time()
    with Console(sys.stderr).busy(f"invoke {version.target_model}"):
        prediction = _predict(session, deployment, version, table)
        ranges = _trained_ranges(session.client("s3"), serving)
    report = Report(version, table, prediction, ranges, drift_of(version, table))
    # Standard output is for the rows where they are asked for.
    console = Console(sys.stderr if as_json or to_stdout else None)
    if output is not None:
        report.write(sys.stdout if to_stdout else output, rows)
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        if output is None:
            report.print(console)
        report.print_notes(console)
    if trace:
        print_trace(console, trace_requests(session, endpoint_name, started, prediction.seconds))
    return SUCCEEDED


def _predict(
    session: "boto3.Session", deployment: Deployment, version: Version, table: Table
) -> Prediction:
    """Ask the endpoint, and note the requests where ``housing models usage`` finds them."""
    name = deployment.client_log_group_name
    log = None if name is None else LogGroup(session.client("logs"), name)
    endpoint_name = deployment.require("endpoint_name")
    client = Client(runtime_client(session), endpoint_name, write=log or (lambda line: None))
    try:
        return Prediction.of(client.invoke(version.city, version.target_model, lines_of(table)))
    finally:
        if log is not None and not log.flush():
            print(f"the requests could not be noted in log group {name}", file=sys.stderr)


def drift_of(version: Version, table: Table) -> dict[str, float]:
    """The population stability index of each column; nothing of rows too few to tell."""
    if len(table) < FEW_ROWS:
        return {}
    return stability_indices(version.trained.columns, columns_of(table))


def _read(file: Path, schema: Schema) -> Rows:
    if str(file) == STANDARD:
        rows = parse_rows(sys.stdin.buffer.read(), "standard input", schema, with_label=False)
    else:
        rows = read_rows(file, schema, with_label=False)
    for line in rows.notes:
        print(line, file=sys.stderr)
    return rows


def _warn_of_others(rows: Rows, version: Version, schema: Schema) -> None:
    others = sum(entity_key(name) != version.city for name in rows.entities or ())
    if others:
        told = f"{others:,} rows are of another {schema.entity}; the model of"
        print(f"{told} {version.trained.title} answers them too", file=sys.stderr)


def _one_row(cells: Mapping[str, str | None], schema: Schema) -> Table:
    values = {}
    given = {
        column.name: cells.get(column.name.lower()) or cells.get(column.name) or ""
        for column in schema.columns
    }
    dialect = find_dialect(
        given[column.name] for column in schema.columns if column.kind.is_numeric
    )
    for column in schema.columns:
        cell = given[column.name]
        try:
            values[column.name] = make_values(column, [parser_of(column, dialect, [cell])(cell)])
        except CellError as error:
            allowed = f"; give {column.allowed}" if not cell else ""
            raise HousingError(f"{column.option}: {error}{allowed}") from None
    return Table(schema, values)


def _choose_version(
    city: str,
    number: int | None,
    session: "boto3.Session",
    deployment: Deployment,
    preprocessor: str | None,
) -> Version:
    """The version asked for, or that which serves and fits the endpoint's preprocessor.

    Raises
    ------
    HousingError
        There is none.
    """
    registry = RegistryReader(session.client("dynamodb"), deployment.require("registry_table_name"))
    if number is None:
        choice = serving_version(registry, city, preprocessor)
    else:
        choice = numbered_version(registry, city, number, preprocessor)
    if choice.waiting is not None:
        print(
            f"{choice.waiting.target_model} was trained with another preprocessor than the "
            f"endpoint runs; to bring it there: {deployment.deploy_command('hosting')}",
            file=sys.stderr,
        )
    if choice.version is None:
        raise HousingError(f"no such version of {city} fits the endpoint's preprocessor")
    return choice.version


def _trained_ranges(s3: "S3Client", preprocessor_url: str | None) -> Ranges:
    """What the endpoint's preprocessor was fitted on; nothing where it may not be read."""
    from botocore.exceptions import ClientError

    bucket, _, key = (preprocessor_url or "").removeprefix("s3://").partition("/")
    if not key.startswith(Prefix.PREPROCESSOR):
        return {}
    try:
        return read_ranges(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError:
        return {}


if __name__ == "__main__":
    main(command, "predict")
