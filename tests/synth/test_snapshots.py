"""Templates move only when somebody means it: `pytest tests/synth --snapshot-update`.

dev's are kept whole, prod's as their difference to dev's.
"""

import copy
import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, cast

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.synth.conftest import PARTS

Template = dict[str, Any]
CODE = re.compile(r"[0-9a-f]{64}\.zip")
"""Code of a function: it moves with every line of the project that a function runs."""


class DifferenceExtension(SingleFileSnapshotExtension):
    """A file that editors show as a difference."""

    _write_mode = WriteMode.TEXT
    file_extension = "diff"


@pytest.mark.parametrize("part", PARTS)
def test_dev(
    part: str, templates: Mapping[tuple[str, str], Template], snapshot: SnapshotAssertion
) -> None:
    assert own(templates["dev", part]) == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("part", PARTS)
def test_prod_differs_from_dev(
    part: str, templates: Mapping[tuple[str, str], Template], snapshot: SnapshotAssertion
) -> None:
    dev, prod = (lines(own(templates[stage, part]), stage) for stage in ("dev", "prod"))
    difference = "\n".join(difflib.unified_diff(dev, prod, "dev", "prod", lineterm=""))
    assert f"{difference}\n" == snapshot.use_extension(DifferenceExtension)


def own(template: Template) -> Template:
    """What the stack says itself."""
    stripped = copy.deepcopy(template)
    stripped.pop(
        "Rules"
    )  # those, and the parameter, are the CDK's own check of its bootstrap stack
    stripped["Parameters"].pop("BootstrapVersion")
    stripped.pop("Mappings", None)  # registry accounts, held against the SDK's in another test
    for resource in stripped["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"].pop("S3Key")  # changes with each line of its code
    return cast(Template, json.loads(CODE.sub("<code>.zip", json.dumps(stripped))))


def lines(template: Template, stage: str) -> list[str]:
    """As text, the stage's name left open: that it differs goes without saying."""
    text = json.dumps(template, indent=2, sort_keys=True)
    return re.sub(rf'(housing[-/]|"){stage}\b', r"\1<stage>", text).splitlines()
