"""What the deployment config in cdk.json says about access."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.config import load_config
from fleet.project import read_stages


@dataclass(frozen=True)
class ExpectedRole:
    """A role of the config: the patterns it may invoke, and what its callers have to pass."""

    target_models: tuple[str, ...]
    external_id: str | None = None


@dataclass(frozen=True)
class Expectation:
    """The restricted roles of a stage by name, and the role of all tenants.

    ``source`` is who says so, in words.
    """

    restricted: Mapping[str, ExpectedRole]
    tenant_external_id: str | None = None
    source: str = "the config"


def read_expectation(path: Path, stage: str) -> Expectation:
    """Read the deployment config in cdk.json.

    Raises
    ------
    ProjectError
        The file has no deployment config.
    ConfigError
        It has none of this stage, or one that cannot be used.
    """
    config = load_config(read_stages(path), stage)
    return Expectation(
        restricted={
            name: ExpectedRole(role.target_models, role.external_id)
            for name, role in config.restricted_roles.items()
        },
        tenant_external_id=config.tenant_role.external_id,
    )
