"""Which version of a managed policy counts.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import iam

from localaws.ministack import patches

Parameters = Mapping[str, Any]


def install() -> None:
    """Put the operation into MiniStack's table, which lacks it."""
    patches.table(iam, "_IAM_HANDLERS")["SetDefaultPolicyVersion"] = set_default_version


def set_default_version(parameters: Parameters) -> Any:
    """Let another version count, the one that was the default before or a newer one."""
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
