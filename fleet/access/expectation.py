"""What the deployment config in cdk.json says about access."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.errors import HousingError


@dataclass(frozen=True)
class ExpectedRole:
    """A role of the config: the patterns it may invoke, and what its callers have to pass."""

    target_models: tuple[str, ...]
    external_id: str | None = None


@dataclass(frozen=True)
class Expectation:
    """The restricted roles of a stage by name, and the role of all tenants."""

    restricted: Mapping[str, ExpectedRole]
    tenant_external_id: str | None = None


def read_expectation(path: Path, stage: str) -> Expectation:
    """Read the context key ``housing`` of cdk.json; raises ``HousingError``."""
    try:
        config: Mapping[str, Any] = json.loads(path.read_text())["context"]["housing"][stage]
    except FileNotFoundError:
        raise HousingError(f"{path} is missing") from None
    except (KeyError, ValueError):
        raise HousingError(f"{path} has no stage {stage!r} in its context key 'housing'") from None
    return Expectation(
        restricted={
            name: ExpectedRole(tuple(role["targetModels"]), role.get("externalId"))
            for name, role in config.get("restrictedRoles", {}).items()
        },
        tenant_external_id=config.get("tenantRole", {}).get("externalId"),
    )
