"""Templates of every stack in every stage, synthesized once for the whole session."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from stacks.housing import add_stacks

ROOT = Path(__file__).parents[2]
STAGES = ("dev", "prod")
PARTS = ("storage", "hosting", "access", "monitoring", "retraining")
Template = dict[str, Any]


def deployed_context() -> dict[str, Any]:
    """The context that the CDK CLI passes: an App made by a test does not read cdk.json."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


@pytest.fixture(scope="session")
def assembly_folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The cloud assembly of each stage, without the validators (see test_validation.py)."""
    folders = {}
    for stage in STAGES:
        folders[stage] = tmp_path_factory.mktemp(f"cdk.out.{stage}")
        app = cdk.App(
            context=deployed_context(),
            outdir=str(folders[stage]),
            builtin_cloud_formation_validation=False,
        )
        add_stacks(app, stage)
        app.synth()
    return folders


@pytest.fixture(scope="session")
def templates(assembly_folders: Mapping[str, Path]) -> Mapping[tuple[str, str], Template]:
    """(stage, part) to template."""
    return {
        (stage, part): json.loads((folder / f"housing-{stage}-{part}.template.json").read_text())
        for stage, folder in assembly_folders.items()
        for part in PARTS
    }


@pytest.fixture(params=[(stage, part) for stage in STAGES for part in PARTS], ids="-".join)
def stage_and_part(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Every stack of every stage."""
    pair: tuple[str, str] = request.param
    return pair


@pytest.fixture
def template(
    templates: Mapping[tuple[str, str], Template], stage_and_part: tuple[str, str]
) -> Template:
    return templates[stage_and_part]
