"""The table of operations in the documentation is complete."""

import re
from dataclasses import fields
from pathlib import Path

from localaws.hosting.settings import HostingSettings
from tests.unit.sagemaker.platform import Platform

TEXT = (Path(__file__).parents[3] / "docs" / "localaws-sagemaker.md").read_text()
OPERATIONS = TEXT.split("## Operations")[1].split("\n## ")[0]
ROWS = [line.split("|")[2] for line in OPERATIONS.splitlines() if line.count("|") == 4]


def test_it_lists_every_operation_and_no_other(platform: Platform) -> None:
    listed = {name for row in ROWS for name in re.findall(r"`([A-Z]\w+)`", row)}
    served = {*platform.apis.sagemaker.operations, *platform.apis.autoscaling.operations}
    assert listed == served | {"InvokeEndpoint"}


def test_it_lists_every_setting() -> None:
    hosting = {f"LOCALAWS_{field.name.upper()}" for field in fields(HostingSettings)}
    assert hosting | {"LOCALAWS_WARM_UP"} == set(re.findall(r"`(LOCALAWS_\w+)`", TEXT))
