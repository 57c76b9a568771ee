"""Tags that services refuse."""

from collections.abc import Mapping, Sequence

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, invalid
from localaws.errors import AwsError


def check_tags(tags: Sequence[Mapping[str, str]], kind: str, most: int) -> None:
    """Raise ``AwsError`` for tags that S3 does not take."""
    if len(tags) > most:
        raise AwsError("BadRequest", f"{kind} tags cannot be greater than {most}")
    keys = [tag.get("Key", "") for tag in tags]
    if len(set(keys)) < len(keys):
        raise AwsError("InvalidTag", "Cannot provide multiple Tags with the same key")
    for tag in tags:
        if tag.get("Key", "").startswith("aws:"):
            raise AwsError("InvalidTag", "System tags cannot be added/updated by requester")
        if not 1 <= len(tag.get("Key", "")) <= 128:
            raise AwsError("InvalidTag", "The TagKey you have provided is invalid")
        if len(tag.get("Value", "")) > 256:
            raise AwsError("InvalidTag", "The TagValue you have provided is invalid")


def reserved_tags(member: str, key: str, code: str) -> Rule:
    """Tags that begin with aws: are AWS's own, and a key stands once."""

    def rule(parameters: Parameters, account: Account) -> None:
        tags = parameters.get(member) or ()
        keys = list(tags) if isinstance(tags, Mapping) else [tag.get(key, "") for tag in tags]
        for name in keys:
            if name.lower().startswith("aws:"):
                raise invalid(f"Tag key {name}: tag keys that begin with aws: are reserved", code)
        if len(set(keys)) < len(keys):
            raise invalid("Duplicate tag keys found", code)

    return rule
