"""Names that stacks, training, commands and people share: each is written here alone."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

from fleet.errors import HousingError

PROJECT = "housing"
DEFAULT_STAGE = "dev"
STACKS = ("storage", "hosting", "access", "monitoring", "retraining")
"""In the order in which they are deployed; each may use those before it."""
ALL_STACKS = (*STACKS, "delivery")
"""With the one that only a stage has which is handed over."""

PREPROCESSOR_CONTAINER = "preprocessor"
LINEAR_LEARNER_CONTAINER = "linear-learner"

ROLE_OUTPUT_SUFFIX = "RoleArn"
"""Output of the access stack for the role of each name."""
TENANT_ROLE_OUTPUT = f"Tenant{ROLE_OUTPUT_SUFFIX}"
CITIES_INDEX = "cities"
"""The registry's index that lists the cities: their own items alone have its key ``shard``."""

TENANT_TAG = "City"
"""The session tag that tells a tenant's models."""

TARGET_MODEL_KEY = "sagemaker:TargetModel"
"""IAM condition key of the target model of InvokeEndpoint."""

JOB_LOG_GROUPS = ("/aws/sagemaker/TrainingJobs", "/aws/sagemaker/TransformJobs")
"""All jobs of an account write there, those of other stages too."""

CODE_DIRECTORY = "/opt/ml/model/code"
"""Where a script-mode container finds the script of a model artifact."""

MAX_KEY_LENGTH = 63
_ENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class EntityNameError(HousingError):
    """A city's name that cannot stand in keys and job names."""


class Prefix(StrEnum):
    """The key layout of the bucket."""

    RAW = "raw/"
    """``<digest>/{train,test}/<City>.csv``: rows by schema, label last."""
    INCOMING = "incoming/"
    """``<City>.csv``: new data."""
    PREPROCESSOR = "preprocessor/"
    """``<sha256>/model.tar.gz``."""
    PREPROCESSED = "preprocessed/"
    """Features that the preprocessor made of the rows; may be made again, so they expire."""
    JOBS = "jobs/"
    """``<job>/output/...``; what is worth keeping is copied from here, so they expire."""
    MODELS = "models/"
    """``<City>/<City>[-vN].tar.gz``; the target model is the part of the key behind it."""
    RECEIPTS = "receipts/"
    """``<time>-<City>.json``: what was deleted of a city that was forgotten."""


def stack_name(stage: str, stack: str) -> str:
    """For example ``housing-dev-storage``."""
    return f"{PROJECT}-{stage}-{stack}"


def endpoint_name(stage: str) -> str:
    """The endpoint of a stage."""
    return f"{PROJECT}-{stage}"


def state_machine_name(stage: str) -> str:
    """What retrains a stage."""
    return f"{PROJECT}-{stage}-retraining"


def preprocessor_url_parameter(stage: str) -> str:
    """The SSM parameter that holds the S3 URL of the preprocessor's ``model.tar.gz``."""
    return f"/{PROJECT}/{stage}/preprocessor/model-data-url"


def check_entity(name: str) -> str:
    """The name, if it can stand in keys and job names.

    Raises
    ------
    EntityNameError
        It cannot.
    """
    if not is_entity_key(name):
        raise EntityNameError(
            f"city {name!r}: letters, digits, _ and - only, at most 63, such as NewYork_NY"
        )
    return name


def is_entity_key(name: str) -> bool:
    """Whether a name can stand in keys and job names as it is."""
    return bool(_ENTITY.fullmatch(name))


def entity_key(name: str) -> str:
    """What a name becomes in keys and job names: ``São Paulo`` is ``Sao_Paulo``.

    Raises
    ------
    EntityNameError
        Nothing of it can stand there.
    """
    letters = unicodedata.normalize("NFKD", name.strip())
    ascii_only = "".join(c for c in letters if not unicodedata.combining(c))
    key = re.sub(r"[^A-Za-z0-9_-]+", "_", ascii_only.replace("ß", "ss")).strip("_-")
    if len(key) > MAX_KEY_LENGTH:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        key = f"{key[: MAX_KEY_LENGTH - 9]}_{digest}"
    return check_entity(key)


def target_model(city: str, version: int = 1) -> str:
    """The TargetModel of InvokeEndpoint for a version of a city's model.

    ``Chicago_IL/Chicago_IL.tar.gz``, and ``Chicago_IL/Chicago_IL-v2.tar.gz`` from then on.

    Raises
    ------
    EntityNameError
        The city's name cannot stand in keys.
    """
    suffix = "" if version == 1 else f"-v{version}"
    return f"{check_entity(city)}/{city}{suffix}.tar.gz"


def version_of(target: str) -> tuple[str, int] | None:
    """City and version of a target model; None where it is not one of this layout."""
    match = _TARGET_MODEL.fullmatch(target)
    return (match[1], int(match[2] or 1)) if match else None


_TARGET_MODEL = re.compile(rf"({_ENTITY.pattern})/\1(?:-v([1-9]\d*))?\.tar\.gz")


def scikit_learn_environment(script: str, region: str) -> Mapping[str, str]:
    """What the scikit-learn container needs to serve ``code/<script>`` of its artifact.

    It runs pip when it starts. The value that lets it do so without reaching a package index is
    ``"false"``: pip reads a no-option's negation.
    """
    return {
        "SAGEMAKER_PROGRAM": script,
        "SAGEMAKER_SUBMIT_DIRECTORY": CODE_DIRECTORY,
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_REGION": region,
        "PIP_NO_BUILD_ISOLATION": "false",
    }
