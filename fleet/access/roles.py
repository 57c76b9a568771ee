"""Roles with their policies, wherever they were read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.errors import HousingError
from iam_policy import Policy, PolicyError, PolicySet, PolicyType, Principal, parse_policy

TARGET_MODEL_KEY = "sagemaker:targetmodel"
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Role:
    """A role.

    Parameters
    ----------
    name
        What CloudFormation or IAM calls it.
    policies
        Identity-based policies and permissions boundary.
    trust
        Who may assume it.
    target_models
        The patterns of target models that its allow statements name.
    unreadable
        ARNs of attached policies whose text is not at hand, so that nothing can be said for sure.
    """

    name: str
    arn: str
    policies: PolicySet
    trust: Policy
    target_models: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]

    def session(self, name: str = "access-check") -> Principal:
        """A session of the role."""
        short_name = self.arn.rsplit("/", 1)[-1]
        partition = self.arn.split(":")[1]
        arn = f"arn:{partition}:sts::{self.account_id}:assumed-role/{short_name}/{name}"
        return Principal(arn, self.account_id, role_arn=self.arn)


@dataclass(frozen=True)
class Estate:
    """All roles of a stage: those of the config by their name there, the tenants', the others."""

    source: str
    endpoint_arn: str
    restricted: Mapping[str, Role]
    tenant: Role | None
    others: tuple[Role, ...] = field(default=())


def make_role(
    name: str,
    arn: str,
    *,
    trust: Document,
    documents: Mapping[str, Document],
    boundary: Document | None = None,
    unreadable: Iterable[str] = (),
) -> Role:
    """Parse a role's policies.

    Raises
    ------
    HousingError
        For one that AWS would refuse.
    """
    try:
        return Role(
            name=name,
            arn=arn,
            policies=PolicySet(
                identity=tuple(parse_policy(doc, title) for title, doc in documents.items()),
                boundary=_boundary(boundary),
            ),
            trust=parse_policy(trust, "trust", PolicyType.TRUST),
            target_models=tuple(
                dict.fromkeys(
                    pattern
                    for document in documents.values()
                    for pattern in _allowed_target_models(document)
                )
            ),
            unreadable=tuple(unreadable),
        )
    except PolicyError as error:
        raise HousingError(f"role {name}: {error}") from None


def _boundary(document: Document | None) -> Policy | None:
    return None if document is None else parse_policy(document, "boundary", PolicyType.BOUNDARY)


def _allowed_target_models(document: Document) -> Iterable[str]:
    """The values of conditions on the target model; variables stand for no model in particular."""
    for statement in _as_list(document["Statement"]):
        if statement["Effect"] != "Allow":
            continue
        for keys in statement.get("Condition", {}).values():
            for key, values in keys.items():
                if key.lower() == TARGET_MODEL_KEY:
                    yield from (value for value in _as_list(values) if "${" not in value)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
