"""What IAM and STS refuse.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import re
from collections.abc import Mapping

from localaws.admission import policies
from localaws.admission.account import Account
from localaws.admission.policies import exceeded
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.admission.services.tags import reserved_tags
from localaws.errors import AwsError

GROUPS_OF_USER = 10


def _create_role(parameters: Parameters, account: Account) -> None:
    _count("Role", "RolesPerAccount", account)
    policies.check_trust_policy(parameters["AssumeRolePolicyDocument"], account)


def _update_trust(parameters: Parameters, account: Account) -> None:
    if account.owner("Role", parameters["RoleName"]) is not None:
        policies.check_trust_policy(parameters["PolicyDocument"], account)


def _create_policy(parameters: Parameters, account: Account) -> None:
    _count("Policy", "PoliciesPerAccount", account)
    policies.check_managed_policy(parameters["PolicyDocument"])


def _create_policy_version(parameters: Parameters, account: Account) -> None:
    versions = account.policy_versions(parameters["PolicyArn"])
    if versions is None:
        return
    policies.check_managed_policy(parameters["PolicyDocument"])
    if versions >= policies.POLICY_VERSIONS:
        raise AwsError(
            "LimitExceeded",
            f"A managed policy can have up to {policies.POLICY_VERSIONS} versions. Before you"
            " create a new version, you must delete an existing version.",
            409,
        )


def _put_inline(kind: str) -> Rule:
    def rule(parameters: Parameters, account: Account) -> None:
        name = parameters[f"{kind}Name"]
        policy, document = parameters["PolicyName"], parameters["PolicyDocument"]
        policies.check_inline_policy(kind, name, policy, document, account)

    return rule


def _attach(kind: str) -> Rule:
    def rule(parameters: Parameters, account: Account) -> None:
        owner = account.owner(kind, parameters[f"{kind}Name"])
        arn = parameters["PolicyArn"]
        if owner is None:
            return
        policies.check_managed_exists(arn, account)
        policies.check_attached(kind, len({*owner.attached, arn}))

    return rule


def _delete_group(parameters: Parameters, account: Account) -> None:
    group = account.owner("Group", parameters["GroupName"])
    if group is not None and group.members:
        text = "Cannot delete entity, must remove users from group first."
        raise AwsError("DeleteConflict", text, 409)


def _counted(kind: str, quota: str) -> Rule:
    return lambda parameters, account: _count(kind, quota, account)


def _count(kind: str, quota: str, account: Account) -> None:
    if account.count(kind) >= policies.MOST[kind]:
        raise exceeded(quota, policies.MOST[kind])


def _create_access_key(parameters: Parameters, account: Account) -> None:
    user = parameters.get("UserName")
    if user and account.access_keys(user) >= policies.ACCESS_KEYS:
        raise exceeded("AccessKeysPerUser", policies.ACCESS_KEYS)


def _boundary(parameters: Parameters, account: Account) -> None:
    arn = parameters.get("PermissionsBoundary")
    if arn:
        policies.check_managed_exists(arn, account)


def _role_arn(parameters: Parameters, account: Account) -> None:
    arn = parameters["RoleArn"]
    if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:role/.+", arn, re.ASCII):
        raise invalid(f"{arn} is invalid", "ValidationError")


def _assume_role(parameters: Parameters, account: Account) -> None:
    asked = parameters.get("DurationSeconds", 3600)
    longest = account.longest_session(parameters["RoleArn"])
    if longest is not None and asked > longest:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    if account.caller_is_session() and asked > 3600:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by"
            " role chaining",
        )


def _service_linked_role(parameters: Parameters, account: Account) -> None:
    if not parameters["AWSServiceName"].endswith((".amazonaws.com", ".amazonaws.com.cn")):
        raise invalid("Service role is invalid: the service is not known.", "InvalidInput")


def _unique(kind: str) -> Rule:
    """Names of IAM are not told apart by case."""

    def rule(parameters: Parameters, account: Account) -> None:
        name = parameters[f"{kind}Name"]
        if account.is_taken(kind, name):
            text = f"{kind} with name {name} already exists."
            raise AwsError("EntityAlreadyExists", text, 409)

    return rule


def _add_to_group(parameters: Parameters, account: Account) -> None:
    user = account.record("user", parameters["UserName"])
    if user is None:
        return
    groups = {*user["Groups"], parameters["GroupName"]}
    if len(groups) > GROUPS_OF_USER:
        raise exceeded("GroupsPerUser", GROUPS_OF_USER)


def _password(parameters: Parameters, account: Account) -> None:
    password = parameters.get("Password")
    if password is None:
        return
    kinds = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
    if len(password) < 8 or sum(any(map(kind, password)) for kind in kinds) < 3:
        raise AwsError(
            "PasswordPolicyViolation",
            "Password should have a minimum length of 8, and three of upper case, lower case,"
            " numbers and other characters.",
        )


def _provider(parameters: Parameters, account: Account) -> None:
    if not parameters["Url"].startswith("https://"):
        raise AwsError("InvalidInput", "Invalid Open ID Connect Provider URL")


_TAGS = reserved_tags("Tags", "Key", "InvalidInput")


RULES: Mapping[tuple[str, str], Rule] = {
    ("iam", "AddUserToGroup"): _add_to_group,
    ("iam", "AttachGroupPolicy"): _attach("Group"),
    ("iam", "AttachRolePolicy"): _attach("Role"),
    ("iam", "AttachUserPolicy"): _attach("User"),
    ("iam", "CreateAccessKey"): _create_access_key,
    ("iam", "CreateGroup"): in_turn(_counted("Group", "GroupsPerAccount"), _unique("Group")),
    ("iam", "CreateLoginProfile"): _password,
    ("iam", "CreateOpenIDConnectProvider"): _provider,
    ("iam", "CreatePolicy"): in_turn(_TAGS, _create_policy, _unique("Policy")),
    ("iam", "CreatePolicyVersion"): _create_policy_version,
    ("iam", "CreateRole"): in_turn(_TAGS, _create_role, _unique("Role")),
    ("iam", "CreateServiceLinkedRole"): _service_linked_role,
    ("iam", "CreateUser"): in_turn(_TAGS, _counted("User", "UsersPerAccount"), _unique("User")),
    ("iam", "DeleteGroup"): _delete_group,
    ("iam", "PutGroupPolicy"): _put_inline("Group"),
    ("iam", "PutRolePermissionsBoundary"): _boundary,
    ("iam", "PutRolePolicy"): _put_inline("Role"),
    ("iam", "PutUserPermissionsBoundary"): _boundary,
    ("iam", "PutUserPolicy"): _put_inline("User"),
    ("iam", "TagPolicy"): _TAGS,
    ("iam", "TagRole"): _TAGS,
    ("iam", "TagUser"): _TAGS,
    ("iam", "UpdateAssumeRolePolicy"): _update_trust,
    ("iam", "UpdateLoginProfile"): _password,
    ("sts", "AssumeRole"): in_turn(_role_arn, _assume_role),
}
