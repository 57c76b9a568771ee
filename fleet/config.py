"""What can be chosen for a deployment: the context key ``housing`` of cdk.json, checked."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from fleet.errors import HousingError
from fleet.gate import GateRules
from fleet.project import CONFIG_FILE, project_folder, read_stages

AccountId = Annotated[str, Field(pattern=r"^\d{12}$")]
LogRetention = Literal[
    "ONE_DAY",
    "THREE_DAYS",
    "FIVE_DAYS",
    "ONE_WEEK",
    "TWO_WEEKS",
    "ONE_MONTH",
    "TWO_MONTHS",
    "THREE_MONTHS",
    "FOUR_MONTHS",
    "FIVE_MONTHS",
    "SIX_MONTHS",
    "ONE_YEAR",
    "THIRTEEN_MONTHS",
    "EIGHTEEN_MONTHS",
    "TWO_YEARS",
    "THREE_YEARS",
    "FIVE_YEARS",
    "SIX_YEARS",
    "SEVEN_YEARS",
    "EIGHT_YEARS",
    "NINE_YEARS",
    "TEN_YEARS",
    "INFINITE",
]
"""The names of the CDK's ``RetentionDays``."""
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
RoleName = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,40}$")]


class ConfigError(HousingError):
    """A deployment config that cannot be used; the text has one line for every fault."""


class Section(BaseModel):
    """A JSON object with camelCase keys and no others."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=False
    )


class Assumer(Section):
    """Who may assume a role: exactly one of account, role, service or OIDC provider."""

    account: AccountId | None = None
    """Principals of this account whose own policies allow it."""
    role: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/")] | None = None
    """The ARN of one role."""
    service: Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$")] | None = None
    """A service principal such as ``lambda.amazonaws.com``."""
    oidc_provider: Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.[a-z]+(/[\w/.-]+)?$")] | None = None
    """An OIDC provider of this account, without https://: that of GitHub, of an EKS cluster, ..."""
    subject: Annotated[str, Field(min_length=1)] | None = None
    """With ``oidcProvider``: what its ``sub`` claim must be like, ``*`` allowed."""
    audience: str = "sts.amazonaws.com"
    """With ``oidcProvider``: what its ``aud`` claim must be."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (self.account, self.role, self.service, self.oidc_provider)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("needs exactly one of account, role, service, oidcProvider")
        if (self.oidc_provider is None) != (self.subject is None):
            raise ValueError("oidcProvider and subject belong together")
        return self


class InvokerRole(Section):
    """What all invoker roles have: who may assume them and for how long."""

    assumed_by: tuple[Assumer, ...] = Field(default=(), strict=False)
    """Default: principals of the deployment's own account whose own policies allow it."""
    external_id: (
        Annotated[str, Field(pattern=r"^[\w+=,.@:/-]+$", min_length=2, max_length=1224)] | None
    ) = None
    max_session_hours: Annotated[int, Field(ge=1, le=12)] = 1

    @model_validator(mode="after")
    def _external_id_is_for_accounts_and_roles(self) -> Self:
        if self.external_id and any(a.service or a.oidc_provider for a in self.assumed_by):
            raise ValueError("services and OIDC providers pass no externalId")
        return self


class RestrictedRole(InvokerRole):
    """A role that may invoke the target models that match its patterns."""

    target_models: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    allow_wide: bool = False


class TenantRole(InvokerRole):
    """The role that may invoke the models below the session tag ``City``."""


class AutoScaling(Section):
    """Follow the load between two instance counts; the target is a number a minute."""

    min_capacity: Annotated[int, Field(ge=1)] = 1
    max_capacity: Annotated[int, Field(ge=1)]
    invocations_per_instance: Annotated[float, Field(gt=0, strict=False)]


class Gate(Section):
    """What a model has to be worth before it serves; see ``fleet.gate.GateRules``."""

    minimum_rows: Annotated[int, Field(ge=1)] = GateRules.minimum_rows
    maximum_distance: Annotated[float, Field(ge=0, strict=False)] = GateRules.maximum_distance
    minimum_signal: Annotated[float, Field(ge=0, strict=False)] = GateRules.minimum_signal
    maximum_regression: Annotated[float, Field(ge=0, strict=False)] = GateRules.maximum_regression

    @property
    def rules(self) -> GateRules:
        """The rules as the gate takes them."""
        return GateRules(**self.model_dump())


class Retraining(Section):
    """When what arrives below ``incoming/`` is trained, and on what."""

    schedule: Annotated[str, Field(pattern=r"^(rate|cron)\(.+\)$")] | None = None
    """Default: none; arrivals start runs."""
    window_seconds: Annotated[int, Field(ge=0, le=3600)] = 120
    """What arrives within it is one run."""
    instance_type: str = "ml.m5.xlarge"
    instance_count: Annotated[int, Field(ge=1, le=20)] = 1


