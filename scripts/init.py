"""Proposes the columns of your own table: writes schema.json, which all commands then follow."""

import shlex
import sys
from pathlib import Path

import click

from fleet.column import Kind
from fleet.console import Console
from fleet.errors import HousingError
from fleet.project import SCHEMA_FILE, project_folder, spelled
from fleet.schema import PredictorType
from fleet.words import counted, plural
from scripts.command import SUCCEEDED, main, make_command
from training.proposal import describe, propose

PREDICTS = {
    PredictorType.REGRESSOR: "a number (regression)",
    PredictorType.BINARY: "one of two classes",
    PredictorType.MULTICLASS: "one of {classes} classes",
}


@make_command(__doc__, "housing init --from data.csv --label price --entity-column city")
@click.option(
    "--from",
    "source",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="A CSV file, or a folder with one for each entity.",
)
@click.option(
    "--label", metavar="COLUMN", help="What is predicted.  [default: by its name, or the last]"
)
@click.option(
    "--label-kind",
    type=click.Choice([Kind.NUMBER, Kind.YES_NO, Kind.CATEGORY]),
    help="What the label holds.  [default: found out]",
)
@click.option(
    "--entity-column",
    metavar="COLUMN",
    help="What has a model of its own.  [default: by its name; of a folder its files]",
)
@click.option("--force", is_flag=True, help=f"Replace a {SCHEMA_FILE} that is there.")
@click.option("--dry-run", is_flag=True, help="Print the schema and write nothing.")
def command(
    source: Path,
    label: str | None,
    label_kind: str | None,
    entity_column: str | None,
    force: bool,
    dry_run: bool,
) -> int:
    file = project_folder() / SCHEMA_FILE
    if file.exists() and not force and not dry_run:
        raise HousingError(f"{file} is there already; --force replaces it")
    with Console(sys.stderr).busy(f"look at {source}"):
        proposal = propose(
            source,
            label=label,
            label_kind=Kind(label_kind) if label_kind else None,
            entity_column=entity_column,
        )
    schema = proposal.schema
    if dry_run:
        print(schema.to_json(), end="")
        return SUCCEEDED
    console = Console()
    rows = [[column.name, column.kind, describe(column)] for column in schema.columns]
    console.table("Columns", ["column", "kind", "allowed"], rows)
    for line in proposal.left_out:
        console.say(f"left out: {line}")
    predicts = PREDICTS[schema.predictor_type].format(classes=len(schema.classes))
    console.say(f"predicts {schema.label.name}: {predicts}, from {schema.feature_dim} features")
    console.say(
        f"{proposal.rows:,} rows of {counted(proposal.entities, schema.entity)}; "
        f"{plural(schema.entity)} are told by " + (schema.entity_column or "the names of the files")
    )
    if proposal.choices:
        columns_of = ", ".join(f"{title} ({n:,})" for title, n in proposal.choices.items())
        console.say(f"for a model of each value of a column, --entity-column: {columns_of}")
    file.write_text(schema.to_json(), encoding="utf-8")
    console.say(f"written: {file}; read it, and change what is not right")
    train = f"housing train --data {shlex.quote(str(source))}"
    console.say(f"next: {spelled(train)}")
    return SUCCEEDED


if __name__ == "__main__":
    main(command, "init")
