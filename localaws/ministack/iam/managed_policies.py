"""Managed policies: all of AWS's, with their default versions; which version of one's own counts.

``aws_managed_policies.json.xz`` is IAM's own list (ListPolicies and GetPolicyVersion) of
2026-10, as the moto project publishes it: https://github.com/getmoto/moto (moto/iam, 5.2.5).
"""

import json
import lzma
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ministack.services import iam

from localaws.ministack import patches

Record = dict[str, Any]
PREFIX = "arn:aws:iam::aws:policy/"


def install() -> None:
    """Let IAM know all AWS managed policies, not MiniStack's few, and SetDefaultPolicyVersion."""
    patches.replace(iam, "_aws_managed_policies", lambda _: ManagedPolicies())
    patches.table(iam, "_IAM_HANDLERS")["SetDefaultPolicyVersion"] = set_default_version


class ManagedPolicies(Mapping[str, Record]):
    """IAM's records by ARN, each made when it is asked for."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def __getitem__(self, arn: str) -> Record:
        if arn not in self._records:
            self._records[arn] = _record(arn)
        return self._records[arn]

    def __iter__(self) -> Iterator[str]:
        return iter(documents())

    def __len__(self) -> int:
        return len(documents())


@cache
def documents() -> dict[str, Record]:
    """Document, version and dates of every policy, by ARN."""
    packed = files("localaws.ministack.iam").joinpath("aws_managed_policies.json.xz").read_bytes()
    return {PREFIX + name: policy for name, policy in json.loads(lzma.decompress(packed)).items()}


def _record(arn: str) -> Record:
    """A policy as MiniStack's IAM keeps it."""
    policy = documents()[arn]
    name, document = arn.removeprefix(PREFIX), json.dumps(policy["Document"])
    record: Record = iam._make_aws_managed_record(name, document)
    version = {**record["Versions"]["v1"], "VersionId": policy["Version"]}
    version["CreateDate"] = policy["Updated"]
    return {
        **record,
        "CreateDate": policy["Created"],
        "UpdateDate": policy["Updated"],
        "DefaultVersionId": policy["Version"],
        "Versions": {policy["Version"]: version},
    }


def set_default_version(parameters: Mapping[str, Any]) -> Any:
    """Let another version of a customer's policy count.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html
    """
    arn, chosen = iam._p(parameters, "PolicyArn"), iam._p(parameters, "VersionId")
    policy = iam._policies.get(arn)
    if policy is None or chosen not in policy["Versions"]:
        missing = f"Policy {arn}" if policy is None else f"Policy {arn} version {chosen}"
        text = f"{missing} does not exist or is not attachable."
        return iam._error(404, "NoSuchEntity", text, ns="iam")
    for name, version in policy["Versions"].items():
        version["IsDefaultVersion"] = name == chosen
    policy["DefaultVersionId"] = chosen
    return iam._xml(200, "SetDefaultPolicyVersionResponse", "", ns="iam")
