"""The project's own stacks for stages of a test's own, deployed by the real CLI."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App

from localaws.testing import LocalAws
from stacks.housing import add_stacks
from tests.local.loaded_cdk import cdk

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Assembly:
    """The synthesized stacks of one stage."""

    aws: LocalAws
    stage: str
    folder: Path

    @classmethod
    def synthesize(
        cls, aws: LocalAws, folder: Path, stage: str, like: str = "dev", **changes: Any
    ) -> "Assembly":
        """The stacks of ``stage``, whose config is that of stage ``like`` in cdk.json, changed."""
        return cls(aws, stage, synthesized(folder, stage, like, **changes))

    @property
    def as_app(self) -> str:
        """The app that CDK_APP names instead of cdk.json's, which takes six seconds to make it."""
        return f'cp -R {self.folder}/. "$CDK_OUTDIR"'

    def stack(self, part: str) -> str:
        """The name of one stack."""
        return f"housing-{self.stage}-{part}"

    def deploy(self, *parts: str, check: bool = True) -> str:
        """``cdk deploy`` of some stacks; what it wrote."""
        stacks = [self.stack(part) for part in parts]
        options = ("--exclusively", "--require-approval", "never")
        return self.cdk("deploy", *stacks, *options, check=check)

    def destroy(self, check: bool = True) -> str:
        """``cdk destroy --all --force``; what it wrote."""
        return self.cdk("destroy", "--all", "--force", check=check)

    def cdk(self, *arguments: str, check: bool = True) -> str:
        """The CLI with these stacks."""
        return cdk(self.aws, *arguments, "--app", str(self.folder), check=check)

    def outputs(self, part: str) -> dict[str, str]:
        """The outputs of one stack."""
        client = self.aws.session().client("cloudformation")
        [stack] = client.describe_stacks(StackName=self.stack(part))["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def synthesized(folder: Path, stage: str, like: str = "dev", **changes: Any) -> Path:
    """The folder, with the stacks of a stage."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    context["housing"] = {stage: {**context["housing"][like], **changes}}
    app = App(context=context, outdir=str(folder), builtin_cloud_formation_validation=False)
    add_stacks(app, stage)
    app.synth()
    return folder