class GitHub(Section):
    """Which GitHub Actions may deploy the stage."""

    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    """``owner/name``."""
    environments: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """GitHub environments whose jobs may; their reviewers approve a deployment."""
    promoted_by: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Environments whose jobs may read what serves in this stage, to bring it to another one."""


REGIONS_WITHOUT_RESOURCE_TYPES = frozenset({"me-central-1", "us-gov-east-1"})
"""By the registry schemas of cfn-lint 1.58.0, where all other regions of SageMaker have them."""
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
MOST_RESTRICTED_ROLES = 199
"""A stack has 200 outputs at most, and the tenant role needs one:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


class DeploymentConfig(Section):
    """All that may differ between stages."""

    account: AccountId | None = None
    """Default: the account of the credentials that deploy."""
    region: str | None = None
    """Default: the region of the profile that deploys; the template then fits every region."""
    instance_type: str = "ml.m5.xlarge"
    instance_count: Annotated[int, Field(ge=1)] = 1
    auto_scaling: AutoScaling | None = None
    model_cache: Literal["Enabled", "Disabled"] = "Enabled"
    """Whether a model stays in memory after it was invoked."""
    network_isolation: bool = True
    log_retention: LogRetention = "ONE_MONTH"
    removal_policy: Literal["DESTROY", "RETAIN"] = "RETAIN"
    termination_protection: bool = True
    alarm_topic_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:")] | None = None
    """A topic of yours that alarms go to."""
    alarm_emails: Annotated[tuple[Email, ...], Field(strict=False)] = ()
    """Addresses that alarms go to, by a topic of the monitoring stack; each has to confirm."""
    restricted_roles: Mapping[RoleName, RestrictedRole] = Field(default_factory=dict)
    tenant_role: TenantRole = TenantRole()
    gate: Gate = Gate()
    keep_versions: Annotated[int, Field(ge=1, le=1000)] = 10
    """Of each city's model; older ones are deleted after a retraining, never the serving one."""
    retraining: Retraining = Retraining()
    github: GitHub | None = None
    """Declares the role that GitHub Actions deploys as."""
    audit_trail: bool = False
    """Record the endpoint's invocations with CloudTrail, which charges for each."""

    @property
    def references(self) -> Literal["weak", "strong"]:
        """How a stack refers to another: strong where Fn::GetStackOutput is not documented.

        Its page is there for ``aws`` and ``aws-cn``; exports are everywhere.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
        """
        elsewhere = ("us-gov-", "us-iso", "eu-isoe-", "eusc-")
        return "strong" if (self.region or "").startswith(elsewhere) else "weak"

    @model_validator(mode="after")
    def _fits_one_stack(self) -> Self:
        count = len(self.restricted_roles)
        if count > MOST_RESTRICTED_ROLES:
            raise ValueError(
                f"restrictedRoles has {count:,} roles, and CloudFormation lets one stack hold"
                f" {MOST_RESTRICTED_ROLES}; the tenant role serves any number of tenants, each by"
                " the session tag City"
            )
        return self

    @model_validator(mode="after")
    def _is_where_sagemaker_can_be_declared(self) -> Self:
        if self.region in REGIONS_WITHOUT_RESOURCE_TYPES:
            raise ValueError(
                f"region {self.region} has no AWS::SageMaker resource types for CloudFormation"
            )
        if self.region is not None and not _REGION.fullmatch(self.region):
            raise ValueError(f"region {self.region} is no AWS region, such as eu-central-1")
        return self


def load_config(housing: object, stage: str) -> DeploymentConfig:
    """The config of one stage out of the context key ``housing``.

    Raises
    ------
    ConfigError
        Something is wrong with it; the message lists everything.
    """
    if not isinstance(housing, Mapping) or stage not in housing:
        stages = ", ".join(housing) if isinstance(housing, Mapping) else "none"
        raise ConfigError(f"stage '{stage}' is not in the context key 'housing'; stages: {stages}")
    for other in housing:
        if stage.startswith(f"{other}-") or other.startswith(f"{stage}-"):
            raise ConfigError(
                f"stages {stage!r} and {other!r} of cdk.json: one begins with the other and a"
                " hyphen, and so would the names of its jobs; choose another name"
            )
    try:
        return DeploymentConfig.model_validate(housing[stage])
    except ValidationError as error:
        lines = [f"  - {_line(detail)}" for detail in error.errors()]
        raise ConfigError("\n".join([f"housing.{stage} in cdk.json:", *lines])) from None


def stage_config(stage: str) -> DeploymentConfig:
    """The config of one stage of the project's cdk.json; see ``load_config``."""
    return load_config(read_stages(project_folder() / CONFIG_FILE), stage)


def _line(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{where} is unknown{_suggestion(str(detail['loc'][-1]))}"
    if detail["type"] == "missing":
        return f"{where} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    if not where:
        return message
    return f"{where}: {message}; it is {detail['input']!r}"


def _suggestion(key: str) -> str:
    near = get_close_matches(key, sorted(_known_keys(DeploymentConfig)), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _known_keys(section: type[BaseModel]) -> Iterator[str]:
    for part in (section, Assumer, RestrictedRole, AutoScaling, Gate, Retraining):
        yield from (field.alias or name for name, field in part.model_fields.items())
