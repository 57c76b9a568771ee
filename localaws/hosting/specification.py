"""What an endpoint is to run: an endpoint config and its models, resolved."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from localaws.backend import Scope
from localaws.containers.contract import START_SECONDS


@dataclass(frozen=True)
class ContainerSpecification:
    """One container of a model. ``name`` appears in errors, log streams and metrics."""

    name: str
    image: str
    model_data_url: str = ""
    multi_model: bool = False
    cache_models: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VariantSpecification:
    """One production variant; its containers run in pipeline order on every instance."""

    name: str
    model_name: str
    execution_role_arn: str
    instance_type: str
    instance_count: int
    weight: float
    containers: tuple[ContainerSpecification, ...]
    volume_size_gb: int | None = None
    start_seconds: float = START_SECONDS

    @property
    def is_pipeline(self) -> bool:
        """Whether the containers are numbered: two or more."""
        return len(self.containers) > 1


@dataclass(frozen=True)
class EndpointSpecification:
    """One endpoint as deployed."""

    scope: Scope
    name: str
    config_name: str
    variants: tuple[VariantSpecification, ...]

    @property
    def log_group(self) -> str:
        """The CloudWatch Logs group that SageMaker writes the containers' output to."""
        return f"/aws/sagemaker/Endpoints/{self.name}"

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "EndpointSpecification":
        """Read what ``to_json`` wrote."""
        return cls(
            scope=Scope(**value["scope"]),
            name=value["name"],
            config_name=value["config_name"],
            variants=tuple(_variant_from_json(variant) for variant in value["variants"]),
        )


def _variant_from_json(value: Mapping[str, Any]) -> VariantSpecification:
    containers = tuple(ContainerSpecification(**container) for container in value["containers"])
    return VariantSpecification(**{**value, "containers": containers})
