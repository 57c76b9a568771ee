"""The settings of the runtime, with the platform's values as their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

MEBIBYTE = 1024**2
GIBIBYTE = 1024**3


class SettingError(ValueError):
    """A setting that cannot be used; the text names it, its value and what is allowed."""


@dataclass(frozen=True)
class HostingSettings:
    """How instances are simulated.

    Each is set by an environment variable: LOCALAWS_ and its name in capitals.

    Attributes
    ----------
    idle_memory_percent
        What an instance uses before it has loaded a model.
    memory_limit_percent
        Models are unloaded rather than let memory use rise above this.
    model_memory_mib
        What one loaded model takes, for every image; 0 leaves it to the image.
    model_storage_gib
        The disk for unpacked models; 0 leaves it to the instance type or VolumeSizeInGB.
    model_wait_seconds
        How long an invocation waits for its model before it is answered ModelNotReadyException.
    invocation_timeout_seconds
        How long a container may take to answer.
    baking_divisor
        An update with rollback alarms watches them this many times shorter than on AWS.

    The first two put 121 Linear Learner models on an ml.m4.xlarge and its memory at 79 %, as the
    charts of the notebook multi_model_linear_learner_home_value in
    github.com/aws/amazon-sagemaker-examples show. The waits are those of
    https://docs.aws.amazon.com/sagemaker/latest/dg/invoke-multi-model-endpoint.html.
    """

    idle_memory_percent: float = 4.0
    memory_limit_percent: float = 79.0
    model_memory_mib: float = 0.0
    model_storage_gib: float = 0.0
    model_wait_seconds: float = 60.0
    invocation_timeout_seconds: float = 60.0
    baking_divisor: float = 60.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "HostingSettings":
        """The defaults, replaced where the environment says so.

        Raises
        ------
        SettingError
        """
        variables = {field.name: f"LOCALAWS_{field.name.upper()}" for field in fields(cls)}
        given = {
            name: _number(variable, environment[variable])
            for name, variable in variables.items()
            if variable in environment
        }
        settings = cls(**given)
        if settings.memory_limit_percent <= settings.idle_memory_percent:
            raise SettingError(
                "LOCALAWS_MEMORY_LIMIT_PERCENT must be above LOCALAWS_IDLE_MEMORY_PERCENT: "
                f"{settings.memory_limit_percent:g} is not above "
                f"{settings.idle_memory_percent:g}"
            )
        return settings

    def model_memory_bytes(self, of_image: int) -> int:
        """Memory of one loaded model, given what its image says."""
        return int(self.model_memory_mib * MEBIBYTE) or of_image

    def model_storage_bytes(self, of_instance: int) -> int:
        """Disk for unpacked models, given what the instance offers."""
        return int(self.model_storage_gib * GIBIBYTE) or of_instance

    def memory_for_models(self, instance_memory_bytes: int) -> int:
        """Memory that models may take on an instance of this size."""
        percent = self.memory_limit_percent - self.idle_memory_percent
        return int(instance_memory_bytes * percent / 100)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise SettingError(f"{name} must be a number of 0 or more, not {text!r}")
    return value
