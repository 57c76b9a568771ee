"""What the commands of ``housing models`` work on."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from fleet.forgetting import Forgetter
from fleet.publishing import Publisher
from fleet.registry import Registry
from scripts.command import Aws, Function

if TYPE_CHECKING:
    import boto3

    from fleet.deployment import Deployment


@dataclass(frozen=True)
class Stage:
    """A stage's registry and bucket."""

    session: "boto3.Session"
    deployment: "Deployment"

    @classmethod
    def open(cls, aws: Aws) -> "Stage":
        return cls(*aws.deployment())

    @property
    def registry(self) -> Registry:
        table = self.deployment.require("registry_table_name")
        return Registry(self.session.client("dynamodb"), table)

    @property
    def bucket(self) -> str:
        return self.deployment.require("bucket_name")

    def publisher(self, *, force: bool) -> Publisher:
        from fleet.config import stage_config

        rules = stage_config(self.deployment.stage).gate.rules
        s3 = self.session.client("s3")
        return Publisher(self.registry, s3, self.bucket, rules, force=force)

    @property
    def forgetter(self) -> Forgetter:
        return Forgetter(
            self.deployment.stage,
            self.registry,
            self.session.client("s3"),
            self.session.client("sagemaker"),
            self.bucket,
        )


def yes_option(function: Function) -> Function:
    """Add ``--yes``, which answers the question."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(function)


def say(facts: dict[str, Any], as_json: bool, line: str) -> None:
    """Print what was done: as JSON, or as a line."""
    print(json.dumps(facts) if as_json else line)
