"""Templates move only when somebody means it: `pytest tests/synth --snapshot-update`."""

import copy
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

Template = dict[str, Any]


@pytest.fixture
def json_snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def test_template(template: Template, json_snapshot: SnapshotAssertion) -> None:
    own = copy.deepcopy(template)
    own.pop("Rules")  # those, and the parameter, are the CDK's own check of its bootstrap stack
    own["Parameters"].pop("BootstrapVersion")
    own.pop("Mappings", None)  # registry accounts; test_registry.py knows better
    assert own == json_snapshot
